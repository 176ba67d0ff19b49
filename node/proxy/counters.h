// What a worker counts. Written by its thread alone, read by any: no locks, no shared writes.
#ifndef TRELLIS_NODE_PROXY_COUNTERS_H_
#define TRELLIS_NODE_PROXY_COUNTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/metrics/metrics.h"
#include "node/proxy/answers.h"

namespace trellis::proxy {

// On cache lines of its own, so that workers do not slow each other.
template <typename Sum, typename Level>
struct alignas(64) CountersOf {
  Sum connections_accepted{};
  Sum connections_refused{};  // Over Options::connections_per_worker_max.
  Level connections_active{};
  Sum tls_handshakes{};                           // That were done; of those:
  Sum tls_resumptions{};
  Sum tls_failures{};
  Sum requests{};                                 // Whose head was read, or refused.
  std::array<Sum, 6> responses_by_class{};        // [2] is 2xx; [0]: the client left before one.
  std::array<Sum, kReasons> answers_by_reason{};  // Of the proxy's own.
  Sum responses_cut{};                            // Broken off after the head was sent.
  Sum upstream_connects{};
  Sum upstream_connect_failures{};
  Sum upstream_reuses{};
  Sum upstream_retries{};
  Level buffered_bytes_max{};  // The most that all connections of a worker held at once.
};
struct WorkerCounters : CountersOf<metrics::Counter, metrics::Gauge> {
  metrics::Histogram request_seconds;  // From the first byte of a request to the last of its answer.
  metrics::Histogram target_seconds;   // From its last byte sent to the target to the answer's first.
};
// Of all workers, read at about the same time.
using CounterValues = CountersOf<uint64_t, int64_t>;

void AddTo(const WorkerCounters& counters, CounterValues* sum);
// Names each for /metrics; `counters` outlives every Render of `registry`.
void Register(const WorkerCounters& counters, metrics::Registry& registry);

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_COUNTERS_H_
