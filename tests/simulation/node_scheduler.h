// The world's time as one process sees it.
#ifndef TRELLIS_TESTS_SIMULATION_NODE_SCHEDULER_H_
#define TRELLIS_TESTS_SIMULATION_NODE_SCHEDULER_H_

#include <deque>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "base/runtime/sim_scheduler.h"

namespace trellis::simulation {

// A host's wall clock. Changing it while processes run is a step.
struct SimClock {
  absl::Duration offset;
  double drift_ppm = 0;

  absl::Time At(const SimScheduler& world) const {
    return world.WallNow() + offset + drift_ppm * 1e-6 * world.MonotonicNow();
  }
};

// Timers die with the process, and wait while it is frozen. Thread-safety: none.
class NodeScheduler final : public Scheduler {
 public:
  // Both borrowed.
  NodeScheduler(SimScheduler& world, const SimClock& clock) : world_(world), clock_(clock) {}
  ~NodeScheduler() override { *alive_ = false; }

  absl::Time WallNow() const override { return clock_.At(world_); }
  absl::Duration MonotonicNow() const override { return world_.MonotonicNow(); }
  TimerId RunAfter(absl::Duration delay, Task task) override;
  bool Cancel(TimerId timer) override;
  void Post(Task task) override { RunAfter(absl::ZeroDuration(), std::move(task)); }

  // Nothing runs before `until`; then all that was due runs at once, in its order.
  void Freeze(absl::Duration until);

 private:
  void Thaw();

  SimScheduler& world_;
  const SimClock& clock_;
  absl::Duration frozen_until_ = -absl::InfiniteDuration();
  std::deque<std::pair<TimerId, Task>> held_;  // Due while frozen.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_NODE_SCHEDULER_H_
