#include "gossip/membership/peer_clocks.h"

#include <algorithm>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

void PeerClocks::Note(NodeId peer, absl::Duration ahead, std::optional<absl::Duration> round_trip,
                      absl::Duration now) {
  // The frame took no less than nothing: a peer that seems ahead is.
  if (ahead >= absl::ZeroDuration()) return Add(peer, ahead, now);
  // Without an answer nobody can tell; one from the future speaks of a clock set meanwhile.
  if (!round_trip || *round_trip < absl::ZeroDuration()) return;
  Add(peer, std::min(absl::ZeroDuration(), ahead + *round_trip), now);
}

void PeerClocks::Add(NodeId peer, absl::Duration ahead, absl::Duration now) {
  Readings& readings = readings_[peer];
  if (readings.ahead.empty() && absl::AbsDuration(ahead) > kTolerance) {
    LOG(WARNING) << "the clock of " << resource::AgentName(peer) << " differs from ours by "
                 << absl::FormatDuration(ahead);
  }
  if (!readings.ahead.empty() && now - readings.heard_at < kTogether) {
    readings.ahead.back() = std::max(readings.ahead.back(), ahead);
  } else {
    readings.ahead.push_back(ahead);
  }
  readings.heard_at = now;
  if (readings.ahead.size() > kReadings) readings.ahead.pop_front();
}

void PeerClocks::Tick(absl::Duration late) {
  if (late >= kBehind) return;
  const bool was_wrong = !Check().ok();
  median_ahead_ = MedianAhead();
  wrong_ticks_ = absl::AbsDuration(median_ahead_) > kTolerance ? wrong_ticks_ + 1 : 0;
  wrong_ticks_ = std::min(wrong_ticks_, kStandingTicks);
  if (!was_wrong && !Check().ok()) LOG(ERROR) << Check().message();
}

absl::Status PeerClocks::Check() const {
  if (wrong_ticks_ < kStandingTicks) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "this agent's clock is ",
      absl::FormatDuration(absl::Trunc(absl::AbsDuration(median_ahead_), absl::Milliseconds(1))),
      median_ahead_ > absl::ZeroDuration() ? " behind" : " ahead of", " the mesh's; at most ",
      absl::FormatDuration(kTolerance),
      " will do for writes: set the clock, or write at another agent"));
}

absl::Duration PeerClocks::MedianAhead() const {
  std::vector<absl::Duration> clocks = {absl::ZeroDuration()};
  for (const auto& [peer, readings] : readings_) {
    if (readings.ahead.size() < kReadings) continue;
    clocks.push_back(*absl::c_max_element(readings.ahead));
  }
  if (clocks.size() < kFewestClocks) return absl::ZeroDuration();
  std::sort(clocks.begin(), clocks.end());
  const absl::Duration low = clocks[(clocks.size() - 1) / 2];
  const absl::Duration high = clocks[clocks.size() / 2];
  // Of the two in the middle of an even number, the one that speaks for us.
  return absl::AbsDuration(low) < absl::AbsDuration(high) ? low : high;
}

}  // namespace trellis::gossip
