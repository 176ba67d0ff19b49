// What the agent says of itself to monitoring: the metrics that are counted as things happen, and
// those that are looked up when somebody reads them.
#ifndef TRELLIS_NODE_AGENT_FIGURES_H_
#define TRELLIS_NODE_AGENT_FIGURES_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "base/metrics/metrics.h"
#include "gossip/gossip.h"
#include "node/agent/data_plane.h"
#include "storage/catalog/catalog.h"

namespace trellis::agent {

// Thread-safety: none; control thread.
class Figures {
 public:
  // Everything is borrowed and outlives every Render.
  Figures(const gossip::Gossip& gossip, const storage::Catalog& catalog, const DataPlane& plane,
          absl::Time started);

  // Prometheus text, as things are now. `alarms`: how many a person would see.
  std::string Render(size_t alarms);

 private:
  void Look();

  const gossip::Gossip& gossip_;
  const storage::Catalog& catalog_;
  const DataPlane& plane_;
  metrics::Registry registry_;

  metrics::Gauge alive_, suspect_, down_;
  metrics::Counter down_verdicts_;
  metrics::Gauge resources_, tombstones_, conflicts_;
  metrics::Gauge ready_, writable_, alarms_;
  metrics::Gauge memory_bytes_, open_descriptors_, start_time_, version_;
};

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_FIGURES_H_
