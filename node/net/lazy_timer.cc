#include "node/net/lazy_timer.h"

namespace trellis::net {

void LazyTimer::Set(absl::Duration delay) {
  deadline_ = scheduler_.MonotonicNow() + delay;
  if (timer_ != Scheduler::TimerId::kNone) {
    if (armed_for_ <= deadline_) return;
    Cancel();
  }
  Arm(delay);
}

void LazyTimer::Arm(absl::Duration delay) {
  armed_for_ = deadline_;
  timer_ = scheduler_.RunAfter(delay, [this] { OnTimer(); });
}

void LazyTimer::Cancel() {
  if (timer_ == Scheduler::TimerId::kNone) return;
  scheduler_.Cancel(timer_);
  timer_ = Scheduler::TimerId::kNone;
}

void LazyTimer::OnTimer() {
  timer_ = Scheduler::TimerId::kNone;
  if (deadline_ == absl::InfiniteDuration()) return;
  const absl::Duration rest = deadline_ - scheduler_.MonotonicNow();
  if (rest > absl::ZeroDuration()) {
    Arm(rest);
    return;
  }
  deadline_ = absl::InfiniteDuration();
  task_();  // May destroy this.
}

}  // namespace trellis::net
