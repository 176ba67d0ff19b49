// Simulated time: nothing happens between events, so an hour takes as long as its events.
//
//   SimScheduler scheduler;
//   scheduler.RunAfter(absl::Seconds(5), [&] { fired = true; });
//   scheduler.RunFor(absl::Seconds(5));
#ifndef TRELLIS_BASE_RUNTIME_SIM_SCHEDULER_H_
#define TRELLIS_BASE_RUNTIME_SIM_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/runtime/scheduler.h"

namespace trellis {

// Single-threaded. Order: due time, then the order armed; so one seed gives one history.
//
// A binary heap of small places over a table of tasks: arming costs O(log n), cancelling O(1). What
// was cancelled leaves its place in the heap until its time comes or such places are the most.
class SimScheduler final : public Scheduler {
 public:
  explicit SimScheduler(absl::Time start = absl::FromUnixSeconds(1767225600));  // 2026-01-01.

  absl::Time WallNow() const override { return start_ + now_; }
  absl::Duration MonotonicNow() const override { return now_; }
  TimerId RunAfter(absl::Duration delay, Task task) override;
  bool Cancel(TimerId timer) override;
  void Post(Task task) override { RunAfter(absl::ZeroDuration(), std::move(task)); }

  // Runs the next event, moving time to it; false when there is none.
  bool Step();
  // Runs every event due within `duration`, then moves time to its end.
  void RunFor(absl::Duration duration);

  // Of the task that is running or ran last.
  TimerId running() const { return running_; }
  uint64_t events_run() const { return events_run_; }

 private:
  // Ids say where the task is, and by their upper part which of all tasks that were ever there.
  static constexpr int kSlotBits = 24;  // 16 million timers at once.

  struct Slot {
    uint64_t id = 0;  // Of the task in it; 0: none.
    Task task;
  };
  struct Place {
    absl::Duration due;
    uint64_t id;  // Rises with the order armed.
    bool operator>(const Place& other) const {
      return due != other.due ? due > other.due : id > other.id;
    }
  };

  static size_t SlotIndex(uint64_t id) { return id & ((uint64_t{1} << kSlotBits) - 1); }
  Slot& SlotOf(uint64_t id) { return slots_[SlotIndex(id)]; }
  Task Take(uint64_t id);
  // The earliest place whose task was not cancelled; null when there is none.
  const Place* Next();
  void PopPlace();

  const absl::Time start_;
  absl::Duration now_ = absl::ZeroDuration();
  uint64_t armed_ = 0;
  uint64_t events_run_ = 0;
  TimerId running_ = TimerId::kNone;
  std::vector<Place> heap_;
  size_t cancelled_ = 0;  // Places in the heap without a task.
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
};

}  // namespace trellis

#endif  // TRELLIS_BASE_RUNTIME_SIM_SCHEDULER_H_
