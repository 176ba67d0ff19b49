#include "node/mesh/handshake.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "node/net/sockets.h"

namespace trellis::mesh {

using Io = tls::TlsSession::Io;

Handshake::Handshake(net::EventLoop& loop, const tls::TlsContext& context, net::Fd socket,
                     absl::Duration timeout, Done done)
    : loop_(loop),
      is_server_(context.is_server()),
      socket_(std::move(socket)),
      session_(std::make_unique<tls::TlsSession>(context, socket_.get())),
      timeout_(timeout),
      done_(std::move(done)),
      state_(is_server_ ? State::kHandshake : State::kConnect) {}

Handshake::~Handshake() { StopWatching(); }

absl::Status Handshake::Start() {
  // The first edge is reported by the loop, so nothing happens inside this call.
  RETURN_IF_ERROR(loop_.Watch(socket_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, this));
  watching_ = true;
  timer_ = loop_.RunAfter(timeout_, [this] {
    timer_ = Scheduler::TimerId::kNone;
    const absl::string_view what = state_ == State::kConnect ? "connect" : "TLS handshake";
    Finish(absl::DeadlineExceededError(
        absl::StrCat(what, ": not done within ", absl::FormatDuration(timeout_))));
  });
  return absl::OkStatus();
}

void Handshake::OnEvents(uint32_t events) {
  if (state_ == State::kConnect) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    if (absl::Status status = net::ConnectResult(socket_.get()); !status.ok()) {
      return Finish(status);
    }
    state_ = State::kHandshake;
  }
  Step();
}

void Handshake::Step() {
  if (state_ == State::kDone) return;
  Io result = Io::kDone;
  if (state_ == State::kHandshake) {
    result = session_->Handshake();
    if (result == Io::kDone && !is_server_) state_ = State::kAwaitFirstBytes;
  }
  if (state_ == State::kAwaitFirstBytes) result = session_->AwaitFirstBytes();
  switch (result) {
    case Io::kBlocked:
      return;
    case Io::kDone:
      return Finish(absl::OkStatus());
    case Io::kClosed:
      return Finish(absl::UnavailableError("closed by the other side during the TLS handshake"));
    case Io::kFailed:
      return Finish(session_->failure());
  }
}

void Handshake::Finish(const absl::Status& status) {
  state_ = State::kDone;
  StopWatching();
  std::exchange(done_, nullptr)(status);  // May destroy this.
}

void Handshake::StopWatching() {
  if (timer_ != Scheduler::TimerId::kNone) loop_.Cancel(timer_);
  timer_ = Scheduler::TimerId::kNone;
  if (std::exchange(watching_, false)) loop_.Unwatch(socket_.get(), this);
}

void DetectSilentLoss(int socket) {
  constexpr int kOn = 1;
  constexpr int kIdleSeconds = 2;
  constexpr int kIntervalSeconds = 1;
  constexpr int kProbes = 3;
  constexpr int kUnacknowledgedMillis = 5000;
  // A socket that cannot (a test's socketpair) is none the worse for it.
  (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &kOn, sizeof(kOn));
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds, sizeof(int));
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kIntervalSeconds, sizeof(int));
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof(int));
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMillis, sizeof(int));
}

}  // namespace trellis::mesh
