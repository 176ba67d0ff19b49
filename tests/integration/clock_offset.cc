// A wall clock that is wrong: preloaded into an agent (LD_PRELOAD), it puts absl::Now, which is all
// the agent knows of the time of day, CLOCK_OFFSET_SECONDS off. Timeouts are not touched: they go
// by the monotonic clock, and gRPC's by a clock of its own.
#include <cstdlib>
#include <ctime>

#include "absl/base/config.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace absl {
ABSL_NAMESPACE_BEGIN

Time Now() {
  static const Duration offset = Seconds(std::atoi(std::getenv("CLOCK_OFFSET_SECONDS")));
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return TimeFromTimespec(now) + offset;
}

ABSL_NAMESPACE_END
}  // namespace absl
