#include "base/http/percent.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace trellis::http {
namespace {

// `digit` is one.
char HexValue(char digit) {
  return digit <= '9' ? digit - '0' : absl::ascii_tolower(digit) - 'a' + 10;
}

}  // namespace

absl::StatusOr<std::string> PercentDecode(absl::string_view text, size_t bytes_max) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (decoded.size() == bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("percent-encoded text is longer than ", bytes_max, " bytes"));
    }
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3 || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the % at byte ", i, " is not followed by two hexadecimal digits; a plain % is %25"));
    }
    decoded.push_back(static_cast<char>(HexValue(text[i + 1]) << 4 | HexValue(text[i + 2])));
    i += 2;
  }
  return decoded;
}

}  // namespace trellis::http
