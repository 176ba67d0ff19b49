// Keeps this agent's catalog equal to its peers'.
//
// Three ways, each enough alone to repair the one before:
//   push      a new transaction goes at once down its origin's tree (push_tree.h);
//   announce  links beside the tree are told of it, and ask for what does not come (announcer.h,
//             fetcher.h); what is missing before a push is asked for at once;
//   exchange  agents whose heartbeats differ compare their vectors (exchange.h).
//
// A catalog that begins empty is fetched from several peers at once (bootstrap.h).
//
// Nothing is kept out of order: a push after a gap is dropped and the gap asked for. A transaction
// is passed on when it is verified and applied in memory, before it is synced to disk.
//
// Spec: docs/decisions/0012; gossip-design 3.2, 3.4.
#ifndef TRELLIS_GOSSIP_REPLICATION_REPLICATOR_H_
#define TRELLIS_GOSSIP_REPLICATION_REPLICATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/runtime/runtime.h"
#include "gossip/load.h"
#include "gossip/replication/announcer.h"
#include "gossip/replication/bootstrap.h"
#include "gossip/replication/counters.h"
#include "gossip/replication/exchange.h"
#include "gossip/replication/fetcher.h"
#include "gossip/replication/push_tree.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. A status other than OK from the On… methods means that the
// peer sent what no honest peer sends: the caller closes the link.
class Replicator {
 public:
  // May be called until the replicator is destroyed.
  using Send = std::function<bool(NodeId, const peer::v1::Frame&)>;

  // Of what others wrote, more than this at once is announced and not pushed: so much comes where
  // agents have been apart, where no tree has grown yet and each would get it from all.
  static constexpr size_t kBulkBytes = 64 << 10;

  // The catalog and runtime are borrowed; `send` as Transport::Send.
  Replicator(NodeId self, storage::Catalog& catalog, Runtime runtime, Send send,
             std::function<Bootstrap::Others()> others);
  Replicator(const Replicator&) = delete;
  Replicator& operator=(const Replicator&) = delete;

  // A peer that said Hello.
  void AddLink(NodeId peer);
  void RemoveLink(NodeId peer);

  absl::Status OnPush(NodeId from, const peer::v1::Push& push);
  void OnAnnounce(NodeId from, const peer::v1::Announce& announce);
  void OnRequest(NodeId from, const peer::v1::Request& request);
  void OnPrune(NodeId from, const peer::v1::Prune& prune);
  void OnDigest(NodeId from, const peer::v1::Digest& digest) { exchange_.OnDigest(from, digest); }
  absl::Status OnDeltas(NodeId from, const peer::v1::Deltas& deltas);
  void OnCompare(NodeId from, const peer::v1::Compare& compare) {
    exchange_.OnCompare(from, compare);
  }
  void OnInquiry(NodeId from);
  void OnHoldings(NodeId from, const peer::v1::Holdings& holdings);
  // The peer at the other end of a link says what it holds.
  void OnHeartbeat(NodeId peer, const peer::v1::Heartbeat& heartbeat);

  // Whose transaction the catalog is taking in at this moment; this agent itself when none is.
  NodeId applying_from() const { return applying_from_; }

  // To be called for each new transaction, local or received (Catalog::SubscribeDeltas).
  void OnTransaction(const storage::v1::Delta& delta);

  const ReplicationCounters& counters() const { return counters_; }
  // What is kept for later, and its bounds.
  std::vector<Load> loads() const;
  // None: the catalog is whole.
  std::optional<Bootstrap::Progress> bootstrapping() const { return bootstrap_.progress(); }
  // Gossip::CatchingUp.
  bool catching_up() const { return exchange_.more_to_come(); }

  // Whether the origin's writes are pushed on the link, rather than announced.
  bool IsEager(const storage::Origin& origin, NodeId link) const {
    return tree_.IsEager(origin, link);
  }

 private:
  enum class Outcome { kApplied, kGap, kRefused };

  // Not OK: no honest peer sent it.
  absl::StatusOr<Outcome> Apply(NodeId from, const storage::v1::Delta& delta);
  absl::Status ApplyPushed(NodeId from, const storage::v1::Delta& delta);
  void Ask(NodeId from, const storage::Origin& origin, uint64_t after, uint64_t up_to);
  void SendRange(NodeId to, const storage::Origin& origin, uint64_t after);
  void SendPart(NodeId to, const peer::v1::Request& request);
  // Passes `fresh_` on along each origin's tree, and announces it beside.
  void PassOn(NodeId except);
  void PassOnTo(NodeId link, const std::vector<storage::v1::Delta>& fresh, bool bulk);
  void AnnounceTo(NodeId link, const storage::v1::Delta& delta);
  void PushOrAnnounce(NodeId link, peer::v1::Frame frame);

  const NodeId self_;
  storage::Catalog& catalog_;
  Send send_;
  ReplicationCounters counters_;
  std::set<NodeId> links_;
  PushTree tree_;
  Announcer announcer_;
  Bootstrap bootstrap_;
  Exchange exchange_;
  Fetcher fetcher_;
  NodeId applying_from_;  // self_: nobody's.
  std::vector<storage::v1::Delta>
      fresh_;  // New since the frame being handled began: bounded by it.
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_REPLICATOR_H_
