#include "gossip/membership/neighbours.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
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

// Clockwise from `from`, is `place` met before `to`?
bool IsBetween(const Place& from, const Place& place, const Place& to) {
  if (from < to) return from < place && place < to;
  return from < place || place < to;
}

// Adds the living just before and just after `self` on the ring, and the down ones on the way.
void AddRingNeighbours(NodeId self, const std::set<NodeId>& members, const std::set<NodeId>& down,
                       int ring, Neighbours& neighbours) {
  const Place mine = PlaceOnRing(self, ring);
  std::optional<Place> before, after, first, last;
  for (const NodeId member : members) {
    if (member == self || down.count(member) > 0) continue;
    const Place place = PlaceOnRing(member, ring);
    if (!first || place < *first) first = place;
    if (!last || place > *last) last = place;
    if (place < mine && (!before || place > *before)) before = place;
    if (place > mine && (!after || place < *after)) after = place;
  }
  if (!first) return;
  if (!before) before = last;
  if (!after) after = first;
  neighbours.links.insert(before->second);
  neighbours.links.insert(after->second);
  for (const NodeId member : down) {
    const Place place = PlaceOnRing(member, ring);
    if (IsBetween(*before, place, mine) || IsBetween(mine, place, *after)) {
      neighbours.knocks.insert(member);
    }
  }
}

}  // namespace

Neighbours ChooseNeighbours(NodeId self, const std::set<NodeId>& members,
                            const std::set<NodeId>& down, int max_links) {
  max_links = std::max(max_links, 2);
  const size_t living = members.size() - members.count(self) - down.size();
  Neighbours neighbours;
  if (living <= static_cast<size_t>(max_links)) {
    std::set_difference(members.begin(), members.end(), down.begin(), down.end(),
                        std::inserter(neighbours.links, neighbours.links.end()));
    neighbours.links.erase(self);
    neighbours.knocks = down;
    return neighbours;
  }
  for (int ring = 0; ring < max_links / 2; ++ring) {
    AddRingNeighbours(self, members, down, ring, neighbours);
  }
  return neighbours;
}

}  // namespace trellis::gossip
