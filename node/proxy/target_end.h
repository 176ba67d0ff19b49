// The target's side of one exchange: what differs between HTTP/1 and HTTP/2.
//
// An exchange gives it the request and has the response read from it. Nothing here waits: the user is
// told (OnTarget) when there may be more to do.
#ifndef TRELLIS_NODE_PROXY_TARGET_END_H_
#define TRELLIS_NODE_PROXY_TARGET_END_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "base/net/endpoint.h"
#include "node/http/http1/codec.h"

namespace trellis::proxy {

// What a target's end has read, told from inside Read. False: the client is gone, stop.
class ResponseReader {
 public:
  virtual ~ResponseReader() = default;
  // Something of it has come.
  virtual void OnBytes() = 0;
  virtual bool OnInterim(const http1::ResponseHead& head) = 0;
  virtual bool OnHead(const http1::ResponseHead& head, bool has_body, bool length_known) = 0;
  virtual bool OnBody(absl::string_view data) = 0;  // Lives until Read returns.
  virtual bool OnEnd(const http::HeaderMap& trailers) = 0;
  // The target, or its connection, has news.
  virtual void OnTarget() = 0;
};

class TargetEnd {
 public:
  enum class Connecting : uint8_t { kPending, kDone, kFailed };
  enum class Read : uint8_t {
    kProgress,
    kBlocked,
    kEnded,      // Before the response was whole.
    kRefused,    // And the target says that it did nothing with the request.
    kMalformed,  // error() says how.
  };

  virtual ~TargetEnd() = default;

  // Where the request's way to a target stands, once one was chosen.
  virtual Connecting connecting() = 0;
  // The connection has carried requests before.
  virtual bool reused() const = 0;
  virtual absl::string_view endpoint_text() const = 0;

  // --- The request. `head` as AppendTargetHead writes it; given once, with the first call. ---
  // Nothing given before waits. Not to be given more until then.
  virtual bool takes_request() = 0;
  // `end`: nothing follows `data` but `trailers`. False: the connection is broken; what the target
  // said before may be read still.
  virtual bool Send(absl::string_view head, absl::string_view data, bool end,
                    const http::HeaderMap& trailers) = 0;
  virtual bool head_sent() const = 0;

  // --- The response ---
  virtual Read ReadResponse(ResponseReader& reader) = 0;
  virtual absl::string_view error() const = 0;
  // After the last ReadResponse of a turn: others use the scratch buffers next.
  virtual void EndTurn() = 0;

  // Lets go of the target. `complete`: the exchange is complete on both sides.
  virtual void Finish(bool complete) = 0;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_TARGET_END_H_
