// Along which links writes are pushed, for each origin: a spanning tree that the writes themselves
// draw.
//
// All links begin eager. A write that comes by two links prunes the later one, for writes of that
// origin; what a pruned (lazy) link would have carried is announced there. A request for what was
// announced makes the link eager again.
//
// Spec: docs/decisions/0012 (Plumtree, one tree an origin).
#ifndef TRELLIS_GOSSIP_REPLICATION_PUSH_TREE_H_
#define TRELLIS_GOSSIP_REPLICATION_PUSH_TREE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "gossip/transport/transport.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class PushTree {
 public:
  // Of more origins than this, those that wrote least recently have all their links eager again.
  static constexpr size_t kMaxOrigins = 1024;

  bool IsEager(const storage::Origin& origin, NodeId link) const;

  // A write of the origin came by this link before any other: it stays eager.
  void CameFirst(const storage::Origin& origin, NodeId link);
  // One came that was here already. True when the link is to be pruned, and is from now on; false
  // for the link by which they come first.
  bool CameAgain(const storage::Origin& origin, NodeId link);

  // The other end asks for it.
  void Prune(const storage::Origin& origin, NodeId link);
  // Either end has asked for what was announced.
  void Graft(const storage::Origin& origin, NodeId link);

  void RemoveLink(NodeId link);

  // Of which branches are remembered: at most kMaxOrigins.
  size_t origins() const { return origins_.size(); }

 private:
  struct Branches {
    NodeId parent = 0;      // By which the newest write came first; 0: none did.
    std::set<NodeId> lazy;  // At most all links.
    uint64_t used = 0;
  };

  Branches& Of(const storage::Origin& origin);

  std::map<storage::Origin, Branches> origins_;
  std::map<uint64_t, storage::Origin> by_use_;  // Least recently used first.
  uint64_t uses_ = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_PUSH_TREE_H_
