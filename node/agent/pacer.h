// Runs a task soon after it was asked for, once for all who asked meanwhile, and leaves its thread
// time for everything else however often it is asked for.
//
//   Pacer compile(control, [&] { Compile(); });
//   catalog.Subscribe([&](const storage::Applied&) { compile.Schedule(); });
//
// After a run that took t the next begins kRestRatio * t later at the earliest, at most kMaxRest:
// so the task has at most a quarter of the time while changes pour in, unless it takes seconds, and
// a change after a rest waits for nothing.
#ifndef TRELLIS_NODE_AGENT_PACER_H_
#define TRELLIS_NODE_AGENT_PACER_H_

#include "absl/time/time.h"
#include "base/runtime/scheduler.h"

namespace trellis::agent {

// Thread-safety: none; everything on the scheduler's thread.
class Pacer {
 public:
  static constexpr int kRestRatio = 3;
  static constexpr absl::Duration kMaxRest = absl::Seconds(1);

  // `scheduler` is borrowed. A task that was asked for and has not begun dies with the pacer.
  Pacer(Scheduler& scheduler, Scheduler::Task task);
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Never runs the task inside the call. With `more_to_come` the whole kMaxRest is kept: until
  // then, or until somebody asks without.
  void Schedule(bool more_to_come = false);
  // Runs it now, for whoever asked so far.
  void Run();

 private:
  Scheduler& scheduler_;
  Scheduler::Task task_;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
  absl::Duration due_;  // Of the timer.
  absl::Duration ended_ = -absl::InfiniteDuration();
  absl::Duration rest_;
};

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_PACER_H_
