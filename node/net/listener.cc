#include "node/net/listener.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

#include "base/log/log.h"
#include "node/net/sockets.h"

namespace trellis::net {
namespace {

// Connections taken from one socket before others have their turn.
constexpr int kAcceptsPerTurnMax = 64;
constexpr absl::Duration kPause = absl::Milliseconds(100);

}  // namespace

Listener::Listener(EventLoop& loop, Fd socket, absl::string_view name, OnAccept on_accept)
    : loop_(loop), socket_(std::move(socket)), name_(name), on_accept_(std::move(on_accept)) {}

Listener::~Listener() {
  loop_.Cancel(pause_);
  Unwatch();
}

absl::Status Listener::Start() { return Watch(); }

absl::Status Listener::Watch() {
  absl::Status status = loop_.Watch(socket_.get(), EPOLLIN, this);
  watched_ = status.ok();
  return status;
}

void Listener::Unwatch() {
  if (std::exchange(watched_, false)) loop_.Unwatch(socket_.get(), this);
}

void Listener::OnEvents(uint32_t) { Accept(kAcceptsPerTurnMax); }

void Listener::Accept(int most) {
  for (int i = 0; i < most; ++i) {
    Endpoint peer;
    Fd fd = net::Accept(socket_.get(), &peer);
    if (fd.valid()) {
      on_accept_(std::move(fd), peer);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    LOG(WARNING) << name_ << ": accept failed, tried again shortly: errno " << errno;
    return Pause();
  }
}

void Listener::Pause() {
  Unwatch();
  loop_.Cancel(pause_);
  pause_ = loop_.RunAfter(kPause, [this] {
    pause_ = Scheduler::TimerId::kNone;
    if (!Watch().ok()) Pause();
  });
}

}  // namespace trellis::net
