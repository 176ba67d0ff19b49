// A worker's listening sockets: every listen address with every port of the snapshot.
#ifndef TRELLIS_NODE_PROXY_ACCEPTOR_H_
#define TRELLIS_NODE_PROXY_ACCEPTOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/net/endpoint.h"
#include "node/net/event_loop.h"
#include "node/net/fd.h"
#include "node/proxy/options.h"

namespace trellis::proxy {

// One address and port, and whether it is accepted on.
struct ListenStatus {
  std::string address;
  uint16_t port = 0;    // The listener's; the socket's has Options::port_offset on top.
  absl::Status status;  // Not OK: see net::Listen; tried again each Options::bind_retry.
};

// On the loop's thread only. Every worker binds for itself with SO_REUSEPORT, so the kernel spreads
// connections and workers share no queue.
class Acceptor {
 public:
  // Takes a connection that came in for a listener's port.
  using OnAccept = absl::AnyInvocable<void(net::Fd fd, const net::Endpoint& peer, uint16_t port)>;

  Acceptor(net::EventLoop& loop, const Options& options, OnAccept on_accept);
  ~Acceptor();

  // Opens what is new, closes what is gone, leaves the rest alone.
  void SetPorts(const std::vector<uint16_t>& ports);
  // Accepts what waits in the kernel's queues, then listens no more.
  void Close();

  std::vector<ListenStatus> Statuses() const;

 private:
  class Listener;
  using Key = std::pair<std::string, uint16_t>;  // Address, port.

  void Retry();

  net::EventLoop& loop_;
  const Options& options_;
  OnAccept on_accept_;
  std::map<Key, std::unique_ptr<Listener>> listeners_;
  net::EventLoop::TimerId retry_ = net::EventLoop::TimerId::kNone;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_ACCEPTOR_H_
