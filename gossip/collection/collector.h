// Has tombstones forgotten once nobody can need them.
//
// One admin agent, the living one with the least node id, asks now and then whether every member of
// the roster enforces all that it holds. If all do, and a rest has passed, it writes a collection
// of what they held then (Catalog::CollectTombstones). The rest is for people: what was deleted
// stays in histories for a while. One agent that is away holds up all collections: evict it, or
// bring it back.
//
// Spec: decision 14; gossip-design 3.5, 3.9.
#ifndef TRELLIS_GOSSIP_COLLECTION_COLLECTOR_H_
#define TRELLIS_GOSSIP_COLLECTION_COLLECTOR_H_

#include <cstdint>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "gossip/query/barriers.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Collector {
 public:
  static constexpr absl::Duration kBarrierTimeout = absl::Seconds(20);

  // All borrowed. `leads` says whether this agent is the one that collects, and may
  // write.
  Collector(storage::Catalog& catalog, Scheduler& scheduler, Barriers& barriers,
            absl::AnyInvocable<bool()> leads, absl::Duration rest);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void Start();

 private:
  struct Proof {
    storage::VersionVector everywhere;
    absl::Duration since;
  };

  void Tick();
  void Ask();
  void Collect();

  storage::Catalog& catalog_;
  Scheduler& scheduler_;
  Barriers& barriers_;
  absl::AnyInvocable<bool()> leads_;
  const absl::Duration rest_;
  std::optional<uint64_t> asked_;  // The barrier that is under way.
  std::optional<Proof> proof_;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_COLLECTION_COLLECTOR_H_
