#include "node/net/timer_queue.h"

#include <algorithm>
#include <utility>

namespace trellis::net {
namespace {

// Below this many entries dead ones are not worth sweeping.
constexpr size_t kSweepFrom = 64;

}  // namespace

TimerQueue::TimerId TimerQueue::Add(int64_t due, Task task) {
  const uint64_t id = next_id_++;
  tasks_.emplace(id, std::move(task));
  heap_.push_back({due, id});
  std::push_heap(heap_.begin(), heap_.end());
  return static_cast<TimerId>(id);
}

bool TimerQueue::Cancel(TimerId timer) {
  if (tasks_.erase(static_cast<uint64_t>(timer)) == 0) return false;
  if (heap_.size() >= kSweepFrom && heap_.size() > 2 * tasks_.size()) {
    heap_.erase(std::remove_if(heap_.begin(), heap_.end(),
                               [this](const Entry& entry) { return !tasks_.contains(entry.id); }),
                heap_.end());
    std::make_heap(heap_.begin(), heap_.end());
  }
  return true;
}

TimerQueue::Task TimerQueue::TakeDue(int64_t now, Mark mark) {
  while (!heap_.empty() && heap_.front().due <= now) {
    const uint64_t id = heap_.front().id;
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) {
      PopFront();
      continue;
    }
    // INVARIANT: what is armed while due timers run is due at `now` or later, so behind it in the
    // heap there is nothing due that is older than the mark.
    if (id >= static_cast<uint64_t>(mark)) return nullptr;
    PopFront();
    Task task = std::move(found->second);
    tasks_.erase(found);
    return task;
  }
  return nullptr;
}

void TimerQueue::PopFront() {
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.pop_back();
}

}  // namespace trellis::net
