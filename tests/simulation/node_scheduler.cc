#include "tests/simulation/node_scheduler.h"

#include <algorithm>

namespace trellis::simulation {

Scheduler::TimerId NodeScheduler::RunAfter(absl::Duration delay, Task task) {
  return world_.RunAfter(delay, [this, alive = alive_, task = std::move(task)]() mutable {
    if (!*alive) return;
    if (MonotonicNow() < frozen_until_ || !held_.empty()) {
      held_.emplace_back(world_.running(), std::move(task));
    } else {
      task();
    }
  });
}

bool NodeScheduler::Cancel(TimerId timer) {
  if (world_.Cancel(timer)) return true;
  const auto it = std::find_if(held_.begin(), held_.end(),
                               [timer](const auto& held) { return held.first == timer; });
  if (it == held_.end()) return false;
  held_.erase(it);
  return true;
}

void NodeScheduler::Freeze(absl::Duration until) {
  frozen_until_ = std::max(frozen_until_, until);
  world_.RunAfter(until - MonotonicNow(), [this, alive = alive_] {
    if (*alive) Thaw();
  });
}

void NodeScheduler::Thaw() {
  const std::shared_ptr<bool> alive = alive_;
  while (*alive && !held_.empty() && MonotonicNow() >= frozen_until_) {
    Task task = std::move(held_.front().second);
    held_.pop_front();
    task();
  }
}

}  // namespace trellis::simulation
