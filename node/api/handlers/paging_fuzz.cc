#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "node/api/handlers/paging.h"

// No token leads out of the list it is given for.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr absl::string_view kList = "services/";
  const absl::string_view token(reinterpret_cast<const char*>(data), size);
  const auto page = trellis::api::ParsePage(kList, /*page_size=*/0, token);
  if (!page.ok()) return 0;
  CHECK(page->size == trellis::api::kDefaultPageSize);
  CHECK(token.empty() || absl::StartsWith(page->after, kList)) << page->after;
  return 0;
}
