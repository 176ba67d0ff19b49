// Keeps this agent's catalog equal to its peers'.
//
// Three ways, each enough alone to repair the one before:
//   push    every new transaction goes at once to all links whose peer is not known to hold it;
//   digest  each interval one random peer, each new link, and whoever shows a gap, is told what we
//           hold; it answers with what we lack, in pages, and asks in turn for what it lacks;
//   repair  when two agents hold equal vectors and yet different roots, each sends all it has.
// Only one peer at a time is asked for pages, so a late joiner does not get everything from all.
//
// Nothing is buffered out of order: a push after a gap is dropped and the gap asked for.
//
// Spec: gossip-design 3.2 (push, first version: to all links, no tree), 3.4 (anti-entropy).
#ifndef TRELLIS_GOSSIP_REPLICATION_REPLICATOR_H_
#define TRELLIS_GOSSIP_REPLICATION_REPLICATOR_H_

#include <map>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. A status other than OK from the On… methods means that the
// peer sent what no honest peer sends: the caller closes the link.
class Replicator {
 public:
  using Send = absl::AnyInvocable<bool(NodeId, const peer::v1::Frame&)>;

  // Deltas and pushes are cut at about this, well below kMaxFrameBytes.
  static constexpr size_t kPageBytes = 512 << 10;
  // Between two repairs of everything with the same peer.
  static constexpr absl::Duration kRepairInterval = absl::Seconds(10);

  // The catalog and runtime are borrowed; `send` as Transport::Send.
  Replicator(NodeId self, absl::Duration digest_interval, storage::Catalog& catalog,
             Runtime runtime, Send send);
  ~Replicator();
  Replicator(const Replicator&) = delete;
  Replicator& operator=(const Replicator&) = delete;

  void Start();

  // A peer that said Hello.
  void AddLink(NodeId peer);
  void RemoveLink(NodeId peer);

  absl::Status OnPush(NodeId from, const peer::v1::Push& push);
  absl::Status OnDigest(NodeId from, const peer::v1::Digest& digest);
  absl::Status OnDeltas(NodeId from, const peer::v1::Deltas& deltas);
  // The peer at the other end of a link says (in its beat) what it holds.
  void OnPeerHolds(NodeId peer, const storage::VersionVector& holds);

  // Whose transaction the catalog is taking in at this moment; this agent itself when none is.
  NodeId applying_from() const { return applying_from_; }

  // To be called for each new transaction, local or received (Catalog::SubscribeDeltas).
  void OnTransaction(const storage::v1::Delta& delta);

 private:
  struct Link {
    storage::VersionVector known;  // What the peer is known to hold.
    int divergences = 0;           // Sightings in a row of an equal vector with another root.
    absl::Duration repaired_at = -absl::InfiniteDuration();
  };
  // Pages being asked for, from one peer.
  struct Pull {
    NodeId from = 0;
    absl::Duration deadline;
    // Of a repair: how far it has come. None: an ordinary pull, which has come as far as we hold.
    std::optional<storage::VersionVector> repair;
  };

  void Tick();
  peer::v1::Frame MakeDigest(bool answer) const;
  void StartPull(NodeId from, bool answer);
  void StartRepair(NodeId from, Link& link);
  void ContinuePull();
  // Asks some peer known to hold what we lack, unless somebody is being asked already.
  void PullIfBehind();
  bool Pulling();
  bool Behind(const Link& link) const { return !catalog_.vector().Covers(link.known); }

  // Applies what is new; sets *gap when something before a delta is missing.
  absl::Status Apply(NodeId from, const storage::v1::Delta& delta, bool* gap);
  void SendPage(NodeId to, const storage::VersionVector& after);
  void NoteDivergence(NodeId from, Link& link, bool tell);
  // Pushes `fresh_` to all who are not known to hold it.
  void PushFresh(NodeId except);

  const NodeId self_;
  const absl::Duration digest_interval_;
  storage::Catalog& catalog_;
  const Runtime runtime_;
  Send send_;
  std::map<NodeId, Link> links_;
  std::optional<Pull> pull_;
  NodeId applying_from_;  // self_: nobody's.
  std::vector<storage::v1::Delta>
      fresh_;  // New since the frame being handled began: bounded by it.
  Scheduler::TimerId tick_timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_REPLICATOR_H_
