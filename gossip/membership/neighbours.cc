#include "gossip/membership/neighbours.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace trellis::gossip {
namespace {

// A place on a ring; the id breaks ties between equal hashes.
using Place = std::pair<uint64_t, NodeId>;

// splitmix64's finalizer: fixed for ever, because all agents must agree on it.
uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Place PlaceOnRing(NodeId node, int ring) {
  return {Mix(node + static_cast<uint64_t>(ring + 1) * 0x9e3779b97f4a7c15), node};
}

// Adds those just before and just after `self` on the ring.
void AddRingNeighbours(NodeId self, const std::set<NodeId>& members, int ring,
                       std::set<NodeId>& neighbours) {
  const Place mine = PlaceOnRing(self, ring);
  std::optional<Place> before, after, first, last;
  for (const NodeId member : members) {
    if (member == self) continue;
    const Place place = PlaceOnRing(member, ring);
    if (!first || place < *first) first = place;
    if (!last || place > *last) last = place;
    if (place < mine && (!before || place > *before)) before = place;
    if (place > mine && (!after || place < *after)) after = place;
  }
  if (!first) return;
  neighbours.insert(before.value_or(*last).second);
  neighbours.insert(after.value_or(*first).second);
}

}  // namespace

std::vector<NodeId> ChooseNeighbours(NodeId self, const std::set<NodeId>& members,
                                     int max_neighbours) {
  max_neighbours = std::max(max_neighbours, 2);
  const size_t others = members.size() - members.count(self);
  std::set<NodeId> neighbours;
  if (others <= static_cast<size_t>(max_neighbours)) {
    neighbours = members;
    neighbours.erase(self);
  } else {
    for (int ring = 0; ring < max_neighbours / 2; ++ring) {
      AddRingNeighbours(self, members, ring, neighbours);
    }
  }
  return {neighbours.begin(), neighbours.end()};
}

}  // namespace trellis::gossip
