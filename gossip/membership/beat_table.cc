#include "gossip/membership/beat_table.h"

#include <iterator>
#include <tuple>

#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

bool IsNewer(const peer::v1::Beat& a, const peer::v1::Beat& b) {
  return std::make_tuple(a.boot(), a.counter()) > std::make_tuple(b.boot(), b.counter());
}

void BeatTable::SetMembers(const std::map<NodeId, std::string>& members) {
  for (auto it = members_.begin(); it != members_.end();) {
    it = members.count(it->first) > 0 ? std::next(it) : members_.erase(it);
  }
  for (const auto& [node, address] : members) members_.try_emplace(node);
}

bool BeatTable::Merge(const peer::v1::Beat& beat, absl::Duration now) {
  const auto it = members_.find(beat.node());
  if (it == members_.end()) return false;
  Member& member = it->second;
  if (member.beat.node() != 0 && !IsNewer(beat, member.beat)) return false;
  member.beat = beat;
  member.holds = storage::VersionVector::FromProto(beat.holds());
  member.enforces = storage::VersionVector::FromProto(beat.enforces());
  member.heard_at = now;
  if (member.link_lost_at && now - *member.link_lost_at > kUnderWayMost) {
    member.link_lost_at.reset();
  }
  return true;
}

void BeatTable::LinkLost(NodeId node, absl::Duration now) {
  const auto it = members_.find(node);
  if (it != members_.end()) it->second.link_lost_at = now;
}

bool BeatTable::Judge(absl::Duration now) {
  bool changed = false;
  for (auto& [node, member] : members_) {
    const Liveness verdict = Verdict(member, now);
    if (verdict == member.liveness) continue;
    LOG(INFO) << resource::AgentName(node) << " is " << LivenessName(verdict);
    member.liveness = verdict;
    changed = true;
  }
  return changed;
}

Liveness BeatTable::Verdict(const Member& member, absl::Duration now) const {
  if (member.beat.node() == 0) return Liveness::kDown;
  const absl::Duration silence = now - member.heard_at;
  if (silence >= limits_.down_after) return Liveness::kDown;
  if (silence >= limits_.suspect_after || member.link_lost_at) return Liveness::kSuspect;
  return Liveness::kAlive;
}

}  // namespace trellis::gossip
