#include "node/proxy/http1_connection.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/match.h"
#include "node/proxy/http2_connection.h"
#include "node/proxy/tls_handshake.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {
namespace {

// How long a connection we end stays half open, so that the client reads our last words before its
// own unread bytes make the kernel reset the connection (RFC 9112 9.6).
constexpr absl::Duration kLingerTimeout = absl::Seconds(2);

// What an HTTP/2 client says first (RFC 9113 3.4); no HTTP/1 request begins so.
constexpr absl::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// And a TLS client: the type of a handshake's records (RFC 8446 5.1).
constexpr char kTlsHandshakeRecord = 22;

}  // namespace

Http1Connection::Http1Connection(WorkerState& worker, net::StreamSocket socket,
                                 ClientAddress address)
    : worker_(worker),
      socket_(std::move(socket)),
      address_(std::move(address)),
      opened_(worker.loop.MonotonicNow()),
      from_client_(&worker.gauge),
      to_client_(&worker.gauge),
      timer_(worker.loop, [this] { OnTimeout(); }) {}

absl::Status Http1Connection::Start() {
  absl::Status status = worker_.loop.Watch(socket_.fd(), net::StreamSocket::kEvents, this);
  if (!status.ok()) return status;
  state_ = State::kOpen;
  timer_.Set(worker_.options.idle_timeout);
  return status;
}

void Http1Connection::Resume() {
  state_ = State::kOpen;
  if (worker_.draining) {
    Close();
    return;
  }
  timer_.Set(worker_.options.idle_timeout);
  Pump();
}

void Http1Connection::Drain() {
  // Bytes may have come that no event told of yet; a request among them is served.
  if (state_ == State::kOpen && request_ == nullptr) Pump();
  if (state_ == State::kOpen && request_ == nullptr) Close();
}

void Http1Connection::Abort() {
  if (state_ == State::kClosed) return;
  if (request_ != nullptr) request_->exchange.LogFailure("InternalError");
  Close();
}

void Http1Connection::OnEvents(uint32_t events) {
  socket_.Note(events);
  // A reset. A mere end of sending (EPOLLRDHUP) is no reason to withhold the response.
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && request_ != nullptr) {
    ClientGone();
    return;
  }
  Pump();
}

void Http1Connection::Pump() {
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
  worker_.counters.buffered_bytes_max.Set(static_cast<int64_t>(worker_.gauge.bytes_max));
  const bool progressed = std::exchange(progressed_, false);
  if (request_ != nullptr) request_->exchange.EndTurn(progressed);
  if (progressed) ArmTimer();
}

bool Http1Connection::Step() {
  if (state_ == State::kLingering) return StepLingering();
  if (!to_client_.empty() && socket_.writable()) {
    if (to_client_.Flush(socket_) == net::Io::kFailed) {
      ClientGone();
      return false;
    }
    progressed_ = true;
  }
  if (request_ == nullptr || !request_->exchange.started()) return StepHead();
  switch (request_->exchange.Step()) {
    case Exchange::Result::kProgress:
      return true;
    case Exchange::Result::kBlocked:
      return false;
    case Exchange::Result::kFinished:
      FinishExchange();
      return true;
    case Exchange::Result::kClientGone:
      ClientGone();
      return false;
    case Exchange::Result::kCut:
      // The client sees it by the missing rest of the length or of the chunks.
      request_->exchange.Log();
      Close();
      return false;
  }
  return false;
}

// --- Heads ---------------------------------------------------------------------------------------

bool Http1Connection::StepHead() {
  if (from_client_.empty()) {
    if (!socket_.readable()) return false;
    const net::Io read = ReadFromClient();
    if (read != net::Io::kDone) {
      if (read != net::Io::kBlocked) Close();
      return false;
    }
  }
  if (is_new_ && StepOtherProtocol()) {
    return state_ != State::kClosed && ReadHeadBytes();
  }
  if (request_ == nullptr) {
    request_ = worker_.http1_requests.Take();
    request_->exchange.Begin(this, &address_);
  }
  http1::RequestParser& parser = request_->parser;
  switch (parser.Feed(from_client_.view())) {
    case http1::Parse::kDone:
      StartExchange();
      return true;
    case http1::Parse::kError:
      RefuseHead(parser.error() == http1::Error::kVersion ? Reason::kUnsupportedVersion
                                                          : Reason::kBadRequest,
                 http1::ErrorName(parser.error()));
      return true;
    case http1::Parse::kNeedMore:
      return ReadHeadBytes();
  }
  return false;
}

