#include "routing/balance/health.h"

namespace trellis::routing {

bool HealthState::Record(bool passed) {
  if (health_ == TargetHealth::kUnavailable) return false;
  passes_ = passed ? passes_ + 1 : 0;
  failures_ = passed ? 0 : failures_ + 1;
  const TargetHealth before = health_;
  if (passed) {
    // A new target is not kept waiting; one that was found unhealthy has to prove itself.
    const int needed = before == TargetHealth::kInitial ? 1 : thresholds_.healthy;
    if (passes_ >= needed) health_ = TargetHealth::kHealthy;
  } else if (failures_ >= thresholds_.unhealthy) {
    health_ = TargetHealth::kUnhealthy;
  }
  return health_ != before;
}

}  // namespace trellis::routing
