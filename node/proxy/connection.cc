#include "node/proxy/connection.h"

#include <sys/epoll.h>

#include <utility>

namespace trellis::proxy {
namespace {

// Steps of one connection before others have their turn; a step moves at most kReadBytesMax.
constexpr int kStepsPerTurnMax = 32;

// How long a connection we end stays half open, so that the client reads our last words before its
// own unread bytes make the kernel reset the connection (RFC 9112 9.6).
constexpr absl::Duration kLingerTimeout = absl::Seconds(2);

}  // namespace

Connection::Connection(WorkerState& worker, net::Fd fd, const net::Endpoint& peer, uint16_t port)
    : worker_(worker),
      socket_(std::move(fd)),
      port_(port),
      peer_address_(peer.AddressString()),
      peer_text_(peer.ToString()),
      opened_(worker.loop.MonotonicNow()),
      from_client_(&worker.gauge),
      to_client_(&worker.gauge),
      timer_(worker.loop, [this] { OnTimeout(); }) {}

absl::Status Connection::Start() {
  absl::Status status = worker_.loop.Watch(socket_.fd(), net::StreamSocket::kEvents, this);
  if (!status.ok()) return status;
  state_ = State::kOpen;
  timer_.Set(worker_.options.idle_timeout);
  return status;
}

void Connection::Drain() {
  // Bytes may have come that no event told of yet; a request among them is served.
  if (state_ == State::kOpen && exchange_ == nullptr) Pump();
  if (state_ == State::kOpen && exchange_ == nullptr) Close();
}

void Connection::Abort() {
  if (state_ == State::kClosed) return;
  if (exchange_ != nullptr) {
    exchange_->failure = "InternalError";
    Log();
  }
  Close();
}

void Connection::OnEvents(uint32_t events) {
  socket_.Note(events);
  // A reset. A mere end of sending (EPOLLRDHUP) is no reason to withhold the response.
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && exchange_ != nullptr) {
    ClientGone();
    return;
  }
  Pump();
}

void Connection::OnUpstream() { Pump(); }

void Connection::Pump() {
  for (int steps = 0; state_ != State::kClosed && Step(); ++steps) {
    progressed_ = true;
    if (steps == kStepsPerTurnMax && state_ != State::kClosed) {
      worker_.Yield(this);
      break;
    }
  }
  if (state_ == State::kClosed) return;
  // Other connections use the scratch buffers next.
  from_client_.Keep();
  if (exchange_ != nullptr) exchange_->from_target.Keep();
  worker_.counters.buffered_bytes_max.Set(static_cast<int64_t>(worker_.gauge.bytes_max));
  if (progressed_) ArmTimer();
}

bool Connection::Step() {
  if (state_ == State::kLingering) return StepLingering();
  if (!to_client_.empty() && socket_.writable()) {
    if (to_client_.Flush(socket_) == net::Io::kFailed) {
      ClientGone();
      return false;
    }
    progressed_ = true;
  }
  if (exchange_ == nullptr || exchange_->request_phase == Exchange::RequestPhase::kHead) {
    return StepHead();
  }
  return StepExchange();
}

bool Connection::StepExchange() {
  if (exchange_->response_phase == Exchange::ResponsePhase::kDone) {
    if (!to_client_.empty()) return false;
    FinishExchange();
    return true;
  }
  if (exchange_->request_phase == Exchange::RequestPhase::kConnecting) return StepConnecting();
  return StepRequest() || (state_ != State::kClosed && StepResponse());
}

net::Io Connection::ReadFromClient() {
  from_client_.Keep();
  size_t got = 0;
  const net::Io result = socket_.Read(worker_.client_scratch.get(), kReadBytesMax, &got);
  if (result == net::Io::kDone) {
    from_client_.Append(absl::string_view(worker_.client_scratch.get(), got));
  }
  return result;
}

void Connection::ArmTimer() {
  progressed_ = false;
  if (state_ == State::kLingering) return;
  if (exchange_ == nullptr) {
    timer_.Set(worker_.options.idle_timeout);
    return;
  }
  switch (exchange_->request_phase) {
    case Exchange::RequestPhase::kHead:
      // From its first byte on, however slowly the others trickle in.
      if (!exchange_->head_timed) timer_.Set(worker_.options.idle_timeout);
      exchange_->head_timed = true;
      return;
    case Exchange::RequestPhase::kConnecting:
      return;  // Set when the connect began.
    default:
      timer_.Set(exchange_->idle_timeout);
  }
}

void Connection::OnTimeout() {
  if (state_ != State::kOpen || exchange_ == nullptr) {
    Close();
    return;
  }
  OnExchangeTimeout();
  Pump();
}

