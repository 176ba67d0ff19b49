// Anti-entropy: finds what pushes did not bring, whatever the reason.
//
// Every heartbeat tells the root and a hash of the vector of its sender. A difference that stands
// still for kPatience with nothing under way, or moves for kMostPatience, is answered by a digest:
// the whole vector. The peer answers with what the asker lacks, in pages, each asked for, and asks
// in turn for what it lacks itself. Only one peer at a time is asked for pages, so a late joiner
// does not get everything from all.
//
// Equal vectors with unequal roots mean that somebody lost what it claims to hold: what stands for
// kDivergencePatience is repaired (repair.h).
//
// Spec: docs/decisions/0012; gossip-design 3.4.
#ifndef TRELLIS_GOSSIP_REPLICATION_EXCHANGE_H_
#define TRELLIS_GOSSIP_REPLICATION_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/replication/counters.h"
#include "gossip/replication/repair.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Exchange {
 public:
  using Send = std::function<bool(NodeId, const peer::v1::Frame&)>;
  // Takes what `from` sent; not OK when no honest peer would have sent it.
  using Apply = absl::AnyInvocable<absl::Status(NodeId from, const storage::v1::Delta& delta)>;

  // A little less than the interval of heartbeats.
  static constexpr absl::Duration kPatience = absl::Milliseconds(900);
  static constexpr absl::Duration kMostPatience = absl::Seconds(5);
  static constexpr absl::Duration kDivergencePatience = absl::Seconds(3);
  // A page is cut at about this: bulk never stands before a heartbeat for longer.
  static constexpr size_t kPageBytes = 256 << 10;
  // A page that did not come by then is asked of somebody else.
  static constexpr absl::Duration kPageTime = absl::Seconds(2);

  // Whether what is missing is being fetched otherwise; then no peer is asked for pages.
  using HeldBack = absl::AnyInvocable<bool() const>;

  // All borrowed; `send` as Transport::Send.
  Exchange(NodeId self, storage::Catalog& catalog, Runtime runtime, ReplicationCounters& counters,
           Send send, Apply apply, HeldBack held_back);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void AddLink(NodeId peer) { links_[peer] = Link(); }
  void RemoveLink(NodeId peer);

  // The peer holds the origin up to `head`; or all of `holds`.
  void NoteHolds(NodeId peer, const storage::Origin& origin, uint64_t head);
  void NoteHolds(NodeId peer, const storage::VersionVector& holds);
  // Whether it is known to.
  bool KnowsHeld(NodeId peer, const storage::Origin& origin, uint64_t head) const;

  // Of a heartbeat.
  void OnPeerState(NodeId peer, absl::string_view root, uint64_t vector_hash);
  void OnDigest(NodeId from, const peer::v1::Digest& digest);
  void OnCompare(NodeId from, const peer::v1::Compare& compare) {
    repair_.OnCompare(from, compare);
  }
  absl::Status OnDeltas(NodeId from, const peer::v1::Deltas& deltas);

  // Whether pages are being asked for, or held back.
  bool Pulling();
  // Whether who is being asked said, with its last page, that it has more.
  bool more_to_come() const { return pull_.has_value() && pull_->more; }

 private:
  struct State {
    std::string root;
    uint64_t vector_hash = 0;
    bool operator==(const State&) const = default;
  };
  struct Link {
    storage::VersionVector holds;  // What the peer is known to hold.
    State ours, theirs;            // At its last heartbeat.
    bool heard = false;
    absl::Duration differs_since = absl::InfiniteDuration();
    absl::Duration still_since = absl::InfiniteDuration();  // Neither side's state has changed.
  };
  // Pages being asked for, from one peer.
  struct Pull {
    NodeId from = 0;
    absl::Duration deadline;
    bool more = false;  // After its last page.
  };

  State OwnState() const;
  void OnDifference(NodeId peer, Link& link, bool is_new);
  peer::v1::Frame MakeDigest(bool answer) const;
  void StartPull(NodeId from, bool answer);
  void ContinuePull();
  // Asks some peer known to hold what we lack, unless somebody is being asked already.
  void PullIfBehind();
  bool Holds(const peer::v1::Deltas& deltas) const;
  bool Behind(const Link& link) const { return !catalog_.vector().Covers(link.holds); }
  void SendPage(NodeId to, const storage::VersionVector& after);

  const NodeId self_;
  storage::Catalog& catalog_;
  const Runtime runtime_;
  ReplicationCounters& counters_;
  Send send_;
  Apply apply_;
  HeldBack held_back_;
  Repair repair_;
  std::map<NodeId, Link> links_;
  std::optional<Pull> pull_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_EXCHANGE_H_
