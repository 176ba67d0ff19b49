// Which of the agents this one listens to have fallen silent.
//
// A neighbour that has not been heard for kPatience is to be accused; but the sick blame themselves
// first (Lifeguard): this agent forgives everybody when its own timers come late, waits much longer
// when it misses half of those it listens to (and blames nobody for that time), and is the more patient the more often it was wrong.
//
// Spec: decision 0011; gossip-design 3.1.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_MONITOR_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_MONITOR_H_

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "gossip/transport/transport.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. `now` is the scheduler's monotonic time.
class Monitor {
 public:
  static constexpr absl::Duration kPatience = absl::Seconds(3);
  // For each accusation that was refuted, and until that has been atoned for.
  static constexpr absl::Duration kMorePatience = absl::Seconds(1);
  static constexpr int kMaxMistakes = 5;
  static constexpr absl::Duration kAtonement = absl::Minutes(1);
  // When the fault is more likely to be here. Not for ever: an agent that is cut off for good would
  // else show a mesh of which it knows nothing as alive.
  static constexpr int kSickPatience = 3;
  // Two heartbeats: missing for the question who is sick.
  static constexpr absl::Duration kMissing = absl::Seconds(2);
  // Whom others hear although we do not (a broken way between two) is not accused all the time.
  static constexpr absl::Duration kRepeat = absl::Seconds(30);

  // The neighbours wanted, linked or not.
  void SetNeighbours(const std::set<NodeId>& neighbours, absl::Duration now);
  void LinkUp(NodeId peer, absl::Duration now);
  void LinkDown(NodeId peer);
  // A frame came from `peer`.
  void Heard(NodeId peer, absl::Duration now);
  void Forgive(absl::Duration now);
  // An accusation of ours was contradicted before it became a verdict.
  void WasWrong(absl::Duration now);

  // Those to be accused of silence at this time; each once, and again after kRepeat unheard.
  std::vector<NodeId> TakeSilent(absl::Duration now);
  // A dial was refused: whether that means that the process has gone. It does once after a link.
  bool TakeLost(NodeId peer);
  // Since the last frame from `peer`; none when it is not listened to or has never been linked.
  std::optional<absl::Duration> SinceHeard(NodeId peer, absl::Duration now) const;

 private:
  struct Watched {
    absl::Duration heard_at;
    bool neighbour = false;
    bool linked = false;
    bool heard = false;  // Ever.
    bool lost = false;   // Its link has ended, and no dial has told why yet.
    std::optional<absl::Duration> accused_at;
  };

  bool Sick(absl::Duration now) const;

  std::map<NodeId, Watched> watched_;  // Neighbours and links.
  bool was_sick_ = false;  // When asked for the silent, the last time.
  int mistakes_ = 0;
  absl::Duration last_mistake_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_MONITOR_H_
