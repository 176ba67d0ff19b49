#include "base/http/date.h"

namespace trellis::http {

std::string FormatDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

absl::string_view Date::At(absl::Time now) {
  const int64_t second = absl::ToUnixSeconds(now);
  if (second != second_ || text_.empty()) {
    second_ = second;
    text_ = FormatDate(now);
  }
  return text_;
}

}  // namespace trellis::http
