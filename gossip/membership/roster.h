// Who belongs to the mesh, and where they are.
//
// The roster is configuration: the Agent resources of the catalog. While the catalog is partial,
// the peers that this agent was told of (seeds) stand in for records that have not come yet. Once it
// is whole, who has no record is no member: were seeds members for life, an agent whose admission was
// lost would belong to the mesh for some and not for others, who would never agree on whom it accuses.
// An agent whose record was deleted is evicted, for good: its record's tombstone outlives any seed.
//
// Spec: gossip-design 3.1 (roster versus liveness), 2.8 (eviction).
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_ROSTER_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_ROSTER_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Roster {
 public:
  // The catalog is borrowed.
  Roster(NodeId self, std::vector<PeerAddress> seeds, const storage::Catalog& catalog);

  // Reads the catalog again. True when a member came, went or moved.
  bool Refresh();

  // Mesh addresses by node id; without this agent itself.
  const std::map<NodeId, std::string>& members() const { return members_; }
  std::set<NodeId> nodes() const;
  // Adds the addresses of those of `nodes` that are members.
  void AddAddresses(const std::set<NodeId>& nodes, std::vector<PeerAddress>* addresses) const;

  // OK for a member.
  //   PERMISSION_DENIED  evicted, or this agent's own id
  //   NOT_FOUND          unknown
  absl::Status Admits(NodeId peer) const;

 private:
  const NodeId self_;
  const std::vector<PeerAddress> seeds_;
  const storage::Catalog& catalog_;
  std::map<NodeId, std::string> members_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_ROSTER_H_
