// Passes on who is said to be gone and who says otherwise.
//
// Each link owes its peer the agents there is news of; what is sent is what is held of them when it
// is sent, so news that overtakes news costs nothing. Changes wait kCoalesce for company: a rack
// that fails is one frame.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_RUMOUR_MILL_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_RUMOUR_MILL_H_

#include <map>
#include <set>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class RumourMill {
 public:
  static constexpr absl::Duration kCoalesce = absl::Milliseconds(2);
  // Of one frame; a newcomer to a mesh of which half is gone is told in several.
  static constexpr int kMaxRumours = 256;

  using Send = absl::AnyInvocable<bool(NodeId, const peer::v1::Frame&)>;
  // Adds what is held of an agent: its accusations, or that it lives.
  using Describe = absl::AnyInvocable<void(NodeId subject, peer::v1::Rumours* rumours) const>;

  // The scheduler is borrowed; `send` as Transport::Send.
  RumourMill(Scheduler& scheduler, Describe describe, Send send);
  ~RumourMill();
  RumourMill(const RumourMill&) = delete;
  RumourMill& operator=(const RumourMill&) = delete;

  void AddLink(NodeId peer) { owed_.try_emplace(peer); }
  void RemoveLink(NodeId peer) { owed_.erase(peer); }

  // Tells one peer, or all but the one it came from, about `subject`.
  void Tell(NodeId peer, NodeId subject);
  void TellAll(NodeId subject, NodeId except);

 private:
  void FlushSoon();
  void Flush();

  Scheduler& scheduler_;
  Describe describe_;
  Send send_;
  std::map<NodeId, std::set<NodeId>> owed_;  // By link: at most the roster each.
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_RUMOUR_MILL_H_
