// Who is alive, as accusations and refutations say: decision 0011.
//
// Everybody is alive until accused. The accused is suspect, and down when kAgreeing monitors agree
// (all the living, if there are fewer) or when the first accusation has stood unrefuted for
// kRefutationWindow. Agreement counts only after kAgreementGrace: that is time for a refutation to
// come by the links that still work, so nobody is called down for an instant.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_TABLE_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_TABLE_H_

#include <map>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "gossip/membership/liveness.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

// What became of something heard.
enum class Heard {
  kKnown,     // Nothing new, or of no member.
  kNews,      // Taken, and worth passing on.
  kOutdated,  // Contradicted by what is held: the one who said it should be told that.
};

// Thread-safety: none; control thread. `now` is the scheduler's monotonic time.
class LivenessTable {
 public:
  static constexpr size_t kAgreeing = 3;
  static constexpr absl::Duration kAgreementGrace = absl::Milliseconds(200);
  static constexpr absl::Duration kRefutationWindow = absl::Seconds(3);

  struct Accusation {
    NodeId accuser = 0;
    peer::v1::Rumour::Reason reason = peer::v1::Rumour::REASON_UNSPECIFIED;
    absl::Duration at;
  };
  struct Member {
    Life life;
    Liveness liveness = Liveness::kAlive;
    std::vector<Accusation> accusations;  // Of this life, by arrival; at most kAgreeing.
  };

  // Knows exactly `members` (without this agent itself) from now on. Accusations by those who went
  // are `self`'s then: others would not take their word. Returns whom they are about.
  std::vector<NodeId> SetMembers(const std::set<NodeId>& members, NodeId self);

  // `accuser` misses that life of `subject`. News at most kAgreeing times a life.
  Heard Accuse(NodeId subject, const Life& life, NodeId accuser, peer::v1::Rumour::Reason reason,
               absl::Duration now);
  // The subject itself said that it lives that life. News if it contradicts an accusation.
  Heard Revive(NodeId subject, const Life& life);
  // This agent was away, not the others: what was about to become a verdict starts over.
  void Forgive(absl::Duration now);

  // Says of the accused what time has made of them. True when somebody went down.
  bool Judge(absl::Duration now);
  // When Judge would next have something to say.
  absl::Duration NextVerdict() const;

  // Null for those who are not members.
  const Member* Find(NodeId node) const;
  const std::map<NodeId, Member>& members() const { return members_; }
  // Suspect or down.
  const std::set<NodeId>& accused() const { return accused_; }
  const std::set<NodeId>& down() const { return down_; }
  // How often somebody went down.
  uint64_t down_verdicts() const { return down_verdicts_; }

 private:
  void BeginLife(NodeId subject, Member& member, const Life& life);
  // And says so in the log, which tests and benchmarks read.
  void SetLiveness(NodeId subject, Member& member, Liveness liveness);
  absl::Duration VerdictOn(const Member& member) const;

  std::map<NodeId, Member> members_;
  std::set<NodeId> accused_;
  std::set<NodeId> down_;
  uint64_t down_verdicts_ = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_TABLE_H_
