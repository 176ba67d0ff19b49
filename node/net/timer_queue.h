// Timers of one thread, by due time and then by the order armed.
#ifndef TRELLIS_NODE_NET_TIMER_QUEUE_H_
#define TRELLIS_NODE_NET_TIMER_QUEUE_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/runtime/scheduler.h"

namespace trellis::net {

// A binary heap; cancelling forgets the task at once and leaves a dead entry, which is dropped when
// it surfaces or when dead ones outnumber the living. Not thread-safe.
class TimerQueue {
 public:
  using TimerId = Scheduler::TimerId;
  using Task = Scheduler::Task;
  enum class Mark : uint64_t {};
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // `due` in nanoseconds of any monotonic clock. O(log n).
  TimerId Add(int64_t due, Task task);
  // False if it is unknown or was taken. O(1), amortized.
  bool Cancel(TimerId timer);

  // When the next timer is due, perhaps a cancelled one; kNever when there is none.
  int64_t NextDue() const { return heap_.empty() ? kNever : heap_.front().due; }

  // Timers added from now on are not before the mark.
  Mark NextMark() const { return static_cast<Mark>(next_id_); }
  // The task of the earliest timer that is due at `now` and was added before `mark`; empty: none.
  Task TakeDue(int64_t now, Mark mark);

  size_t size() const { return tasks_.size(); }
  size_t heap_size() const { return heap_.size(); }  // With dead entries; for the test.

 private:
  struct Entry {
    int64_t due;
    uint64_t id;
    // For std::push_heap, whose front is the greatest.
    bool operator<(const Entry& other) const {
      return due != other.due ? due > other.due : id > other.id;
    }
  };

  void PopFront();

  uint64_t next_id_ = 1;
  std::vector<Entry> heap_;
  absl::flat_hash_map<uint64_t, Task> tasks_;
};

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_TIMER_QUEUE_H_
