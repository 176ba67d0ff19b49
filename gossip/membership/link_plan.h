// With whom this agent wants links at the moment: its neighbours, one more at random, and a few of
// those who are down.
//
// The random one (the chord) is replaced from time to time, so that in time all pairs compare what
// they hold. Those who are down and ours to look for are dialled a few at a time, so that however
// many have gone, the two sides of a healed partition meet within seconds.
//
// Spec: gossip-design 2.10, 3.1, 3.4.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_LINK_PLAN_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_LINK_PLAN_H_

#include <set>

#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "gossip/transport/transport.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. `now` is the scheduler's monotonic time.
class LinkPlan {
 public:
  // Down ones dialled at a time, and for how long before it is others' turn.
  static constexpr size_t kMaxKnocks = 8;
  static constexpr absl::Duration kKnock = absl::Seconds(2);
  static constexpr absl::Duration kChord = absl::Minutes(1);
  // Of the links, these are for our chord and somebody else's.
  static constexpr int kChordLinks = 2;

  // `random` is borrowed.
  LinkPlan(NodeId self, int max_links, Random& random)
      : self_(self), max_links_(max_links), random_(random) {}

  // Plans anew. `members` without `self`, some of them `down`. O(members).
  void Make(const std::set<NodeId>& members, const std::set<NodeId>& down, absl::Duration now);
  // Whether it is time to, though nobody came, went, fell or rose.
  bool IsStale(absl::Duration now) const { return now >= stale_at_; }

  // The living: to be linked with, and listened to.
  const std::set<NodeId>& neighbours() const { return neighbours_; }
  // Those of the down whose turn it is.
  const std::set<NodeId>& knocks() const { return knocks_; }

 private:
  void KeepChord(const std::set<NodeId>& members, const std::set<NodeId>& down, absl::Duration now);

  const NodeId self_;
  const int max_links_;
  Random& random_;
  std::set<NodeId> neighbours_;
  std::set<NodeId> knocks_;
  NodeId chord_ = 0;  // 0: none.
  absl::Duration chord_until_ = absl::ZeroDuration();
  absl::Duration stale_at_ = absl::ZeroDuration();
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_LINK_PLAN_H_
