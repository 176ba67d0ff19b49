// Time, timers and hand-over of work for one thread of the program.
//
// Every component that keeps time gets one in its constructor and never asks the system: the
// epoll loop (node/net) is the real one, SimScheduler the simulated one.
#ifndef TRELLIS_BASE_RUNTIME_SCHEDULER_H_
#define TRELLIS_BASE_RUNTIME_SCHEDULER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace trellis {

// Callbacks run on the scheduler's own thread, never inside the call that armed them, in order of
// their due time, ties in the order they were armed.
class Scheduler {
 public:
  enum class TimerId : uint64_t { kNone = 0 };
  using Task = absl::AnyInvocable<void()>;

  virtual ~Scheduler() = default;

  virtual absl::Time WallNow() const = 0;           // For people and signatures; may jump.
  virtual absl::Duration MonotonicNow() const = 0;  // For timeouts; never goes back.

  // Only on the scheduler's own thread.
  virtual TimerId RunAfter(absl::Duration delay, Task task) = 0;
  // False if it already ran or is running. Only on the scheduler's own thread.
  virtual bool Cancel(TimerId timer) = 0;

  // Runs `task` soon, in the order posted. From any thread.
  virtual void Post(Task task) = 0;
};

}  // namespace trellis

#endif  // TRELLIS_BASE_RUNTIME_SCHEDULER_H_
