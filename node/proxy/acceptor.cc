#include "node/proxy/acceptor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "node/net/listener.h"
#include "node/net/sockets.h"

namespace trellis::proxy {

class Acceptor::Listener {
 public:
  Listener(Acceptor& acceptor, std::string address, uint16_t port)
      : acceptor_(acceptor), address_(std::move(address)), port_(port) {}

  const absl::Status& status() const { return status_; }
  int socket_port() const { return port_ + acceptor_.options_.port_offset; }

  void TryToListen() {
    const absl::Status before = std::exchange(status_, Listen());
    if (status_.ok()) {
      LOG(INFO) << "accepting on " << address_ << " port " << socket_port();
    } else if (before.code() != status_.code()) {
      LOG(WARNING) << "not accepting on " << address_ << " port " << socket_port() << ": "
                   << status_.message() << "; tried again each "
                   << absl::FormatDuration(acceptor_.options_.bind_retry);
    }
  }

  // What waits in the kernel's queue, when its connections have been accepted for us already.
  void AcceptWaiting(int most) {
    if (listener_ != nullptr) listener_->Accept(most);
  }

 private:
  absl::Status Listen() {
    const int number = socket_port();
    if (number < 1 || number > 65535) {
      return absl::InvalidArgumentError(
          absl::StrCat("port ", port_, " with the offset is ", number, ", which is no port"));
    }
    ASSIGN_OR_RETURN(const net::Endpoint endpoint,
                     net::Endpoint::FromAddress(address_, static_cast<uint16_t>(number)));
    ASSIGN_OR_RETURN(net::Fd socket, net::Listen(endpoint, {.reuse_port = true}));
    auto listener = std::make_unique<net::Listener>(
        acceptor_.loop_, std::move(socket), absl::StrCat("port ", number),
        [this](net::Fd fd, const net::Endpoint& peer) {
          acceptor_.on_accept_(std::move(fd), peer, port_);
        });
    RETURN_IF_ERROR(listener->Start());
    listener_ = std::move(listener);
    return absl::OkStatus();
  }

  Acceptor& acceptor_;
  const std::string address_;
  const uint16_t port_;
  std::unique_ptr<net::Listener> listener_;  // Null while status_ is not OK.
  absl::Status status_;
};

Acceptor::Acceptor(net::EventLoop& loop, const Options& options, OnAccept on_accept)
    : loop_(loop), options_(options), on_accept_(std::move(on_accept)) {}

Acceptor::~Acceptor() {
  if (retry_ != Scheduler::TimerId::kNone) loop_.Cancel(retry_);
}

void Acceptor::SetPorts(const std::vector<uint16_t>& ports) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    if (std::find(ports.begin(), ports.end(), it->first.second) == ports.end()) {
      it = listeners_.erase(it);
    } else {
      ++it;
    }
  }
  for (const std::string& address : options_.listen_addresses) {
    for (const uint16_t port : ports) {
      std::unique_ptr<Listener>& listener = listeners_[{address, port}];
      if (listener == nullptr) {
        listener = std::make_unique<Listener>(*this, address, port);
        listener->TryToListen();
      }
    }
  }
  Retry();
}

// Arms the timer while anything is not accepted on.
void Acceptor::Retry() {
  const bool any_failed = std::any_of(listeners_.begin(), listeners_.end(), [](const auto& entry) {
    return !entry.second->status().ok();
  });
  if (!any_failed || retry_ != Scheduler::TimerId::kNone) return;
  retry_ = loop_.RunAfter(options_.bind_retry, [this] {
    retry_ = Scheduler::TimerId::kNone;
    for (const auto& [key, listener] : listeners_) {
      if (!listener->status().ok()) listener->TryToListen();
    }
    Retry();
  });
}

void Acceptor::Close() {
  for (const auto& [key, listener] : listeners_) {
    // Closing would reset what the kernel has accepted for us already.
    listener->AcceptWaiting(options_.connections_per_worker_max);
  }
  listeners_.clear();
  if (retry_ != Scheduler::TimerId::kNone) loop_.Cancel(retry_);
  retry_ = Scheduler::TimerId::kNone;
}

std::vector<ListenStatus> Acceptor::Statuses() const {
  std::vector<ListenStatus> statuses;
  for (const auto& [key, listener] : listeners_) {
    statuses.push_back({key.first, key.second, listener->status()});
  }
  return statuses;
}

}  // namespace trellis::proxy
