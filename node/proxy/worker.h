// One data-plane thread's share: listening sockets, connections, pools, the snapshot it serves
// from.
//
// A worker shares nothing it writes with another. It takes a new snapshot between two events; a
// request keeps the one it began with, and the next request of the same connection has the new one.
#ifndef TRELLIS_NODE_PROXY_WORKER_H_
#define TRELLIS_NODE_PROXY_WORKER_H_

#include <functional>
#include <memory>
#include <vector>

#include "base/net/endpoint.h"
#include "node/net/event_loop.h"
#include "node/proxy/acceptor.h"
#include "node/proxy/client_connection.h"
#include "node/proxy/counters.h"
#include "node/proxy/options.h"
#include "node/proxy/worker_state.h"
#include "node/snapshot/snapshot.h"

namespace trellis::proxy {

// On the loop's thread only, but for destruction, which may also come after the loop has ended.
class Worker final : public WorkerState {
 public:
  // All are borrowed and outlive it.
  Worker(net::EventLoop& loop, const Options& options, WorkerCounters& counters,
         tls::TicketKeys& tickets);
  ~Worker();

  // Serves from `snapshot` and accepts on its ports from here on.
  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot);
  // Accepts no more, closes idle connections, lets requests finish; runs `done` when no connection
  // is left.
  void Drain(std::function<void()> done);

  std::vector<ListenStatus> ListenStatuses() const { return acceptor_.Statuses(); }

  void Retire(ClientConnection* connection) override;
  void Replace(ClientConnection* connection, std::unique_ptr<ClientConnection> next,
               int fd) override;
  void Yield(ClientConnection* connection) override;

 private:
  void OnAccept(net::Fd fd, const net::Endpoint& peer, uint16_t port);
  void AskForHousekeeping();
  void KeepHouse();

  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<std::unique_ptr<ClientConnection>> retired_;  // Destroyed before sleep.
  std::vector<ClientConnection*> yielded_;                  // Pumped before sleep, before that.
  std::vector<ClientConnection*> pumping_;
  bool housekeeping_asked_ = false;
  std::function<void()> drained_;
  Acceptor acceptor_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_WORKER_H_
