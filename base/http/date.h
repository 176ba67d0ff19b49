// The Date field (RFC 9110 section 5.6.7, IMF-fixdate).
#ifndef TRELLIS_BASE_HTTP_DATE_H_
#define TRELLIS_BASE_HTTP_DATE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace trellis::http {

// "Sun, 06 Nov 1994 08:49:37 GMT"; whole seconds, rounded down.
std::string FormatDate(absl::Time time);

// The same, written once a second. Not thread-safe: a worker has its own.
class Date {
 public:
  // Valid until the next call.
  absl::string_view At(absl::Time now);

 private:
  int64_t second_ = -1;
  std::string text_;
};

}  // namespace trellis::http

#endif  // TRELLIS_BASE_HTTP_DATE_H_