void Connection::OnExchangeTimeout() {
  Exchange& x = *exchange_;
  if (x.response_phase == Exchange::ResponsePhase::kDone || !to_client_.empty()) {
    ClientGone();  // It takes nothing any more.
    return;
  }
  switch (x.request_phase) {
    case Exchange::RequestPhase::kHead:
      Reply(Reason::kClientTimeout);
      return;
    case Exchange::RequestPhase::kConnecting:
      TargetConnectFailed();
      return;
    case Exchange::RequestPhase::kStreaming:
      // Whose turn was it? With nothing on its way to the target, the client's.
      Reply(x.to_target.empty() && x.target->socket().writable() ? Reason::kClientTimeout
                                                                 : Reason::kTargetTimeout);
      return;
    case Exchange::RequestPhase::kSent:
    case Exchange::RequestPhase::kAborted:
      Reply(Reason::kTargetTimeout);
  }
}

void Connection::ClientGone() {
  if (exchange_ != nullptr && exchange_->request_phase != Exchange::RequestPhase::kHead) {
    if (exchange_->failure.empty()) exchange_->failure = "ClientConnectionClosed";
    Log();
  }
  Close();
}

void Connection::FinishExchange() {
  Log();
  // Also when it began before the drain did.
  const bool close = exchange_->close_after || worker_.draining;
  const bool request_was_read = exchange_->request_body_read();
  worker_.exchanges.Return(std::move(exchange_));
  if (close) StartClosing(request_was_read);
}

void Connection::Log() {
  const Exchange& x = *exchange_;
  worker_.counters.responses_by_class[x.status / 100 < 6 ? x.status / 100 : 5].Add();
  if (worker_.options.access_log == nullptr) return;
  const absl::Duration now = worker_.loop.MonotonicNow();
  const Snapshot* snapshot = x.snapshot != nullptr ? x.snapshot.get() : worker_.snapshot.get();

  telemetry::AccessLogRecord record;
  if (snapshot != nullptr) {
    record.source_vpc_id = snapshot->source_vpc_id;
    record.source_vpc_arn = snapshot->source_vpc_arn;
  }
  if (x.service != nullptr) {
    record.service_arn = x.service->arn;
    record.service_network_arn = x.service->service_network_arn;
  }
  if (x.group != nullptr) {
    record.target_group_arn = x.group->arn;
    record.destination_vpc_id = x.group->vpc_id;
  }
  record.resolved_user = "Unknown";
  record.source_ip_port = peer_text_;
  record.target_ip_port = x.target_text;
  record.request_method = x.Text(x.method);
  record.request_path = x.Text(x.path);
  record.host_header = x.Text(x.host);
  record.user_agent = x.Text(x.user_agent);
  record.request_id = x.Text(x.request_id);
  if (!record.request_method.empty()) {
    record.protocol = x.client_is_http10 ? "HTTP/1.0" : "HTTP/1.1";
  }
  record.failure_reason = x.failure;
  record.trellis_reason = AnswerFor(x.reason).name;
  record.start_unix_seconds = x.start_unix_seconds;
  record.response_code = x.status;
  record.bytes_received = x.bytes_received;
  record.bytes_sent = x.bytes_sent;
  record.duration_ms = absl::ToInt64Milliseconds(now - x.start);
  if (x.request_sent != absl::ZeroDuration()) {
    record.request_to_target_ms = absl::ToInt64Milliseconds(x.request_sent - x.start);
  }
  if (x.first_response_byte != absl::ZeroDuration()) {
    record.response_from_target_ms = absl::ToInt64Milliseconds(now - x.first_response_byte);
  }
  worker_.log.Append(record);
}

void Connection::StartClosing(bool request_was_read) {
  if (request_was_read && from_client_.empty() && !socket_.readable()) {
    Close();
    return;
  }
  state_ = State::kLingering;
  from_client_.Clear();
  socket_.ShutdownWrite();
  timer_.Set(kLingerTimeout);
}

bool Connection::StepLingering() {
  if (!socket_.readable()) return false;
  size_t got = 0;
  switch (socket_.Read(worker_.client_scratch.get(), kReadBytesMax, &got)) {
    case net::Io::kDone:
      return true;
    case net::Io::kBlocked:
      return false;
    case net::Io::kClosed:
    case net::Io::kFailed:
      Close();
      return false;
  }
  return false;
}

void Connection::Close() {
  state_ = State::kClosed;
  timer_.Clear();
  worker_.loop.Unwatch(socket_.fd(), this);
  from_client_.Clear();
  to_client_.Clear();
  if (exchange_ != nullptr) worker_.exchanges.Return(std::move(exchange_));
  worker_.Retire(this);
}

}  // namespace trellis::proxy
