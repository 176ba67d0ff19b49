// What a worker's connections share. One thread's, so without locks.
#ifndef TRELLIS_NODE_PROXY_WORKER_STATE_H_
#define TRELLIS_NODE_PROXY_WORKER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/runtime/random.h"
#include "node/net/event_loop.h"
#include "node/net/stream_socket.h"
#include "node/proxy/counters.h"
#include "node/proxy/exchange.h"
#include "node/proxy/options.h"
#include "node/snapshot/snapshot.h"
#include "node/telemetry/access_log.h"
#include "node/upstream/pool.h"

namespace trellis::proxy {

class Connection;

// The most that is read from a peer at once, and so, with framing, the most that is held for it.
inline constexpr size_t kReadBytesMax = 64 * 1024;

struct WorkerState {
  WorkerState(net::EventLoop& event_loop, const Options& all_options, WorkerCounters& all_counters)
      : loop(event_loop),
        options(all_options),
        counters(all_counters),
        random(RandomFromSystem()),
        pool(event_loop, all_options.pool),
        log(all_options.access_log, event_loop),
        exchanges(&gauge),
        client_scratch(new char[kReadBytesMax]),
        target_scratch(new char[kReadBytesMax]) {}

  // Where round robin stands in `group`; begins anywhere, so that workers do not march in step.
  uint32_t* CursorOf(const CompiledTargetGroup* group);
  // Takes a closed connection; destroys it once no code of it runs any more.
  virtual void Retire(Connection* connection) = 0;
  // Pumps `connection` again after other connections had their turn.
  virtual void Yield(Connection* connection) = 0;

  net::EventLoop& loop;
  const Options& options;
  WorkerCounters& counters;
  SeededRandom random;
  net::BufferGauge gauge;
  upstream::Pool pool;
  telemetry::AccessLogBuffer log;
  ExchangePool exchanges;
  // A control block of this worker's own, so that requests count references without touching what
  // other workers touch. Null before the first.
  std::shared_ptr<const Snapshot> snapshot;
  bool draining = false;

  // Valid within one step of one connection.
  const std::unique_ptr<char[]> client_scratch;
  const std::unique_ptr<char[]> target_scratch;
  std::string out;  // Heads and framing being made.

 protected:
  ~WorkerState() = default;

 private:
  // By identity: a pointer met again after its group is gone only starts in another place.
  absl::flat_hash_map<const CompiledTargetGroup*, uint32_t> cursors_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_WORKER_STATE_H_
