// One HTTP/1 client connection: its requests one after another.
//
//   http1_connection.cc  accepted, idle, closing, lingering; heads; turns
//   http1_client_end.cc  what its exchange reads and sends
//
// A connection that begins as HTTP/2's does (RFC 9113 3.3) hands its socket to an Http2Connection.
#ifndef TRELLIS_NODE_PROXY_HTTP1_CONNECTION_H_
#define TRELLIS_NODE_PROXY_HTTP1_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "node/net/lazy_timer.h"
#include "node/net/stream_socket.h"
#include "node/proxy/client_connection.h"
#include "node/proxy/client_end.h"
#include "node/proxy/exchange.h"
#include "node/proxy/input_buffer.h"

namespace trellis::proxy {

// What a connection needs only while a request is under way.
struct Http1Request {
  explicit Http1Request(WorkerState& worker) : parser(http1::Limits{}), exchange(worker) {}
  void Reset() {
    parser.Reset();
    head_timed = has_body = chunked_response = client_is_http10 = client_keep_alive = false;
    close_after = gathering = with_head = false;
    direct = {};
    exchange.Reset();
  }

  http1::RequestParser parser;
  http1::BodyDecoder body;
  bool head_timed = false;  // The time for the head runs.
  bool has_body = false;
  bool client_is_http10 = false;
  bool client_keep_alive = false;
  bool chunked_response = false;
  bool close_after = false;  // The client was told so, or cannot tell the end otherwise.
  bool gathering = false;    // A step is under way;
  bool with_head = false;    // it began with the head.
  // Payload of the step under way that needs no framing of ours: goes out uncopied.
  absl::string_view direct;
  Exchange exchange;
};

class Http1Connection final : public ClientConnection, private ClientEnd {
 public:
  Http1Connection(WorkerState& worker, net::StreamSocket socket, ClientAddress address);
  ~Http1Connection() override = default;
  // Begins to serve. RESOURCE_EXHAUSTED: the kernel watches no more descriptors; destroy it.
  absl::Status Start();
  // The same in place of a connection that was watched (WorkerState::Replace).
  void Resume();
  int fd() const { return socket_.fd(); }

  void Drain() override;
  void Abort() override;
  void OnEvents(uint32_t events) override;
  void Pump() override;

 private:
  enum class State : uint8_t { kOpen, kLingering, kClosed };

  // Steps return whether they got on; after false, or once kClosed, there is nothing to do but
  // wait.
  bool Step();
  bool StepHead();
  bool StepLingering();
  // Whether what has come is, or may become, no HTTP/1; if it is not, the socket has gone.
  bool StepOtherProtocol();
  template <typename Next>
  void HandOver();
  bool ReadHeadBytes();
  void StartExchange();
  void RefuseHead(Reason reason, absl::string_view detail);
  void FinishExchange();
  void ClientGone();
  void ArmTimer();
  void OnTimeout();
  void StartClosing(bool request_was_read);
  void Close();
  net::Io ReadFromClient();

  // ClientEnd.
  BodyRead ReadBody(absl::string_view* data) override;
  bool body_read() const override { return !request_->has_body || request_->body.done(); }
  bool has_body_bytes() const override { return !from_client_.empty(); }
  const http::HeaderMap& trailers() const override { return request_->body.trailers(); }
  absl::string_view body_error() const override;
  bool takes_response() const override { return to_client_.empty(); }
  bool SendContinue() override;
  bool SendInterim(const http1::ResponseHead& head) override;
  bool SendAnswer(const AnswerHead& answer) override;
  bool BeginResponse(const ResponseStart& start) override;
  bool AddBody(absl::string_view data) override;
  bool EndStep() override;
  bool EndResponse(const http::HeaderMap& trailers) override;
  std::string& Gather();
  bool Send(absl::string_view first, absl::string_view second);
  bool DiscardBody();

  WorkerState& worker_;
  net::StreamSocket socket_;
  const ClientAddress address_;
  const absl::Duration opened_;

  State state_ = State::kClosed;
  bool is_new_ = true;       // No request has begun.
  bool progressed_ = false;  // Since the timer was set.
  InputBuffer from_client_;
  net::SendQueue to_client_;
  std::unique_ptr<Http1Request> request_;  // Null while idle.
  net::LazyTimer timer_;                   // Of idling, heads and lingering.
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_HTTP1_CONNECTION_H_
