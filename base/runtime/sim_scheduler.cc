#include "base/runtime/sim_scheduler.h"

#include <algorithm>

namespace trellis {

SimScheduler::SimScheduler(absl::Time start) : start_(start) {}

Scheduler::TimerId SimScheduler::RunAfter(absl::Duration delay, Task task) {
  const uint64_t id = next_id_++;
  const absl::Duration due = now_ + std::max(delay, absl::ZeroDuration());
  events_.emplace(Key(due, id), std::move(task));
  due_.emplace(id, due);
  return TimerId{id};
}

bool SimScheduler::Cancel(TimerId timer) {
  const auto it = due_.find(static_cast<uint64_t>(timer));
  if (it == due_.end()) return false;
  events_.erase(Key(it->second, it->first));
  due_.erase(it);
  return true;
}

bool SimScheduler::Step() {
  if (events_.empty()) return false;
  auto event = events_.extract(events_.begin());
  now_ = event.key().first;
  due_.erase(event.key().second);
  event.mapped()();
  return true;
}

void SimScheduler::RunFor(absl::Duration duration) {
  const absl::Duration end = now_ + duration;
  while (!events_.empty() && events_.begin()->first.first <= end) Step();
  now_ = end;
}

}  // namespace trellis
