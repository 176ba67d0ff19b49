// JSON strings from arbitrary bytes.
#ifndef TRELLIS_NODE_TELEMETRY_JSON_TEXT_H_
#define TRELLIS_NODE_TELEMETRY_JSON_TEXT_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace trellis::telemetry {

// An input byte takes at most this many in the output ("\u0000").
inline constexpr size_t kJsonGrowthMax = 6;

// Writes `text` as the inside of a JSON string (RFC 8259 section 7) and returns the end. Quotes,
// backslashes and controls are escaped, well-formed UTF-8 stays, any other byte becomes U+FFFD: the
// result is valid JSON in valid UTF-8 whatever comes in. `out` has kJsonGrowthMax * size + 8 bytes.
char* WriteJsonText(absl::string_view text, char* out);

}  // namespace trellis::telemetry

#endif  // TRELLIS_NODE_TELEMETRY_JSON_TEXT_H_
