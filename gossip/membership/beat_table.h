// The newest beat of every member, and what its age says about the member.
//
// A beat is what an agent says of itself (peer.v1.Beat), ordered by (boot, counter). Liveness is
// this agent's own opinion, from the age of the newest beat and from links that broke; it steers
// gossip and is shown to people, and never touches configuration.
//
// Spec: gossip-design 3.1 (detection), the first version: no indirect probes, no voting.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_BEAT_TABLE_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_BEAT_TABLE_H_

#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "gossip/membership/liveness.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {

// True when `a` was said after `b`.
bool IsNewer(const peer::v1::Beat& a, const peer::v1::Beat& b);

// Thread-safety: none; control thread. `now` is the scheduler's monotonic time.
class BeatTable {
 public:
  // No beat is under way for longer, but for broken networks.
  static constexpr absl::Duration kUnderWayMost = absl::Milliseconds(500);

  struct Limits {
    absl::Duration suspect_after;
    absl::Duration down_after;
  };
  struct Member {
    peer::v1::Beat beat;  // Node 0: nothing was ever heard.
    storage::VersionVector holds;
    storage::VersionVector enforces;
    absl::Duration heard_at = -absl::InfiniteDuration();
    // When its link to us broke, unless it was heard of since.
    std::optional<absl::Duration> link_lost_at;
    Liveness liveness = Liveness::kDown;
  };

  explicit BeatTable(const Limits& limits) : limits_(limits) {}

  // Knows exactly `members` from now on: beats of others are no news, theirs are forgotten.
  void SetMembers(const std::map<NodeId, std::string>& members);

  // True if the beat is of a member and newer than what is held, and was taken.
  bool Merge(const peer::v1::Beat& beat, absl::Duration now);
  // The link to `node` broke: suspect until a newer beat comes that cannot have been under way
  // already, by other links, when it broke.
  void LinkLost(NodeId node, absl::Duration now);
  // Judges everybody's liveness. True when a verdict changed.
  bool Judge(absl::Duration now);

  const std::map<NodeId, Member>& members() const { return members_; }

 private:
  Liveness Verdict(const Member& member, absl::Duration now) const;

  const Limits limits_;
  std::map<NodeId, Member> members_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_BEAT_TABLE_H_
