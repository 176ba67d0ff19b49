#include "node/http/http1/syntax.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "node/http/http1/fields.h"

namespace trellis::http1 {
namespace {

// 18 digits cannot overflow, and no body is longer.
constexpr size_t kContentLengthDigitsMax = 18;

bool IsPort(absl::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int port = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return false;
    port = port * 10 + (c - '0');
  }
  return port >= 1 && port <= 65535;
}

}  // namespace

bool IsTarget(absl::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '#') return false;
  }
  return !text.empty();
}

bool IsAuthority(absl::string_view text) {
  size_t end = 0;
  if (absl::ConsumePrefix(&text, "[")) {
    while (end < text.size() &&
           (absl::ascii_isxdigit(text[end]) || text[end] == ':' || text[end] == '.')) {
      ++end;
    }
    if (end < 2 || end == text.size() || text[end] != ']') return false;
    ++end;
  } else {
    while (end < text.size() && (absl::ascii_isalnum(text[end]) || text[end] == '-' ||
                                 text[end] == '.' || text[end] == '_' || text[end] == '~')) {
      ++end;
    }
    if (end == 0) return false;
  }
  if (end == text.size()) return true;
  return text[end] == ':' && IsPort(text.substr(end + 1));
}

Error ParseContentLength(absl::string_view value, uint64_t* length) {
  if (value.empty() || value.size() > kContentLengthDigitsMax) return Error::kContentLength;
  if (value.size() > 1 && value.front() == '0') return Error::kContentLength;
  *length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return Error::kContentLength;
    *length = *length * 10 + static_cast<uint64_t>(c - '0');
  }
  return Error::kNone;
}

bool MayBeTrailer(absl::string_view name) {
  static constexpr absl::string_view kForbidden[] = {
      "age",           "authorization", "cache-control",    "content-encoding",
      "content-range", "content-type",  "cookie",           "date",
      "expires",       "forwarded",     "location",         "max-forwards",
      "pragma",        "range",         "retry-after",      "set-cookie",
      "vary",          "warning",       "www-authenticate",
  };
  static constexpr absl::string_view kForbiddenPrefixes[] = {"if-", "x-amzn-", "x-forwarded-"};
  if (IdentifyField(name) != FieldId::kOther) return false;
  return std::none_of(
             std::begin(kForbidden), std::end(kForbidden),
             [name](absl::string_view other) { return absl::EqualsIgnoreCase(name, other); }) &&
         std::none_of(
             std::begin(kForbiddenPrefixes), std::end(kForbiddenPrefixes),
             [name](absl::string_view prefix) { return absl::StartsWithIgnoreCase(name, prefix); });
}

}  // namespace trellis::http1
