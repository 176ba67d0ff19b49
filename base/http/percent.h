// Percent-decoding (RFC 3986 section 2.1), bounded.
#ifndef TRELLIS_BASE_HTTP_PERCENT_H_
#define TRELLIS_BASE_HTTP_PERCENT_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::http {

// `text` with every %XX replaced by its byte, once: "%2525" gives "%25". "+" stays "+". The result
// may hold any byte, NUL and "/" included: callers that split do it before decoding.
//   INVALID_ARGUMENT    a "%" without two hexadecimal digits after it
//   RESOURCE_EXHAUSTED  the result would be longer than `bytes_max`
absl::StatusOr<std::string> PercentDecode(absl::string_view text, size_t bytes_max);

}  // namespace trellis::http

#endif  // TRELLIS_BASE_HTTP_PERCENT_H_
