#include "gossip/membership/beat_table.h"

#include <iterator>
#include <tuple>

namespace trellis::gossip {

bool IsNewer(const peer::v1::Beat& a, const peer::v1::Beat& b) {
  return std::make_tuple(a.boot(), a.counter()) > std::make_tuple(b.boot(), b.counter());
}

void BeatTable::SetMembers(const std::set<NodeId>& members) {
  for (auto it = members_.begin(); it != members_.end();) {
    it = members.count(it->first) > 0 ? std::next(it) : members_.erase(it);
  }
  for (const NodeId node : members) members_.try_emplace(node);
}

bool BeatTable::Merge(const peer::v1::Beat& beat) {
  const auto it = members_.find(beat.node());
  if (it == members_.end()) return false;
  Member& member = it->second;
  if (member.beat.node() != 0 && !IsNewer(beat, member.beat)) return false;
  member.beat = beat;
  member.holds = storage::VersionVector::FromProto(beat.holds());
  member.enforces = storage::VersionVector::FromProto(beat.enforces());
  return true;
}

}  // namespace trellis::gossip
