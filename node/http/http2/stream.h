// What a session remembers of a stream beside the library: its body on the way out.
#ifndef TRELLIS_NODE_HTTP_HTTP2_STREAM_H_
#define TRELLIS_NODE_HTTP_HTTP2_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace trellis::http2::internal {

struct Stream {
  int32_t id = 0;
  void* owner = nullptr;  // The session's user's.
  Stream* previous = nullptr;
  Stream* next = nullptr;

  // The peer's side.
  bool announced = false;  // Its head was passed on, so its end must be.
  bool has_final = false;  // Client: the response's head came, what follows are trailers.
  bool discard = false;    // What comes is of no use to anyone.
  size_t unconsumed = 0;   // Bytes of its body not given back to its window.

  // Our side.
  bool has_head = false;     // The user has given it.
  bool sent_head = false;    // Client: from then on the library knows the stream.
  bool has_body = false;     // Something follows our head.
  bool ended = false;        // The user has given all there is.
  bool finished = false;     // And all of it was sent.
  bool deferred = false;     // The library waits for more of the body.
  bool owner_reset = false;  // By the user, not for what the peer did.
  bool has_trailers = false;
  std::string body;
  size_t body_sent = 0;  // Of `body`.
  std::string trailers;  // As PackFields leaves them.

  size_t body_left() const { return body.size() - body_sent; }
  void AppendBody(absl::string_view bytes) {
    // At most half is waste, so each byte is moved once or twice.
    if (body_sent > body.size() / 2) {
      body.erase(0, body_sent);
      body_sent = 0;
    }
    body.append(bytes.data(), bytes.size());
  }
  absl::string_view TakeBody(size_t count) {
    const absl::string_view taken(body.data() + body_sent, count);
    body_sent += count;
    return taken;
  }
  // After what TakeBody gave was used.
  void ForgetTaken() {
    if (body_sent < body.size()) return;
    body.clear();
    body_sent = 0;
  }
};

}  // namespace trellis::http2::internal

#endif  // TRELLIS_NODE_HTTP_HTTP2_STREAM_H_
