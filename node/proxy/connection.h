// One client connection: its requests one after another, each with its target and its response.
//
// A request passes through these states; a source file has each side of it.
//
//   connection.cc           accepted, idle, closing, lingering; time-outs; the access log
//   connection_request.cc   reading the head, routing, choosing a target, connecting, streaming the
//                           request
//   connection_response.cc  awaiting the response, streaming it; answers of our own
//
// Events only note what sockets can do; Pump then takes every step that is possible, until none is.
// Backpressure: a side is read only while nothing waits to be sent on the other, so a connection
// holds at most one read (kReadBytesMax and its framing) for each direction.
//
// Threads: its worker's only.
#ifndef TRELLIS_NODE_PROXY_CONNECTION_H_
#define TRELLIS_NODE_PROXY_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/net/endpoint.h"
#include "node/net/event_loop.h"
#include "node/net/lazy_timer.h"
#include "node/net/stream_socket.h"
#include "node/proxy/answers.h"
#include "node/proxy/exchange.h"
#include "node/proxy/input_buffer.h"
#include "node/proxy/worker_state.h"
#include "node/upstream/pool.h"

namespace trellis::proxy {

class Connection final : public net::FdHandler, public upstream::Connection::User {
 public:
  // `port`: the listener's, without offset.
  Connection(WorkerState& worker, net::Fd fd, const net::Endpoint& peer, uint16_t port);
  ~Connection() override = default;
  // Begins to serve. RESOURCE_EXHAUSTED: the kernel watches no more descriptors; destroy it.
  absl::Status Start();

  // Closes it if no request is under way; otherwise the response will say "connection: close".
  void Drain();
  // Closes it now, whatever is under way.
  void Abort();

  void OnEvents(uint32_t events) override;
  void OnUpstream() override;

  // Takes all steps that are possible now.
  void Pump();

  size_t index = 0;  // In the worker's list.

 private:
  enum class State : uint8_t { kOpen, kLingering, kClosed };

  // Steps return whether they got on; after false, or once kClosed, there is nothing to do but
  // wait.

  // connection.cc
  bool Step();
  bool StepExchange();
  bool StepLingering();
  void ArmTimer();
  void OnTimeout();
  void OnExchangeTimeout();
  void ClientGone();
  void FinishExchange();
  void Log();
  void StartClosing(bool request_was_read);
  void Close();
  net::Io ReadFromClient();

  // connection_request.cc
  bool StepHead();
  void StartExchange();
  void RememberForLog(const http::RequestHead& request);
  void TakeUnreadableHead();
  Reason Route(const http::RequestHead& request, int* fixed_status);
  void WriteTargetHead(const http::RequestHead& request);
  void ChooseTarget();
  bool TakeIdleTarget(const net::Endpoint& endpoint);
  bool StepConnecting();
  void TargetConnectFailed();
  void StartStreaming();
  bool StepRequest();
  bool TakeRequestBody(iovec* piece);
  bool SendToTarget(const iovec* pieces, int count, bool with_body);

  // connection_response.cc
  bool StepResponse();
  bool TakeResponseHead();
  void TakeInterim(const http1::ResponseHead& head);
  void StartResponse();
  void PassResponseBody(bool with_head);
  void TargetEnded(bool cleanly);
  void ResponseDone();
  bool SendToClient(absl::string_view head, absl::string_view body);
  // Answers by ourselves if no response has begun; cuts the connection otherwise.
  void Reply(Reason reason, int fixed_status = 0, absl::string_view detail = {});
  bool DiscardRequestBody();

  WorkerState& worker_;
  net::StreamSocket socket_;
  const uint16_t port_;
  const std::string peer_address_;
  const std::string peer_text_;  // With port.
  const absl::Duration opened_;

  State state_ = State::kClosed;
  bool progressed_ = false;  // Since the timer was set.
  InputBuffer from_client_;
  net::SendQueue to_client_;
  std::unique_ptr<Exchange> exchange_;  // Null while idle.
  net::LazyTimer timer_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_CONNECTION_H_
