// What a worker's connections share. One thread's, so without locks.
#ifndef TRELLIS_NODE_PROXY_WORKER_STATE_H_
#define TRELLIS_NODE_PROXY_WORKER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/http/header_map.h"
#include "base/runtime/random.h"
#include "node/http/http2/session_context.h"
#include "node/net/event_loop.h"
#include "node/net/stream_socket.h"
#include "node/proxy/counters.h"
#include "node/proxy/http1_connection.h"
#include "node/proxy/http2_stream.h"
#include "node/proxy/options.h"
#include "node/proxy/resting.h"
#include "node/snapshot/snapshot.h"
#include "node/telemetry/access_log.h"
#include "node/tls/server_context.h"
#include "node/upstream/http2_pool.h"
#include "node/upstream/pool.h"

namespace trellis::proxy {

class ClientConnection;

// The most that is read from a peer at once, and so, with framing, the most that is held for it.
inline constexpr size_t kReadBytesMax = 64 * 1024;
// Steps of one connection, or stream, before others have their turn.
inline constexpr int kStepsPerTurnMax = 32;

struct WorkerState {
  WorkerState(net::EventLoop& event_loop, const Options& all_options, WorkerCounters& all_counters,
              tls::TicketKeys& all_tickets)
      : loop(event_loop),
        options(all_options),
        counters(all_counters),
        random(RandomFromSystem()),
        pool(event_loop, all_options.pool),
        log(all_options.access_log, event_loop),
        http2(http2::Limits{.stream_window_bytes = kReadBytesMax,
                            .send_buffer_bytes = kReadBytesMax}),
        http2_targets(http2::Limits{.stream_window_bytes = kReadBytesMax,
                                    .send_buffer_bytes = kReadBytesMax}),
        http2_pool(event_loop, &http2_targets, &gauge),
        tls(all_tickets, event_loop),
        http1_requests(*this),
        http2_streams(*this),
        client_scratch(new char[kReadBytesMax]),
        target_scratch(new char[kReadBytesMax]) {}

  // Where round robin stands in `group`; begins anywhere, so that workers do not march in step.
  uint32_t* CursorOf(const CompiledTargetGroup* group);
  // Takes a closed connection; destroys it once no code of it runs any more.
  virtual void Retire(ClientConnection* connection) = 0;
  // The same, and takes `next` in its place, which hears of `fd` from now on.
  virtual void Replace(ClientConnection* connection, std::unique_ptr<ClientConnection> next,
                       int fd) = 0;
  // Pumps `connection` again after other connections had their turn.
  virtual void Yield(ClientConnection* connection) = 0;

  net::EventLoop& loop;
  const Options& options;
  WorkerCounters& counters;
  SeededRandom random;
  net::BufferGauge gauge;
  upstream::Pool pool;
  telemetry::AccessLogBuffer log;
  http2::SessionContext http2;
  http2::SessionContext http2_targets;
  upstream::Http2Pool http2_pool;
  tls::ServerContext tls;
  Resting<Http1Request, WorkerState> http1_requests;
  Resting<Http2Stream, WorkerState> http2_streams;
  // A control block of this worker's own, so that requests count references without touching what
  // other workers touch. Null before the first.
  std::shared_ptr<const Snapshot> snapshot;
  bool draining = false;

  // Valid within one step of one connection.
  const std::unique_ptr<char[]> client_scratch;
  const std::unique_ptr<char[]> target_scratch;
  std::string out;         // Heads and framing being made.
  std::string gathered;    // Of a request's body.
  std::string frames;      // HTTP/2's.
  http::HeaderMap fields;  // Of a head being made.

 protected:
  ~WorkerState() = default;

 private:
  // By identity: a pointer met again after its group is gone only starts in another place.
  absl::flat_hash_map<const CompiledTargetGroup*, uint32_t> cursors_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_WORKER_STATE_H_
