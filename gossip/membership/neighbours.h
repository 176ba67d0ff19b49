// Decides with whom an agent keeps links.
//
// Spec: gossip-design 3.1 (active neighbours). All, while they are few. Otherwise several rings,
// each sorting the members by another hash of their id: one ring alone connects everybody, the
// others are the chords that make the way between any two short. Being somebody's neighbour on a
// ring is mutual, so both ends agree on a link as soon as they agree on the roster; and one member
// more or less changes at most two links of each ring.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_NEIGHBOURS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_NEIGHBOURS_H_

#include <set>
#include <vector>

#include "gossip/transport/transport.h"

namespace trellis::gossip {

// At most `max_neighbours` (at least 2, odd numbers round down) of `members` without `self`, by
// node id. The same on every machine. O(members * max_neighbours).
std::vector<NodeId> ChooseNeighbours(NodeId self, const std::set<NodeId>& members,
                                     int max_neighbours);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_NEIGHBOURS_H_
