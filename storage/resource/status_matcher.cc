#include "storage/resource/status_matcher.h"

#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace trellis::resource {
namespace {

constexpr size_t kMaxTextBytes = 2000;
constexpr size_t kShownBytes = 60;

bool ParseCode(absl::string_view text, int* code) {
  return text.size() == 3 && text.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(text, code);
}

}  // namespace

absl::StatusOr<StatusMatcher> StatusMatcher::Parse(absl::string_view text) {
  const absl::Status malformed = absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CHexEscape(text.substr(0, kShownBytes)),
                   "\" is no list of status codes; give codes from ", kMinCode, " to ", kMaxCode,
                   " such as 200, 200,202 or 200-299"));
  if (text.empty() || text.size() > kMaxTextBytes) return malformed;
  StatusMatcher matcher;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> range =
        absl::StrSplit(item, absl::MaxSplits('-', 1));
    const bool single = item.find('-') == absl::string_view::npos;
    int first = 0, last = 0;
    if (!ParseCode(range.first, &first) || !ParseCode(single ? item : range.second, &last) ||
        first < kMinCode || last > kMaxCode || first > last) {
      return malformed;
    }
    for (int code = first; code <= last; ++code) matcher.codes_.set(code - kMinCode);
  }
  return matcher;
}

std::string StatusMatcher::ToString() const {
  std::string text;
  for (int code = kMinCode; code <= kMaxCode; ++code) {
    if (!Matches(code)) continue;
    const int first = code;
    while (Matches(code + 1)) ++code;
    absl::StrAppend(&text, text.empty() ? "" : ",", first);
    if (code > first) absl::StrAppend(&text, "-", code);
  }
  return text;
}

}  // namespace trellis::resource
