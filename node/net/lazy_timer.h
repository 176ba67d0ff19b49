// A timeout that is pushed back far more often than it fires.
#ifndef TRELLIS_NODE_NET_LAZY_TIMER_H_
#define TRELLIS_NODE_NET_LAZY_TIMER_H_

#include "absl/time/time.h"
#include "base/runtime/scheduler.h"

namespace trellis::net {

// Pushing it back only notes the new deadline: the armed timer looks at it when it comes, and arms
// itself again for the rest. So an idle timeout that moves with each request costs an addition.
// On the scheduler's thread only. Destroying it cancels it, also from within the task.
class LazyTimer {
 public:
  LazyTimer(Scheduler& scheduler, Scheduler::Task task)
      : scheduler_(scheduler), task_(std::move(task)) {}
  ~LazyTimer() { Cancel(); }
  LazyTimer(const LazyTimer&) = delete;
  LazyTimer& operator=(const LazyTimer&) = delete;

  // Runs the task `delay` from now, in place of any time set before.
  void Set(absl::Duration delay);
  // The task does not run until Set again. Keeps what is armed: a later Set likely uses it.
  void Clear() { deadline_ = absl::InfiniteDuration(); }

 private:
  void Arm(absl::Duration delay);
  void Cancel();
  void OnTimer();

  Scheduler& scheduler_;
  Scheduler::Task task_;
  absl::Duration deadline_ = absl::InfiniteDuration();  // When the task is to run.
  absl::Duration armed_for_;                            // When `timer_` comes: never after it.
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_LAZY_TIMER_H_
