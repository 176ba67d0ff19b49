// How a target group's targets are checked, its blanks filled in.
//
// Spec: VPC Lattice reference 4.4 (defaults and ranges).
#ifndef TRELLIS_NODE_HEALTH_SETTINGS_H_
#define TRELLIS_NODE_HEALTH_SETTINGS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "proto/trellis/v1/target_group.pb.h"
#include "routing/balance/health.h"
#include "storage/resource/status_matcher.h"

namespace trellis::health {

struct Settings {
  // kOff and kUnsupported: targets are UNAVAILABLE and get traffic.
  enum class Mode : uint8_t {
    kChecked,
    kOff,          // By the group's setting, or by default (all but HTTP1 groups).
    kUnsupported,  // LAMBDA and ALB groups; HTTPS and HTTP2 checks, which this agent cannot make.
  };
  Mode mode = Mode::kOff;
  uint16_t port = 0;  // 0: the target's own.
  std::string path = "/";
  absl::Duration interval = absl::Seconds(30);
  absl::Duration timeout = absl::Seconds(5);
  routing::HealthState::Thresholds thresholds;
  resource::StatusMatcher matcher = *resource::StatusMatcher::Parse("200");

  bool operator==(const Settings& other) const;

  routing::TargetHealth initial_health() const {
    return mode == Mode::kChecked ? routing::TargetHealth::kInitial
                                  : routing::TargetHealth::kUnavailable;
  }
};

// Never fails: what a peer wrote out of range is brought to the nearest bound, and a path or
// matcher that cannot be read becomes the default.
Settings SettingsOf(const v1::TargetGroup& group);

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_SETTINGS_H_
