// What the checks say of a target, for ListTargets and explain.
#ifndef TRELLIS_NODE_HEALTH_VERDICT_H_
#define TRELLIS_NODE_HEALTH_VERDICT_H_

#include <string>

#include "routing/balance/health.h"

namespace trellis::health {

// The reason code of what other agents say, where this agent's own checks say nothing.
inline constexpr char kUnhealthyForOthers[] = "UnhealthyForOtherAgents";

struct Verdict {
  routing::TargetHealth health = routing::TargetHealth::kInitial;
  // Why it is not healthy: InitialHealthChecking, ResponseCodeMismatch, Timeout, ConnectionFailed,
  // HealthCheckDisabled, HealthCheckNotSupported, UnhealthyForOtherAgents. Empty when healthy.
  std::string reason_code;
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_VERDICT_H_
