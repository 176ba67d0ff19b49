#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "storage/catalog/version.h"

// An etag and a mesh token have one spelling each: what parses is what would be printed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::storage;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto version = Version::FromEtag(text); version.ok()) {
    CHECK(version->ToEtag() == text) << version->ToEtag();
  }
  if (const auto token = MeshToken::Parse(text); token.ok()) {
    CHECK(token->ToString() == text) << token->ToString();
  }
  return 0;
}
