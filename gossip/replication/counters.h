// What replication has done since this agent started.
#ifndef TRELLIS_GOSSIP_REPLICATION_COUNTERS_H_
#define TRELLIS_GOSSIP_REPLICATION_COUNTERS_H_

#include "base/metrics/metrics.h"

namespace trellis::gossip {

// Written on the control thread, read on any.
struct ReplicationCounters {
  metrics::Counter pushes_new;        // Deltas pushed to us that we lacked.
  metrics::Counter pushes_duplicate;  // That we had: what the tree is there to avoid.
  metrics::Counter pushes_gap;        // That began after something we lacked.
  metrics::Counter announced;         // Pushes that were announced instead.
  metrics::Counter requests;          // For what was announced, or missing before a push.
  metrics::Counter digests;           // Exchanges that we began.
  metrics::Counter bootstrap_peers;   // That sent some of the first catalog.
  metrics::Counter divergences;       // Equal vectors that stood over unequal roots.
};

// Names each for /metrics; `counters` outlives every Render of `registry`.
void Register(const ReplicationCounters& counters, metrics::Registry& registry);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_COUNTERS_H_
