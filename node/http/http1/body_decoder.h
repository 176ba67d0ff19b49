// Takes the framing off a body, piece by piece, without copying.
//
// Spec: RFC 9112 sections 6.3 and 7.1; RFC 9110 section 6.5.1 (what may be a trailer).
#ifndef TRELLIS_NODE_HTTP_HTTP1_BODY_DECODER_H_
#define TRELLIS_NODE_HTTP_HTTP1_BODY_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "node/http/http1/message.h"

namespace trellis::http1 {

class BodyDecoder {
 public:
  BodyDecoder() : BodyDecoder(Framing{}, Limits{}) {}
  BodyDecoder(const Framing& framing, const Limits& limits);

  // Begins another body under the same limits; keeps what storage it has.
  void Reset(const Framing& framing);

  struct Piece {
    size_t consumed = 0;     // Of `input`: drop these bytes.
    absl::string_view data;  // Payload, inside the consumed part; may be empty.
  };
  // Makes progress on any non-empty input, or fails: check error(). Call until done() or `consumed`
  // is 0 (more input is needed). Never consumes past the body's end. What follows the payload of a
  // piece is consumed with it as far as it is framing, so done() is known with the last piece.
  // `data` of the call that fails precedes the fault, and must not be passed on as a whole body.
  Piece Decode(absl::string_view input);

  bool done() const { return state_ == State::kDone; }
  Error error() const { return error_; }
  // The connection ended: true if that ends the body (kUntilClose), false if it is cut short.
  bool FinishAtClose();
  // After done(): trailer fields of a chunked body, views into trailer storage of this decoder,
  // until it is reset, moved or copied. A trailer that IsHopByHop, frames, routes, authenticates or
  // describes the content has been refused.
  const http::HeaderMap& trailers() const { return trailers_; }

 private:
  enum class State : uint8_t {
    kData,  // remaining_ bytes of payload.
    kUntilClose,
    kSize,       // Hexadecimal digits of a chunk's size.
    kExtension,  // From ";" to CR.
    kSizeLf,
    kDataCr,
    kDataLf,
    kTrailer,
    kDone,
    kFailed,
  };

  void Fail(Error error);
  // Each consumes from the front of `input`, never empty, and moves state_ on.
  size_t DecodeSizeLine(absl::string_view input);
  size_t DecodeTrailer(absl::string_view input);
  void FinishTrailers();

  Limits limits_;
  State state_ = State::kDone;
  bool chunked_ = false;
  uint64_t remaining_ = 0;
  int size_digits_ = 0;
  size_t size_line_bytes_ = 0;
  size_t trailer_line_begin_ = 0;  // In trailer_bytes_.
  std::string trailer_bytes_;
  http::HeaderMap trailers_;
  Error error_ = Error::kNone;
};

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_BODY_DECODER_H_
