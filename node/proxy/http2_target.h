// A target's end of one exchange over HTTP/2: a stream of a connection that many share.
#ifndef TRELLIS_NODE_PROXY_HTTP2_TARGET_H_
#define TRELLIS_NODE_PROXY_HTTP2_TARGET_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "node/proxy/owned_fields.h"
#include "node/proxy/target_end.h"
#include "node/upstream/http2_pool.h"

namespace trellis::proxy {

struct WorkerState;

// Used again for exchange after exchange. Threads: its worker's only.
class Http2Target final : public TargetEnd, private upstream::Http2Call {
 public:
  Http2Target(WorkerState& worker, ResponseReader& user) : worker_(worker), user_(user) {}
  ~Http2Target() override { Finish(false); }

  // Begins. `tls`: how the client came. `body`: the request has one.
  absl::Status Connect(const net::Endpoint& endpoint, bool tls, bool body);

  Connecting connecting() override;
  bool reused() const override { return reused_; }
  absl::string_view endpoint_text() const override { return link_->endpoint_text(); }
  bool takes_request() override { return !over_ && waiting_ == 0; }
  bool Send(absl::string_view head, absl::string_view data, bool end,
            const http::HeaderMap& trailers) override;
  bool head_sent() const override { return id_ != 0; }
  Read ReadResponse(ResponseReader& reader) override;
  absl::string_view error() const override { return http2::ErrorCodeName(code_); }
  void EndTurn() override {}
  void Finish(bool complete) override;

 private:
  // Http2Call.
  void OnInterim(const http1::ResponseHead& head) override;
  void OnResponse(const http2::Response& response) override;
  void OnData(absl::string_view bytes, bool end) override;
  void OnTrailers(const http::HeaderMap& trailers) override;
  void OnBodySent(size_t bytes) override { waiting_ -= bytes; }
  void OnClosed(http2::ErrorCode code) override;
  void OnBroken() override;
  void OnNews() override { user_.OnTarget(); }

  void SubmitHead(absl::string_view head, bool end);

  WorkerState& worker_;
  ResponseReader& user_;
  upstream::Http2Link* link_ = nullptr;  // Null while no target is chosen.
  http2::StreamId id_ = 0;               // 0: the head was not given.
  bool tls_ = false;
  bool has_request_body_ = false;
  bool reused_ = false;
  bool over_ = false;  // Nothing goes or comes any more.
  bool broken_ = false;
  http2::ErrorCode code_ = http2::ErrorCode::kNoError;
  size_t waiting_ = 0;  // Bytes of the request's body that the session has and did not send.

  // What came and was not read: the response in the order of these.
  int interim_status_ = 0;
  OwnedFields interim_;
  int status_ = 0;
  bool head_read_ = false;
  bool head_ends_ = false;
  OwnedFields fields_;
  std::string body_;
  std::string reading_;
  bool ended_ = false;
  OwnedFields trailers_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_HTTP2_TARGET_H_
