// Decides with whom an agent keeps links, and whose return it watches for.
//
// Spec: gossip-design 3.1 (active neighbours), 2.10 (heal). All the living, while they are few.
// Otherwise several rings, each sorting the members by another hash of their id: one ring alone
// connects everybody, the others make the way between any two short. The rings close over those
// who are down, so that links and monitors are the living; the down ones that an agent's two
// stretches of a ring skip are its to knock at, so each of them is somebody's. Being neighbours on
// a ring is mutual: both ends agree on a link as soon as they agree on roster and liveness.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_NEIGHBOURS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_NEIGHBOURS_H_

#include <set>

#include "gossip/transport/transport.h"

namespace trellis::gossip {

struct Neighbours {
  std::set<NodeId> links;   // Living, at most `max_links`.
  std::set<NodeId> knocks;  // Down; any number of them.
};

// Of `members` without `self`; `down` are some of them. `max_links` is at least 2, odd numbers
// round down. The same on every machine. O(members * max_links).
Neighbours ChooseNeighbours(NodeId self, const std::set<NodeId>& members,
                            const std::set<NodeId>& down, int max_links);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_NEIGHBOURS_H_
