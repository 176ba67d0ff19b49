// What the parts of the codec have in common: bounds, refusals, the length of a body.
#ifndef TRELLIS_NODE_HTTP_HTTP1_MESSAGE_H_
#define TRELLIS_NODE_HTTP_HTTP1_MESSAGE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace trellis::http1 {

// Bounds on what a peer may send.
struct Limits {
  size_t head_bytes_max = 60 * 1024;  // Start line and fields; more: kHeadTooLarge.
  size_t headers_max = 100;           // kTooManyHeaders; kTrailer for trailers.
  size_t trailer_bytes_max = 8 * 1024;
  size_t chunk_line_bytes_max = 256;  // Size and extensions of one chunk, with its CR LF.
};

// Empty lines skipped before a request line; RFC 9112 2.2 asks for at least one.
inline constexpr int kEmptyLinesMax = 4;
// Options that the Connection fields of one head may list.
inline constexpr int kConnectionOptionsMax = 32;

// Why a message was refused; for the log and the counters. The proxy answers 400 to all but
// kVersion (505) for requests, 502 for responses.
enum class Error : uint8_t {
  kNone,
  kStartLine,         // Not method SP target SP version, or not a status line; or status 101.
  kMethod,            // Not a token, or CONNECT.
  kTarget,            // Control, space, "#" or non-ASCII, or a form a proxy does not serve.
  kVersion,           // Not HTTP/1.0 or HTTP/1.1.
  kHeaderName,        // Not a token, or white space before the colon, or a look-alike with "_".
  kHeaderValue,       // A control character, or more than kConnectionOptionsMax.
  kLineEnding,        // Bare LF, or CR without LF.
  kFold,              // A line that begins with white space.
  kHost,              // Absent in HTTP/1.1, repeated, or malformed.
  kContentLength,     // Not one plain decimal number.
  kTransferEncoding,  // Not exactly one "chunked", or in HTTP/1.0.
  kBothLengths,       // Content-Length beside Transfer-Encoding.
  kHeadTooLarge,
  kTooManyHeaders,
  kChunk,    // Malformed size, extension or ending.
  kTrailer,  // Malformed, too large, or a field that may not be a trailer.
};
absl::string_view ErrorName(Error error);  // "content_length"

enum class Parse : uint8_t { kNeedMore, kDone, kError };

// How long a body is.
struct Framing {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;  // kNone also for Content-Length: 0.
  uint64_t length = 0;      // kLength only.
};

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_MESSAGE_H_