bool Http1Connection::StepOtherProtocol() {
  const absl::string_view bytes = from_client_.view();
  if (bytes[0] == kTlsHandshakeRecord && !address_.tls && worker_.tls.has_certificates()) {
    HandOver<TlsHandshake>();
    return true;
  }
  if (bytes[0] != kHttp2Preface[0]) return false;
  if (!absl::StartsWith(bytes, kHttp2Preface)) return absl::StartsWith(kHttp2Preface, bytes);
  HandOver<Http2Connection>();
  return true;
}

template <typename Next>
void Http1Connection::HandOver() {
  state_ = State::kClosed;
  timer_.Clear();
  auto owned = std::make_unique<Next>(worker_, std::move(socket_), address_);
  Next& next = *owned;
  worker_.Replace(this, std::move(owned), next.fd());
  next.Start(from_client_.view());
  from_client_.Clear();
}

bool Http1Connection::ReadHeadBytes() {
  if (!socket_.readable()) return false;
  switch (ReadFromClient()) {
    case net::Io::kDone:
      return true;
    case net::Io::kBlocked:
      return false;
    case net::Io::kClosed:
      if (request_ == nullptr) {
        Close();
        return false;
      }
      RefuseHead(Reason::kClientClosed, {});
      return true;
    case net::Io::kFailed:
      Close();
      return false;
  }
  return false;
}

void Http1Connection::StartExchange() {
  Http1Request& request = *request_;
  const http1::RequestParser& parser = request.parser;
  const http::RequestHead& head = parser.head();
  const http1::Framing framing = parser.framing();
  is_new_ = false;
  timer_.Clear();
  request.client_is_http10 = head.version == http::HttpVersion::kHttp10;
  request.client_keep_alive = parser.keep_alive();
  request.has_body = framing.kind != http1::Framing::Kind::kNone;
  if (request.has_body) request.body.Reset(framing);
  request.exchange.Start(head,
                         {.protocol = request.client_is_http10 ? "HTTP/1.0" : "HTTP/1.1",
                          .head_bytes = parser.head_bytes(),
                          .has_body = request.has_body,
                          .length_known = framing.kind == http1::Framing::Kind::kLength,
                          .expects_continue = parser.expects_continue()});
  // From here on the head's views are gone.
  from_client_.Consume(parser.head_bytes());
}

// Malformed, too large or never whole.
void Http1Connection::RefuseHead(Reason reason, absl::string_view detail) {
  is_new_ = false;
  timer_.Clear();
  request_->exchange.Refuse(reason, detail, from_client_.view().size());
}

net::Io Http1Connection::ReadFromClient() {
  from_client_.Keep();
  size_t got = 0;
  const net::Io result = socket_.Read(worker_.client_scratch.get(), kReadBytesMax, &got);
  if (result == net::Io::kDone) {
    from_client_.Append(absl::string_view(worker_.client_scratch.get(), got));
  }
  return result;
}

// --- Time ----------------------------------------------------------------------------------------

// While an exchange is under way, its own timer runs.
void Http1Connection::ArmTimer() {
  if (state_ == State::kLingering) return;
  if (request_ == nullptr) {
    timer_.Set(worker_.options.idle_timeout);
  } else if (!request_->exchange.started()) {
    // From its first byte on, however slowly the others trickle in.
    if (!std::exchange(request_->head_timed, true)) timer_.Set(worker_.options.idle_timeout);
  }
}

void Http1Connection::OnTimeout() {
  if (state_ != State::kOpen || request_ == nullptr) {
    Close();
    return;
  }
  RefuseHead(Reason::kClientTimeout, {});
  Pump();
}

// --- Ends ----------------------------------------------------------------------------------------

void Http1Connection::ClientGone() {
  if (request_ != nullptr && request_->exchange.started()) {
    request_->exchange.LogFailure("ClientConnectionClosed");
  }
  Close();
}

void Http1Connection::FinishExchange() {
  request_->exchange.Log();
  // Also when it began before the drain did.
  const bool close = request_->close_after || worker_.draining;
  const bool request_was_read = body_read();
  worker_.http1_requests.Return(std::move(request_));
  if (close) StartClosing(request_was_read);
}

void Http1Connection::StartClosing(bool request_was_read) {
  if (request_was_read && from_client_.empty() && !socket_.readable()) {
    if (socket_.layer() != nullptr) socket_.ShutdownWrite();  // TLS ends with a word.
    Close();
    return;
  }
  state_ = State::kLingering;
  from_client_.Clear();
  socket_.ShutdownWrite();
  timer_.Set(kLingerTimeout);
}

bool Http1Connection::StepLingering() {
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

void Http1Connection::Close() {
  state_ = State::kClosed;
  timer_.Clear();
  worker_.loop.Unwatch(socket_.fd(), this);
  from_client_.Clear();
  to_client_.Clear();
  if (request_ != nullptr) worker_.http1_requests.Return(std::move(request_));
  worker_.Retire(this);
}

}  // namespace trellis::proxy
