// Accepts on a listening socket. Where no descriptors are left it waits for some to be freed, rather
// than spin on what cannot be accepted.
#ifndef TRELLIS_NODE_NET_LISTENER_H_
#define TRELLIS_NODE_NET_LISTENER_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "node/net/event_loop.h"
#include "node/net/fd.h"

namespace trellis::net {

// On the loop's thread only, but for the constructor.
class Listener final : public FdHandler {
 public:
  // Must not destroy the listener.
  using OnAccept = absl::AnyInvocable<void(Fd fd, const Endpoint& peer)>;

  // `socket` is one that Listen made; `name` is what the log calls it. The loop is borrowed.
  Listener(EventLoop& loop, Fd socket, absl::string_view name, OnAccept on_accept);
  ~Listener() override;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Begins to accept. RESOURCE_EXHAUSTED: the loop can watch no more.
  absl::Status Start();
  // Takes at most `most` of the connections that wait.
  void Accept(int most);

 private:
  void OnEvents(uint32_t events) override;
  absl::Status Watch();
  void Unwatch();
  void Pause();

  EventLoop& loop_;
  const Fd socket_;
  const std::string name_;
  OnAccept on_accept_;
  bool watched_ = false;
  Scheduler::TimerId pause_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_LISTENER_H_
