#include "gossip/membership/clock_watch.h"

namespace trellis::gossip {

bool ClockWatch::IsSteady() {
  const absl::Duration now = scheduler_.MonotonicNow();
  const absl::Time began = scheduler_.WallNow() - now;
  if (!began_.has_value() || absl::AbsDuration(began - *began_) > kStep) set_ = now;
  began_ = began;
  return now - set_ >= kSteady;
}

}  // namespace trellis::gossip
