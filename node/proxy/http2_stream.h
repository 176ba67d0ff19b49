// A client's end of one exchange: a stream of an HTTP/2 connection.
//
// Used again for stream after stream of a worker (resting.h). Threads: its worker's only.
#ifndef TRELLIS_NODE_PROXY_HTTP2_STREAM_H_
#define TRELLIS_NODE_PROXY_HTTP2_STREAM_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/http/header_map.h"
#include "node/http/http2/session.h"
#include "node/proxy/client_end.h"
#include "node/proxy/exchange.h"
#include "node/proxy/owned_fields.h"

namespace trellis::proxy {

class Http2Connection;

class Http2Stream final : private ClientEnd {
 public:
  explicit Http2Stream(WorkerState& worker) : worker_(worker), exchange_(worker) {}
  ~Http2Stream() override { Reset(); }
  void Reset();

  // Both are borrowed until Reset. `index`: in the connection's list.
  void Begin(Http2Connection& connection, http2::StreamId id, const ClientAddress& address,
             size_t index);
  http2::StreamId id() const { return id_; }
  size_t index() const { return index_; }
  void set_index(size_t index) { index_ = index; }
  Exchange& exchange() { return exchange_; }

  // --- What the session told ---
  // Holds at most the stream's window: what is held has not been given back to it.
  void TakeBody(absl::string_view bytes, bool end);
  void TakeTrailers(const http::HeaderMap& trailers) {
    trailers_.Assign(trailers);
    ended_ = true;
  }
  // `bytes` of the response's body have left.
  void BodyLeft(size_t bytes) { waiting_ -= bytes; }

  bool has_body = false;
  bool ready = false;  // The connection will pump it.

 private:
  void Pump() override;
  BodyRead ReadBody(absl::string_view* data) override;
  bool body_read() const override { return !has_body || end_read_; }
  bool has_body_bytes() const override { return !body_.empty() || (ended_ && !end_read_); }
  const http::HeaderMap& trailers() const override { return trailers_.map(); }
  absl::string_view body_error() const override { return {}; }
  bool takes_response() const override { return waiting_ == 0; }
  bool SendContinue() override;
  bool SendInterim(const http1::ResponseHead& head) override;
  bool SendAnswer(const AnswerHead& answer) override;
  bool BeginResponse(const ResponseStart& start) override;
  bool AddBody(absl::string_view data) override;
  bool EndStep() override { return true; }
  bool EndResponse(const http::HeaderMap& trailers) override;
  bool SendGrpcAnswer(const AnswerHead& answer);
  void SubmitHead(int status, bool end);

  WorkerState& worker_;
  Http2Connection* connection_ = nullptr;
  http2::StreamId id_ = 0;
  size_t index_ = 0;

  // The request's body.
  std::string body_;     // Came, and was not read.
  std::string reading_;  // What ReadBody gave last.
  bool ended_ = false;   // Nothing follows body_.
  bool end_read_ = false;
  OwnedFields trailers_;

  // The response.
  size_t waiting_ = 0;  // Bytes of its body that the session has and did not send.
  bool response_has_body_ = false;
  Exchange exchange_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_HTTP2_STREAM_H_
