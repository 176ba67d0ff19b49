// What the sessions of one thread share: bounds, counters, and memory that goes from one stream to
// the next, so that a session at rest holds none.
#ifndef TRELLIS_NODE_HTTP_HTTP2_SESSION_CONTEXT_H_
#define TRELLIS_NODE_HTTP_HTTP2_SESSION_CONTEXT_H_

#include <memory>
#include <vector>

#include "node/http/http2/head_reader.h"
#include "node/http/http2/limits.h"
#include "node/http/http2/stream.h"

namespace trellis::http2 {

// A block of fields being read.
struct HeadInProgress {
  HeadReader reader;
  Request request;
  Response response;
  http::HeaderMap trailers;
};

// Outlives its sessions. Not thread-safe.
class SessionContext {
 public:
  explicit SessionContext(const Limits& limits);
  ~SessionContext();
  SessionContext(const SessionContext&) = delete;
  SessionContext& operator=(const SessionContext&) = delete;

  const Limits& limits() const { return limits_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

 private:
  friend class Session;
  struct Library;  // What the library wants for a session.

  std::unique_ptr<internal::Stream> NewStream();
  void Release(std::unique_ptr<internal::Stream> stream);
  std::unique_ptr<HeadInProgress> NewHead();
  void Release(std::unique_ptr<HeadInProgress> head);

  const Limits limits_;
  Counters counters_;
  std::unique_ptr<Library> library_;
  std::vector<std::unique_ptr<internal::Stream>> free_streams_;
  std::vector<std::unique_ptr<HeadInProgress>> free_heads_;
};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_SESSION_CONTEXT_H_
