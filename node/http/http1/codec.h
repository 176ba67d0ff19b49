// HTTP/1.1 without I/O: bytes in, heads and body pieces out; heads in, bytes out.
//
// Strict where two parsers could disagree, since a proxy that reads a request otherwise than its
// target does lets one request hide in another. Refused: both Content-Length and Transfer-Encoding,
// differing or repeated or signed or listed Content-Lengths, any Transfer-Encoding but a single final
// "chunked", bare LF or CR, obs-fold, NUL and other controls, white space before a colon, an empty
// or repeated or malformed Host (HTTP/1.1), absolute-form whose authority is not the Host.
//
// Spec: RFC 9112; RFC 9110 section 5 (fields), 7.6.1 (hop-by-hop); VPC Lattice reference 6.5 (60 KB
// and 100 headers). Thread-safety: none; a connection owns its codec.
#ifndef TRELLIS_NODE_HTTP_HTTP1_CODEC_H_
#define TRELLIS_NODE_HTTP_HTTP1_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "base/http/request_head.h"

namespace trellis::http1 {

// Bounds on what a peer may send.
struct Limits {
  size_t head_bytes_max = 60 * 1024;  // Start line and fields; meeting it: kHeadTooLarge.
  size_t headers_max = 100;           // kTooManyHeaders.
  size_t trailer_bytes_max = 8 * 1024;
  size_t chunk_line_bytes_max = 256;  // Size and extensions of one chunk.
};

// Why a message was refused; for the log and the counters. The proxy answers 400 to all but
// kVersion (505) for requests, 502 for responses.
enum class Error : uint8_t {
  kNone,
  kStartLine,         // Not method SP target SP version, or not a status line.
  kMethod,            // Not a token, or CONNECT.
  kTarget,            // Control, space or non-ASCII character, or a form a proxy does not serve.
  kVersion,           // Not HTTP/1.0 or HTTP/1.1.
  kHeaderName,        // Not a token, or white space before the colon.
  kHeaderValue,       // A control character.
  kLineEnding,        // Bare LF, or CR without LF.
  kFold,              // A line that begins with white space.
  kHost,              // Absent in HTTP/1.1, repeated, or malformed.
  kContentLength,     // Not one plain decimal number.
  kTransferEncoding,  // Not exactly one "chunked", or in HTTP/1.0.
  kBothLengths,       // Content-Length beside Transfer-Encoding.
  kHeadTooLarge,
  kTooManyHeaders,
  kChunk,             // Malformed size, extension or ending.
  kTrailer,           // Malformed, too large, or a field that may not be a trailer.
};
absl::string_view ErrorName(Error error);  // "content_length"

enum class Parse : uint8_t { kNeedMore, kDone, kError };

// How long a body is.
struct Framing {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  uint64_t length = 0;  // kLength only.
};

// Reads request heads, one after another.
//
//   switch (parser.Feed(buffer)) {          // `buffer` starts at the head's first byte
//     case Parse::kNeedMore: read more and call again with the longer buffer; it may have moved
//     case Parse::kDone:     parser.head() points into that buffer; drop parser.head_bytes() of it
//                            when done with the head, then parser.Reset()
class RequestParser {
 public:
  explicit RequestParser(const Limits& limits) : limits_(limits) {}

  // Remembers how far it has looked, so many small reads cost no more than one large. Allocates
  // nothing after its first messages. Empty lines before a request line are skipped (RFC 9112 2.2).
  Parse Feed(absl::string_view buffer);
  void Reset();

  // After kDone, while the buffer given to that Feed lives unmoved:
  const http::RequestHead& head() const { return head_; }
  size_t head_bytes() const { return head_bytes_; }
  Framing framing() const { return framing_; }
  bool keep_alive() const { return keep_alive_; }            // The client's wish and version.
  bool expects_continue() const { return expects_continue_; }  // Expect: 100-continue, HTTP/1.1.

  Error error() const { return error_; }

 private:
  Parse Fail(Error error);
  Error ParseHead(absl::string_view block);

  const Limits limits_;
  http::RequestHead head_;
  size_t scanned_ = 0;
  size_t head_bytes_ = 0;
  Framing framing_;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  Error error_ = Error::kNone;
};

struct ResponseHead {
  int status = 0;                // 100-999.
  absl::string_view reason;
  http::HttpVersion version = http::HttpVersion::kHttp11;
  http::HeaderMap headers;
};

// Reads response heads; interim (1xx) ones come like others and the caller goes on.
class ResponseParser {
 public:
  explicit ResponseParser(const Limits& limits) : limits_(limits) {}

  // `to_head`: the request was HEAD, so there is no body whatever the fields say.
  Parse Feed(absl::string_view buffer, bool to_head);
  void Reset();

  const ResponseHead& head() const { return head_; }
  size_t head_bytes() const { return head_bytes_; }
  Framing framing() const { return framing_; }
  bool keep_alive() const { return keep_alive_; }  // The connection can take another request.
  Error error() const { return error_; }

 private:
  Parse Fail(Error error);
  Error ParseHead(absl::string_view block, bool to_head);

  const Limits limits_;
  ResponseHead head_;
  size_t scanned_ = 0;
  size_t head_bytes_ = 0;
  Framing framing_;
  bool keep_alive_ = false;
  Error error_ = Error::kNone;
};

// Takes the framing off a body, piece by piece, without copying.
class BodyDecoder {
 public:
  BodyDecoder() : BodyDecoder(Framing{}, Limits{}) {}
  BodyDecoder(const Framing& framing, const Limits& limits);

  struct Piece {
    size_t consumed = 0;      // Of `input`: drop these bytes.
    absl::string_view data;   // Payload, inside the consumed part; may be empty.
  };
  // Makes progress on any non-empty input, or fails: check error(). Call until done() or `consumed`
  // is 0 (more input is needed). Never consumes past the body's end.
  Piece Decode(absl::string_view input);

  bool done() const { return done_; }
  Error error() const { return error_; }
  // The connection ended: true if that ends the body (kUntilClose), false if it is cut short.
  bool FinishAtClose();
  // After done(): trailer fields of a chunked body, views into trailer storage of this decoder.
  const http::HeaderMap& trailers() const { return trailers_; }

 private:
  enum class State : uint8_t { kData, kSize, kDataEnd, kTrailer, kDone };

  Framing framing_;
  Limits limits_;
  State state_ = State::kDone;
  uint64_t remaining_ = 0;
  std::string line_;        // A chunk or trailer line that came in parts.
  std::string trailer_bytes_;
  http::HeaderMap trailers_;
  bool done_ = false;
  Error error_ = Error::kNone;
};

// True for fields that belong to one connection and are not passed on: Connection and those it
// names, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade (RFC 9110 7.6.1).
bool IsHopByHop(absl::string_view name);

// Appends "{size in hex}\r\n"; the data and "\r\n" follow.
void AppendChunkHeader(size_t size, std::string* out);
// "0\r\n", the trailers, "\r\n".
void AppendLastChunk(const http::HeaderMap& trailers, std::string* out);

// "Not Found" for 404; "Unknown" for codes without a name.
absl::string_view ReasonPhrase(int status);

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_CODEC_H_
