// A target's end of one exchange over HTTP/1.1: a connection lent by the worker's pool.
#ifndef TRELLIS_NODE_PROXY_HTTP1_TARGET_H_
#define TRELLIS_NODE_PROXY_HTTP1_TARGET_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "node/http/http1/codec.h"
#include "node/net/stream_socket.h"
#include "node/proxy/input_buffer.h"
#include "node/proxy/target_end.h"
#include "node/upstream/pool.h"

namespace trellis::proxy {

struct WorkerState;

// Used again for exchange after exchange. Threads: its worker's only.
class Http1Target final : public TargetEnd, private upstream::Connection::User {
 public:
  Http1Target(WorkerState& worker, ResponseReader& user);

  // Each begins: `chunked`, whether the request's body is to go in chunks; `to_head`, whether the
  // request is HEAD.
  // Takes an idle connection; false: there is none. `repeatable`: the request may be sent again.
  bool TakeIdle(const net::Endpoint& endpoint, bool chunked, bool to_head, bool repeatable);
  absl::Status Connect(const net::Endpoint& endpoint, bool chunked, bool to_head);

  Connecting connecting() override;
  bool reused() const override { return connection_->reused(); }
  absl::string_view endpoint_text() const override { return connection_->endpoint_text(); }
  bool takes_request() override;
  bool Send(absl::string_view head, absl::string_view data, bool end,
            const http::HeaderMap& trailers) override;
  bool head_sent() const override { return head_sent_; }
  Read ReadResponse(ResponseReader& reader) override;
  absl::string_view error() const override;
  void EndTurn() override { from_target_.Keep(); }
  void Finish(bool complete) override;

 private:
  void OnUpstream() override { user_.OnTarget(); }

  void Begin(bool chunked, bool to_head);
  Read TakeHeads(ResponseReader& reader);
  Read TakeBody(ResponseReader& reader);
  Read TakeEnd(bool cleanly, ResponseReader& reader);

  WorkerState& worker_;
  ResponseReader& user_;
  std::unique_ptr<upstream::Connection> connection_;  // Null while no target is chosen.
  bool chunked_ = false;
  bool to_head_ = false;
  bool head_sent_ = false;
  bool broken_ = false;  // Takes no more.
  net::SendQueue to_target_;
  http1::ResponseParser parser_;
  http1::BodyDecoder body_;
  InputBuffer from_target_;
  bool has_head_ = false;
  bool has_body_ = false;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_HTTP1_TARGET_H_
