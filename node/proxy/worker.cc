#include "node/proxy/worker.h"

#include <utility>

#include "base/log/log.h"
#include "node/proxy/http1_connection.h"

namespace trellis::proxy {
namespace {

// Beyond this, groups that are gone make up most of the cursors: begin anew.
constexpr size_t kCursorsMax = 16 * 1024;

}  // namespace

uint32_t* WorkerState::CursorOf(const CompiledTargetGroup* group) {
  const auto found = cursors_.find(group);
  if (found != cursors_.end()) return &found->second;
  if (cursors_.size() >= kCursorsMax) cursors_.clear();
  return &cursors_.emplace(group, static_cast<uint32_t>(random.Next64())).first->second;
}

Worker::Worker(net::EventLoop& event_loop, const Options& all_options, WorkerCounters& all_counters,
               tls::TicketKeys& all_tickets)
    : WorkerState(event_loop, all_options, all_counters, all_tickets),
      acceptor_(event_loop, options, [this](net::Fd fd, const net::Endpoint& peer, uint16_t port) {
        OnAccept(std::move(fd), peer, port);
      }) {}

Worker::~Worker() {
  while (!connections_.empty()) connections_.back()->Abort();
}

void Worker::SetSnapshot(std::shared_ptr<const Snapshot> next) {
  // Its own control block: copies of `snapshot` count there, not where all workers would write.
  auto holder = std::make_shared<const std::shared_ptr<const Snapshot>>(std::move(next));
  snapshot = std::shared_ptr<const Snapshot>(holder, holder->get());
  if (!draining) acceptor_.SetPorts(snapshot->ports);
}

void Worker::Drain(std::function<void()> done) {
  draining = true;
  drained_ = std::move(done);
  acceptor_.Close();
  // From the back: a connection that closes is replaced by the last, which was asked already.
  for (size_t i = connections_.size(); i-- > 0;) connections_[i]->Drain();
  AskForHousekeeping();
}

void Worker::OnAccept(net::Fd fd, const net::Endpoint& peer, uint16_t port) {
  if (connections_.size() >= static_cast<size_t>(options.connections_per_worker_max)) {
    counters.connections_refused.Add();
    return;
  }
  auto connection = std::make_unique<Http1Connection>(
      *this, net::StreamSocket(std::move(fd)),
      ClientAddress{.port = port, .address = peer.AddressString(), .text = peer.ToString()});
  if (!connection->Start().ok()) {
    counters.connections_refused.Add();
    return;
  }
  counters.connections_accepted.Add();
  counters.connections_active.Add(1);
  connection->index = connections_.size();
  connections_.push_back(std::move(connection));
}

void Worker::Retire(ClientConnection* connection) {
  const size_t index = connection->index;
  retired_.push_back(std::move(connections_[index]));
  if (index + 1 != connections_.size()) {
    connections_[index] = std::move(connections_.back());
    connections_[index]->index = index;
  }
  connections_.pop_back();
  counters.connections_active.Add(-1);
  AskForHousekeeping();
}

void Worker::Replace(ClientConnection* connection, std::unique_ptr<ClientConnection> next, int fd) {
  // Changing what is watched needs no memory, so it cannot fail.
  CHECK_OK(loop.HandOver(fd, net::StreamSocket::kEvents, connection, next.get()));
  next->index = connection->index;
  retired_.push_back(std::exchange(connections_[connection->index], std::move(next)));
  AskForHousekeeping();
}

void Worker::Yield(ClientConnection* connection) {
  if (std::exchange(connection->yielded, true)) return;
  yielded_.push_back(connection);
  AskForHousekeeping();
}

void Worker::AskForHousekeeping() {
  if (std::exchange(housekeeping_asked_, true)) return;
  loop.RunBeforeSleep([this] { KeepHouse(); });
}

void Worker::KeepHouse() {
  housekeeping_asked_ = false;
  // INVARIANT: a connection yields only while open, and is destroyed by a later call than the one
  // that pumps it for the last time: what retires from here on waits for the next.
  std::vector<std::unique_ptr<ClientConnection>> retired = std::exchange(retired_, {});
  pumping_.swap(yielded_);
  for (ClientConnection* connection : pumping_) {
    connection->yielded = false;
    connection->Pump();
  }
  pumping_.clear();
  if (drained_ != nullptr && connections_.empty()) std::exchange(drained_, nullptr)();
}

}  // namespace trellis::proxy
