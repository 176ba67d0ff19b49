// The real prober: HTTP/1.1 over non-blocking sockets on an event loop.
//
//   GET {path} HTTP/1.1, Host: the target's address and port, User-Agent:
//   Trellis-HealthChecker/1.0, Connection: close. Only the head of the answer is read, up to
//   http1::Limits; its body is not.
//
// Spec: VPC Lattice reference 4.4 (a fresh connection each); docs/decisions/0004 (the fields).
#ifndef TRELLIS_NODE_HEALTH_EPOLL_PROBER_H_
#define TRELLIS_NODE_HEALTH_EPOLL_PROBER_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "node/health/prober.h"
#include "node/net/event_loop.h"

namespace trellis::health {

// Thread-safety: none; lives on the loop's thread, with its probes. `loop` is borrowed and outlives
// both.
class EpollProber final : public Prober {
 public:
  explicit EpollProber(net::EventLoop& loop) : loop_(loop) {}

  // `path` is as Settings has it: nothing in it ends a request line.
  std::unique_ptr<Probe> Start(const net::Endpoint& endpoint, absl::string_view path,
                               absl::AnyInvocable<void(ProbeResult)> done) override;

 private:
  net::EventLoop& loop_;
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_EPOLL_PROBER_H_
