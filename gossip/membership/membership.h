// This agent's part in knowing who is alive: decision 0011.
//
// Once a second it sends a heartbeat by each link, unless it has just answered one there, and looks
// who was silent; in between it passes on rumours, contradicts those about itself, and says whom to
// link with. What each part decides is in its own header: monitor.h (silence), liveness_table.h
// (verdicts), rumour_mill.h (spreading), link_plan.h (links), peer_clocks.h and twins.h (who must
// not write).
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_MEMBERSHIP_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/membership/link_plan.h"
#include "gossip/membership/liveness_table.h"
#include "gossip/membership/monitor.h"
#include "gossip/membership/peer_clocks.h"
#include "gossip/membership/rumour_mill.h"
#include "gossip/membership/twins.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Membership {
 public:
  struct Options {
    NodeId node = 0;
    int max_links = 8;
    absl::Duration interval = absl::Seconds(1);
    // A link that is silent for so long is half-open, or one way. Closed, it is dialled again.
    absl::Duration close_after = absl::Seconds(6);
  };
  // What it does to the world.
  struct Hands {
    RumourMill::Send send;  // As Transport::Send.
    absl::AnyInvocable<void(NodeId, const absl::Status& why)> close;
    absl::AnyInvocable<void()> link;  // The plan has changed. Not inside a call of Membership.
  };

  // A timer this late says that this process was away, not the others.
  static constexpr absl::Duration kLate = absl::Milliseconds(500);
  // Who is accused here is named to some peer so often: a peer that knew nothing of the accused
  // when the link came up may know better now.
  static constexpr absl::Duration kDoubt = absl::Seconds(5);
  // Boots and lives reach this only by forgery.
  static constexpr uint64_t kMaxLife = uint64_t{1} << 62;

  // The catalog and runtime are borrowed.
  Membership(const Options& options, const storage::Catalog& catalog, Runtime runtime, Hands hands);
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  void Start();
  // The roster, without this agent itself.
  void SetMembers(std::set<NodeId> members);

  // What a hello says of this agent's process.
  void FillHello(peer::v1::Hello* hello) const;
  // A link that was greeted, and its end.
  void AddLink(NodeId peer, const peer::v1::Hello& hello);
  void RemoveLink(NodeId peer);
  // Any frame came by it.
  void OnFrame(NodeId peer) { monitor_.Heard(peer, Now()); }
  void OnHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat);
  void OnRumours(NodeId peer, const peer::v1::Rumours& rumours);
  void OnDialFailed(NodeId peer, DialFailure failure);
  // The peer ended a link because it will have nothing of us.
  void OnTurnedAway(NodeId peer);

  const LinkPlan& plan() const { return plan_; }
  Liveness LivenessOf(NodeId node) const;
  uint64_t down_verdicts() const { return table_.down_verdicts(); }
  // Members only.
  const std::set<NodeId>& down() const { return table_.down(); }
  // The last sign of life of a neighbour, or of whom the mesh accuses; zero for those whom nobody
  // misses, infinite for those who are missed and never were heard of.
  absl::Duration SinceHeard(NodeId node) const;
  // OK unless this agent's writes would do harm: its clock is wrong, it has a twin, or it was
  // evicted. A member's refusal (not in its roster, or evicted) is authentic but may be a lie, or
  // the word of one who knows less, and it does not say which of the two it means. So it counts
  // only while nobody takes us: there is no link that was greeted, and some member's word was no.
  // Members that cannot be reached say nothing, and one greeting takes back what all others said.
  //   FAILED_PRECONDITION  the message says what to do
  absl::Status CheckWritable() const;
  // Members of whom two processes were seen of late.
  std::vector<NodeId> SeenTwice() const { return twins_.Shown(Now()); }

 private:
  struct LastWord {
    int64_t wall_micros = 0;
    absl::Duration at;
  };
  struct Link {
    absl::Duration sent;         // The last heartbeat.
    std::optional<LastWord> heard;  // The last heartbeat of the peer's.
  };

  absl::Duration Now() const { return runtime_.scheduler.MonotonicNow(); }
  void Tick();
  void TickAgain(absl::Duration delay);
  void ForgiveIfLate(absl::Duration due);
  // To a peer that has had none of ours for half an interval.
  void SendHeartbeatIfDue(NodeId peer);
  peer::v1::Frame MakeHeartbeat(const Link& link) const;
  void CloseSilentLinks();
  void DoubtAloud();
  void NoteClock(NodeId peer, int64_t wall_micros, uint32_t echo);

  void Accuse(NodeId subject, peer::v1::Rumour::Reason reason);
  void OnRumour(NodeId from, const peer::v1::Rumour& rumour);
  void OnRumourOfUs(NodeId from, const peer::v1::Rumour& rumour);
  void OnSignOfLife(NodeId from, NodeId subject, const Life& life);
  bool AccusedByUs(NodeId subject, const Life& life) const;
  void Describe(NodeId subject, peer::v1::Rumours* rumours) const;

  // After whatever may have changed a verdict: asks for it, and arms the timer for the next.
  void Judge();
  void PlanLater();
  void Plan();

  const Options options_;
  const storage::Catalog& catalog_;
  const Runtime runtime_;
  Hands hands_;

  const uint64_t process_;  // Its number: tells this process from a twin.
  Life life_;
  std::set<NodeId> members_;
  std::map<NodeId, Link> links_;
  LivenessTable table_;
  Monitor monitor_;
  RumourMill mill_;
  LinkPlan plan_;
  PeerClocks clocks_;
  Twins twins_;
  std::set<NodeId> turned_away_by_;  // Members; since the last greeting.

  std::set<NodeId> planned_without_;  // Who was down when the plan was made.
  absl::Duration tick_due_;
  absl::Duration doubt_at_;
  Scheduler::TimerId tick_timer_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId verdict_timer_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId plan_timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_MEMBERSHIP_H_
