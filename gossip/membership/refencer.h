// Keeps evictions effective when proof against the evicted agent comes late.
//
// An eviction lets count what the evicted agent wrote, as far as the evicting one held it, but not
// from where it had said two things at a time. If the second of the two shows only afterwards,
// members would hold different ones for ever. So each admin agent that sees it lowers the fence
// (Catalog::LowerFences); where several do at once, the lower fence stands.
//
// Spec: decision 9.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_REFENCER_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_REFENCER_H_

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Refencer {
 public:
  // No sooner, whatever a thief shows: each time costs a write.
  static constexpr absl::Duration kInterval = absl::Seconds(5);

  // Both borrowed. `may_write` says whether this agent may write now.
  Refencer(storage::Catalog& catalog, Scheduler& scheduler, absl::AnyInvocable<bool()> may_write);
  ~Refencer();
  Refencer(const Refencer&) = delete;
  Refencer& operator=(const Refencer&) = delete;

  void Start();

 private:
  void Tick();

  storage::Catalog& catalog_;
  Scheduler& scheduler_;
  absl::AnyInvocable<bool()> may_write_;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_REFENCER_H_
