#include "gossip/membership/liveness_table.h"

#include <algorithm>
#include <iterator>

#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

std::vector<NodeId> LivenessTable::SetMembers(const std::set<NodeId>& members, NodeId self) {
  for (auto it = members_.begin(); it != members_.end();) {
    if (members.count(it->first) > 0) {
      ++it;
      continue;
    }
    accused_.erase(it->first);
    down_.erase(it->first);
    it = members_.erase(it);
  }
  for (const NodeId node : members) members_.try_emplace(node);

  std::vector<NodeId> taken_over;
  for (const NodeId subject : accused_) {
    std::vector<Accusation>& accusations = members_.at(subject).accusations;
    const auto by_self = [self](const Accusation& known) { return known.accuser == self; };
    const auto gone =
        std::stable_partition(accusations.begin(), accusations.end(), [&](const Accusation& known) {
          return known.accuser == self || members.count(known.accuser) > 0;
        });
    if (gone == accusations.end()) continue;
    taken_over.push_back(subject);
    gone->accuser = self;
    const bool twice = std::any_of(accusations.begin(), gone, by_self);
    accusations.erase(twice ? gone : std::next(gone), accusations.end());
  }
  return taken_over;
}

void LivenessTable::BeginLife(NodeId subject, Member& member, const Life& life) {
  SetLiveness(subject, member, Liveness::kAlive);
  member = {.life = life};
  accused_.erase(subject);
  down_.erase(subject);
}

void LivenessTable::SetLiveness(NodeId subject, Member& member, Liveness liveness) {
  if (member.liveness == liveness) return;
  member.liveness = liveness;
  LOG(INFO) << resource::AgentName(subject) << " is " << LivenessName(liveness);
}

Heard LivenessTable::Accuse(NodeId subject, const Life& life, NodeId accuser,
                            peer::v1::Rumour::Reason reason, absl::Duration now) {
  const auto it = members_.find(subject);
  if (it == members_.end()) return Heard::kKnown;
  Member& member = it->second;
  if (life < member.life) return Heard::kOutdated;
  if (life > member.life) BeginLife(subject, member, life);
  if (member.liveness == Liveness::kDown || member.accusations.size() == kAgreeing) {
    return Heard::kKnown;
  }
  for (const Accusation& known : member.accusations) {
    if (known.accuser == accuser) return Heard::kKnown;
  }
  member.accusations.push_back({accuser, reason, now});
  SetLiveness(subject, member, Liveness::kSuspect);
  accused_.insert(subject);
  return Heard::kNews;
}

Heard LivenessTable::Revive(NodeId subject, const Life& life) {
  const auto it = members_.find(subject);
  if (it == members_.end()) return Heard::kKnown;
  Member& member = it->second;
  const bool is_accused = !member.accusations.empty();
  if (life == member.life && !is_accused) return Heard::kKnown;
  if (life <= member.life) return Heard::kOutdated;
  BeginLife(subject, member, life);
  return is_accused ? Heard::kNews : Heard::kKnown;
}

void LivenessTable::Forgive(absl::Duration now) {
  for (const NodeId node : accused_) {
    Member& member = members_.at(node);
    if (member.liveness != Liveness::kSuspect) continue;
    for (Accusation& accusation : member.accusations) accusation.at = now;
  }
}

bool LivenessTable::Judge(absl::Duration now) {
  std::vector<NodeId> fallen;
  for (const NodeId node : accused_) {
    Member& member = members_.at(node);
    if (member.liveness != Liveness::kSuspect || VerdictOn(member) > now) continue;
    SetLiveness(node, member, Liveness::kDown);
    fallen.push_back(node);
  }
  down_.insert(fallen.begin(), fallen.end());
  down_verdicts_ += fallen.size();
  return !fallen.empty();
}

absl::Duration LivenessTable::NextVerdict() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const NodeId node : accused_) {
    const Member& member = members_.at(node);
    if (member.liveness == Liveness::kSuspect) next = std::min(next, VerdictOn(member));
  }
  return next;
}

absl::Duration LivenessTable::VerdictOn(const Member& member) const {
  const absl::Duration unrefuted = member.accusations.front().at + kRefutationWindow;
  // Who could agree: the living members but for the accused, and this agent.
  const size_t living = members_.size() - down_.size();
  const size_t needed = std::min(kAgreeing, living);
  if (member.accusations.size() < needed) return unrefuted;
  return std::min(unrefuted, member.accusations[needed - 1].at + kAgreementGrace);
}

const LivenessTable::Member* LivenessTable::Find(NodeId node) const {
  const auto it = members_.find(node);
  return it == members_.end() ? nullptr : &it->second;
}

}  // namespace trellis::gossip
