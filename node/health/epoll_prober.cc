#include "node/health/epoll_prober.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "node/http/http1/codec.h"
#include "node/net/fd.h"
#include "node/net/sockets.h"

namespace trellis::health {
namespace {

constexpr size_t kReadBytes = 4096;
// Reads taken from one socket before others have their turn.
constexpr int kMaxReadsAtOnce = 4;
// Interim answers before the final one; more is an error.
constexpr int kMaxInterim = 8;

std::string RequestText(const net::Endpoint& endpoint, absl::string_view path) {
  return absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: ", endpoint.ToString(),
                      "\r\nUser-Agent: Trellis-HealthChecker/1.0\r\nAccept: */*\r\n"
                      "Connection: close\r\n\r\n");
}

class EpollProbe final : public Probe, public net::FdHandler {
 public:
  EpollProbe(net::EventLoop& loop, std::string request, absl::AnyInvocable<void(ProbeResult)> done)
      : loop_(loop), request_(std::move(request)), done_(std::move(done)), parser_(limits_) {}

  ~EpollProbe() override {
    Close();
    loop_.Cancel(failing_);
  }

  void Connect(const net::Endpoint& endpoint) {
    absl::StatusOr<net::Fd> fd = net::StartConnect(endpoint);
    if (!fd.ok()) return FailSoon(fd.status());
    fd_ = *std::move(fd);
    const absl::Status watched = loop_.Watch(fd_.get(), EPOLLOUT, this);
    if (!watched.ok()) {
      fd_.Reset();
      FailSoon(watched);
    }
  }

  void OnEvents(uint32_t events) override {
    if (!connected_) {
      if (const absl::Status status = net::ConnectResult(fd_.get()); !status.ok()) {
        return Finish({0, std::string(status.message())});
      }
      connected_ = true;
    }
    if (sent_ < request_.size()) return Send();
    Receive();
  }

 private:
  void Send() {
    const ssize_t sent =
        ::send(fd_.get(), request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return Finish({0, absl::StrCat("send: ", std::strerror(errno))});
    }
    sent_ += static_cast<size_t>(sent);
    if (sent_ < request_.size()) return;
    if (const absl::Status status = loop_.Change(fd_.get(), EPOLLIN, this); !status.ok()) {
      Finish({0, std::string(status.message())});
    }
  }

  void Receive() {
    for (int i = 0; i < kMaxReadsAtOnce; ++i) {
      char bytes[kReadBytes];
      const ssize_t size = ::recv(fd_.get(), bytes, sizeof(bytes), 0);
      if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        return Finish({0, absl::StrCat("receive: ", std::strerror(errno))});
      }
      if (size == 0) return Finish({0, "connection closed before an answer"});
      // Bounded by the parser: it fails when the head passes its limits.
      buffer_.append(bytes, static_cast<size_t>(size));
      if (ParseHead()) return;
    }
  }

  // True when the probe is over (and perhaps destroyed).
  bool ParseHead() {
    while (!buffer_.empty()) {
      switch (parser_.Feed(buffer_, /*to_head=*/false)) {
        case http1::Parse::kNeedMore:
          return false;
        case http1::Parse::kError:
          Finish({0, absl::StrCat("malformed answer: ", http1::ErrorName(parser_.error()))});
          return true;
        case http1::Parse::kDone:
          break;
      }
      const int status = parser_.head().status;
      if (status >= 200 || ++interim_ > kMaxInterim) {
        Finish(status >= 200 ? ProbeResult{status, ""} : ProbeResult{0, "only interim answers"});
        return true;
      }
      buffer_.erase(0, parser_.head_bytes());
      parser_.Reset();
    }
    return false;
  }

  // The caller does not have the probe yet, so it cannot hear at once.
  void FailSoon(const absl::Status& status) {
    failing_ = loop_.RunAfter(absl::ZeroDuration(), [this, error = std::string(status.message())] {
      Finish({0, error});
    });
  }

  // Last thing done: the callback may destroy this.
  void Finish(ProbeResult result) {
    Close();
    auto done = std::move(done_);
    done(std::move(result));
  }

  void Close() {
    if (!fd_.valid()) return;
    loop_.Unwatch(fd_.get(), this);
    fd_.Reset();
  }

  net::EventLoop& loop_;
  const std::string request_;
  absl::AnyInvocable<void(ProbeResult)> done_;
  net::Fd fd_;
  bool connected_ = false;
  size_t sent_ = 0;
  std::string buffer_;
  const http1::Limits limits_;
  http1::ResponseParser parser_;
  int interim_ = 0;
  Scheduler::TimerId failing_ = Scheduler::TimerId::kNone;
};

}  // namespace

std::unique_ptr<Probe> EpollProber::Start(const net::Endpoint& endpoint, absl::string_view path,
                                          absl::AnyInvocable<void(ProbeResult)> done) {
  auto probe = std::make_unique<EpollProbe>(loop_, RequestText(endpoint, path), std::move(done));
  probe->Connect(endpoint);
  return probe;
}

}  // namespace trellis::health
