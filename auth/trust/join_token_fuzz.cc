#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "auth/trust/join_token.h"
#include "base/log/log.h"

// What parses is exactly what its token prints: one token, one line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = trellis::trust::JoinToken::Parse(text);
  if (!token.ok()) return 0;
  const auto line = token->Format();
  CHECK(line.ok() && *line == text);
  return 0;
}
