// Simulated time: nothing happens between events, so an hour takes as long as its events.
//
//   SimScheduler scheduler;
//   scheduler.RunAfter(absl::Seconds(5), [&] { fired = true; });
//   scheduler.RunFor(absl::Seconds(5));
#ifndef TRELLIS_BASE_RUNTIME_SIM_SCHEDULER_H_
#define TRELLIS_BASE_RUNTIME_SIM_SCHEDULER_H_

#include <cstdint>
#include <map>
#include <utility>

#include "base/runtime/scheduler.h"

namespace trellis {

// Single-threaded. Order: due time, then the order armed; so one seed gives one history.
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

 private:
  using Key = std::pair<absl::Duration, uint64_t>;

  const absl::Time start_;
  absl::Duration now_ = absl::ZeroDuration();
  uint64_t next_id_ = 1;
  std::map<Key, Task> events_;
  std::map<uint64_t, absl::Duration> due_;  // By timer id, for Cancel.
};

}  // namespace trellis

#endif  // TRELLIS_BASE_RUNTIME_SIM_SCHEDULER_H_
