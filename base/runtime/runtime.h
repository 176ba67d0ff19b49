// What a component may know of the outside: time and dice. Passed in, never asked for.
#ifndef TRELLIS_BASE_RUNTIME_RUNTIME_H_
#define TRELLIS_BASE_RUNTIME_RUNTIME_H_

#include "base/runtime/random.h"
#include "base/runtime/scheduler.h"

namespace trellis {

// Borrowed: both outlive every component built with it.
struct Runtime {
  Scheduler& scheduler;
  Random& random;
};

}  // namespace trellis

#endif  // TRELLIS_BASE_RUNTIME_RUNTIME_H_
