// Encoding every byte of what was decoded and decoding again gives the same.
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/http/percent.h"
#include "base/log/log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto decoded = trellis::http::PercentDecode(text, size);
  if (!decoded.ok()) return 0;
  std::string encoded;
  for (const unsigned char c : *decoded)
    absl::StrAppend(&encoded, "%", absl::Hex(c, absl::kZeroPad2));
  CHECK(*trellis::http::PercentDecode(encoded, size) == *decoded);
  return 0;
}
