// Fetches an agent's first catalog, from several peers at once, and knows when it is whole.
//
// While the catalog is partial, every peer that is whole is asked what it holds, and up to
// kMaxLanes of them for disjoint sets of origins, each for one page at a time. Heads say how far an
// origin has come; so what a peer that goes away, or sends nothing of use, was to bring, goes on at
// another.
//
// Whole it is when two peers agree with it, or the one there is. A peer agrees whose vector and
// root are ours; or which writes on all the time, when we have held for kMoving all that it held
// when it was asked. Where nobody is whole, what all hold together after kNobodyWhole is all there
// is.
//
// Spec: docs/decisions/0018.
#ifndef TRELLIS_GOSSIP_REPLICATION_BOOTSTRAP_H_
#define TRELLIS_GOSSIP_REPLICATION_BOOTSTRAP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/replication/counters.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. With a whole catalog every method does nothing.
class Bootstrap {
 public:
  using Send = std::function<bool(NodeId, const peer::v1::Frame&)>;
  // Members of the roster but this agent.
  struct Others {
    size_t members = 0;
    size_t alive = 0;  // As far as this agent knows.
  };
  struct Progress {
    size_t entries = 0;
    uint64_t expected = 0;  // About; 0: nobody has said yet.
    size_t peers = 0;       // That sent them.

    std::string ToString() const;  // "bootstrapping: 120 of about 3000 entries from 2 peers"
  };

  // Agents that a page is under way from, and origins that one is asked for at once.
  static constexpr size_t kMaxLanes = 3;
  static constexpr size_t kMaxOrigins = 64;
  // Agents whose word is enough.
  static constexpr size_t kAgreements = 2;
  // A page, or an answer, that has not come by then is asked of another.
  static constexpr absl::Duration kPageTime = absl::Seconds(2);
  // Who sent nothing of use (its floor is another, our disk is full) is let alone for so long.
  static constexpr absl::Duration kRest = absl::Seconds(1);
  static constexpr absl::Duration kMoving = absl::Seconds(3);
  // The word of one is enough when the other members could not be reached for so long.
  static constexpr absl::Duration kLoneWord = absl::Seconds(5);
  static constexpr absl::Duration kNobodyWhole = absl::Seconds(10);

  // All borrowed; `send` as Transport::Send.
  Bootstrap(storage::Catalog& catalog, Runtime runtime, ReplicationCounters& counters, Send send,
            std::function<Others()> others);
  Bootstrap(const Bootstrap&) = delete;
  Bootstrap& operator=(const Bootstrap&) = delete;

  void AddLink(NodeId peer) {
    if (!catalog_.whole()) links_[peer] = Link();
  }
  void RemoveLink(NodeId peer);

  void OnHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat);
  void OnHoldings(NodeId peer, const peer::v1::Holdings& holdings);
  // After a page of `peer` was applied.
  void OnPage(NodeId peer, bool more);

  // Whether a peer that is whole has what is missing here: then nobody else need be asked for it.
  bool Fetching() const;
  // None: the catalog is whole.
  std::optional<Progress> progress() const;

 private:
  struct Link {
    bool heard = false;  // Its heartbeat, of which these are.
    bool whole = false;
    bool same_vector = false;
    bool same_root = false;

    std::optional<storage::VersionVector> holds;  // As it said itself.
    absl::Duration said_at;
    absl::Duration asked_at = -absl::InfiniteDuration();  // For that.

    std::map<storage::Origin, uint64_t> lane;  // What is under way, and after what; or nothing.
    absl::Duration lane_due;
    absl::Duration rests_until = -absl::InfiniteDuration();

    bool equal() const { return same_vector && same_root; }
  };

  absl::Duration Now() const { return runtime_.scheduler.MonotonicNow(); }
  void Compare(Link& link, const std::string& root, uint64_t vector_hash) const;
  void Inquire(NodeId peer, Link& link);
  bool Lacks(const Link& link) const { return !catalog_.vector().Covers(*link.holds); }

  void Fetch();
  void EndLateLanes();
  // A part of what the link has and nobody is being asked for.
  std::vector<storage::Origin> ShareOf(const Link& link) const;
  void Ask(NodeId peer, Link& link, const std::vector<storage::Origin>& origins);

  void NoteAgreement(NodeId peer, const Link& link);
  void FinishIfWhole();
  bool HasAgreement() const;
  bool NobodyIsWhole();

  storage::Catalog& catalog_;
  const Runtime runtime_;
  ReplicationCounters& counters_;
  Send send_;
  const std::function<Others()> others_;
  std::map<NodeId, Link> links_;
  std::set<NodeId> sources_;  // Whose pages brought something.
  uint64_t expected_ = 0;
  std::set<NodeId> agreed_;
  absl::Duration first_agreed_ = absl::InfiniteDuration();
  absl::Duration nobody_since_ = absl::InfiniteDuration();
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_BOOTSTRAP_H_
