#include "node/mesh/tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace trellis::mesh {
namespace {

using Io = tls::TlsSession::Io;

// Rounds of 32 KiB each way before other connections get their turn.
constexpr int kRoundsPerTurn = 16;

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

absl::Status LocalError() {
  return absl::UnavailableError(absl::StrCat("local end: ", strerror(errno)));
}

}  // namespace

Tunnel::Tunnel(net::EventLoop& loop, net::Fd socket, std::unique_ptr<tls::TlsSession> session,
               net::Fd local, Done done)
    : loop_(loop),
      socket_(std::move(socket)),
      session_(std::move(session)),
      local_(std::move(local)),
      done_(std::move(done)) {}

Tunnel::~Tunnel() {
  if (half_close_timer_ != Scheduler::TimerId::kNone) loop_.Cancel(half_close_timer_);
  if (!watching_) return;
  loop_.Unwatch(socket_.get(), this);
  loop_.Unwatch(local_.get(), this);
}

absl::Status Tunnel::Start() {
  constexpr uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  RETURN_IF_ERROR(loop_.Watch(socket_.get(), kEvents, this));
  if (absl::Status status = loop_.Watch(local_.get(), kEvents, this); !status.ok()) {
    loop_.Unwatch(socket_.get(), this);
    return status;
  }
  // Both descriptors report their first edge at once, which starts the pump.
  watching_ = true;
  return absl::OkStatus();
}

void Tunnel::OnEvents(uint32_t) { Pump(); }

void Tunnel::Pump() {
  bool moved = true;
  for (int round = 0; moved && round < kRoundsPerTurn; ++round) {
    const bool inward = MoveInward();
    const bool outward = MoveOutward();
    moved = inward || outward;
  }
  if (moved && failure_.ok()) PumpLater();
  if (failure_.ok()) PassEndsOn();
  // INVARIANT: an end is passed on only after the bytes before it.
  const bool over =
      !failure_.ok() || (session_ended_ && local_ended_ && inward_closed_ && outward_closed_);
  if (over && done_ != nullptr) {
    const absl::Status why = failure_.ok() ? absl::UnavailableError("closed") : failure_;
    std::exchange(done_, nullptr)(why);  // May destroy this.
  }
}

// Edges already reported do not come again, so what is left is the loop's to remember.
void Tunnel::PumpLater() {
  if (std::exchange(pump_posted_, true)) return;
  loop_.Post([self = std::weak_ptr<Tunnel*>(self_)] {
    const auto tunnel = self.lock();
    if (tunnel == nullptr) return;
    (*tunnel)->pump_posted_ = false;
    (*tunnel)->Pump();
  });
}

bool Tunnel::MoveInward() {
  if (!failure_.ok()) return false;
  const bool read = inward_.empty() && !session_ended_ && ReadSession();
  const bool wrote = !inward_.empty() && WriteLocal();
  return read || wrote;
}

bool Tunnel::MoveOutward() {
  if (!failure_.ok()) return false;
  const bool read = (outward_.empty() || Withholds()) && !local_ended_ && ReadLocal();
  const bool wrote = !outward_.empty() && !Withholds() && WriteSession();
  return read || wrote;
}

bool Tunnel::ReadSession() {
  size_t bytes = 0;
  switch (session_->Read(inward_.data.get(), kTunnelBufferBytes, &bytes)) {
    case Io::kDone:
      AcknowledgeWithData();
      inward_.begin = 0;
      // gRPC has gone: what still comes is read and dropped, so that closing does not reset the
      // connection under what the peer has yet to read.
      inward_.end = inward_closed_ ? 0 : bytes;
      return true;
    case Io::kBlocked:
      return false;
    case Io::kClosed:
      session_ended_ = true;
      return true;
    case Io::kFailed:
      Fail(session_->failure());
      return false;
  }
  return false;
}

// What comes is mostly answered within a millisecond: an acknowledgement of its own would be a
// packet more. The kernel forgets that after each pause.
void Tunnel::AcknowledgeWithData() {
  const int at_once = 0;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof(at_once));
}

bool Tunnel::WriteLocal() {
  const absl::string_view bytes = inward_.bytes();
  const ssize_t sent = ::send(local_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent > 0) {
    inward_.begin += static_cast<size_t>(sent);
    return true;
  }
  if (sent < 0 && WouldBlock()) return false;
  if (errno != EPIPE && errno != ECONNRESET) {
    Fail(LocalError());
    return false;
  }
  // gRPC has closed; ReadLocal finds its last bytes.
  inward_.begin = inward_.end = 0;
  inward_closed_ = true;
  return true;
}

bool Tunnel::ReadLocal() {
  if (outward_.empty()) outward_.begin = outward_.end = 0;
  char* const free = outward_.data.get() + outward_.end;
  const ssize_t received = ::recv(local_.get(), free, kTunnelBufferBytes - outward_.end, 0);
  if (received > 0) {
    const size_t bytes = static_cast<size_t>(received);
    const uint64_t grant = cursor_.Take({free, bytes});
    withheld_ = grant > 0 ? withheld_ + grant : 0;
    outward_.end += bytes;
    return true;
  }
  if (received < 0 && WouldBlock()) return false;
  if (received < 0 && errno != ECONNRESET) {
    Fail(LocalError());
    return false;
  }
  local_ended_ = true;
  return true;
}

bool Tunnel::Withholds() const {
  // Each frame grants something, so their number is bounded too.
  return withheld_ > 0 && withheld_ <= kMostWithheld && outward_.end <= kTunnelBufferBytes / 2 &&
         !local_ended_;
}

bool Tunnel::WriteSession() {
  size_t written = 0;
  switch (session_->Write(outward_.bytes(), &written)) {
    case Io::kDone:
      outward_.begin += written;
      withheld_ = 0;
      return true;
    case Io::kBlocked:
      return false;
    case Io::kClosed:
    case Io::kFailed:
      Fail(session_->failure().ok() ? absl::UnavailableError("closed by the other side")
                                    : session_->failure());
      return false;
  }
  return false;
}

void Tunnel::PassEndsOn() {
  if (session_ended_ && inward_.empty() && !inward_closed_) {
    ::shutdown(local_.get(), SHUT_WR);
    inward_closed_ = true;
  }
  if (local_ended_ && outward_.empty() && !outward_closed_) {
    session_->SendCloseNotify();
    ::shutdown(socket_.get(), SHUT_WR);
    outward_closed_ = true;
  }
  if ((session_ended_ || local_ended_) && half_close_timer_ == Scheduler::TimerId::kNone) {
    half_close_timer_ = loop_.RunAfter(kHalfCloseTimeout, [this] {
      half_close_timer_ = Scheduler::TimerId::kNone;
      Fail(absl::UnavailableError("closed"));
      Pump();
    });
  }
}

void Tunnel::Fail(const absl::Status& why) {
  if (failure_.ok()) failure_ = why;
}

}  // namespace trellis::mesh
