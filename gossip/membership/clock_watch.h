// Whether this agent's clock was set just now.
//
// Others do not take the version that a wrong clock gives, and that ours is wrong is noticed some
// seconds later (peer_clocks.h). What an agent writes by itself has no hurry, and waits until then.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_CLOCK_WATCH_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_CLOCK_WATCH_H_

#include <optional>

#include "absl/time/time.h"
#include "base/runtime/scheduler.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class ClockWatch {
 public:
  static constexpr absl::Duration kStep = absl::Seconds(1);
  static constexpr absl::Duration kSteady = absl::Seconds(10);

  // Borrowed.
  explicit ClockWatch(Scheduler& scheduler) : scheduler_(scheduler) {}

  // Whether for kSteady nobody has seen the clock set, by a call of this. The first one has.
  bool IsSteady();

 private:
  Scheduler& scheduler_;
  std::optional<absl::Time> began_;  // What the wall clock showed at monotonic zero.
  absl::Duration set_;               // Seen to be, the last time.
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_CLOCK_WATCH_H_
