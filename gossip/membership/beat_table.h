// The newest beat of every member: what it says it holds and enforces (peer.v1.Beat), ordered by
// (boot, counter).
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_BEAT_TABLE_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_BEAT_TABLE_H_

#include <map>
#include <set>

#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {

// True when `a` was said after `b`.
bool IsNewer(const peer::v1::Beat& a, const peer::v1::Beat& b);

// Thread-safety: none; control thread.
class BeatTable {
 public:
  struct Member {
    peer::v1::Beat beat;  // Node 0: nothing was ever heard.
    storage::VersionVector holds;
    storage::VersionVector enforces;
  };

  // Knows exactly `members` from now on: beats of others are no news, theirs are forgotten.
  void SetMembers(const std::set<NodeId>& members);

  // True if the beat is of a member and newer than what is held, and was taken.
  bool Merge(const peer::v1::Beat& beat);

  const std::map<NodeId, Member>& members() const { return members_; }

 private:
  std::map<NodeId, Member> members_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_BEAT_TABLE_H_
