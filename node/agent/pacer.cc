#include "node/agent/pacer.h"

#include <algorithm>
#include <utility>

namespace trellis::agent {

Pacer::Pacer(Scheduler& scheduler, Scheduler::Task task)
    : scheduler_(scheduler), task_(std::move(task)) {}

Pacer::~Pacer() { scheduler_.Cancel(timer_); }

void Pacer::Schedule(bool more_to_come) {
  const absl::Duration due = ended_ + (more_to_come ? kMaxRest : rest_);
  if (timer_ != Scheduler::TimerId::kNone && due_ <= due) return;
  scheduler_.Cancel(timer_);
  due_ = due;
  timer_ = scheduler_.RunAfter(std::max(due - scheduler_.MonotonicNow(), absl::ZeroDuration()),
                               [this] { Run(); });
}

void Pacer::Run() {
  scheduler_.Cancel(std::exchange(timer_, Scheduler::TimerId::kNone));
  const absl::Duration begun = scheduler_.MonotonicNow();
  task_();
  ended_ = scheduler_.MonotonicNow();
  rest_ = std::min(kRestRatio * (ended_ - begun), kMaxRest);
}

}  // namespace trellis::agent
