#include "gossip/membership/monitor.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace trellis::gossip {

void Monitor::SetNeighbours(const std::set<NodeId>& neighbours, absl::Duration now) {
  for (auto it = watched_.begin(); it != watched_.end();) {
    it->second.neighbour = neighbours.count(it->first) > 0;
    it = it->second.neighbour || it->second.linked ? std::next(it) : watched_.erase(it);
  }
  for (const NodeId node : neighbours) {
    watched_.try_emplace(node, Watched{.heard_at = now}).first->second.neighbour = true;
  }
}

void Monitor::LinkUp(NodeId peer, absl::Duration now) {
  Watched& watched = watched_[peer];
  watched.heard_at = now;
  watched.linked = watched.heard = true;
  watched.lost = false;
  watched.accused_at.reset();
}

void Monitor::LinkDown(NodeId peer) {
  const auto it = watched_.find(peer);
  if (it == watched_.end()) return;
  it->second.linked = false;
  it->second.lost = true;
  if (!it->second.neighbour) watched_.erase(it);
}

void Monitor::Heard(NodeId peer, absl::Duration now) {
  const auto it = watched_.find(peer);
  if (it == watched_.end()) return;
  it->second.heard_at = now;
  it->second.accused_at.reset();
}

void Monitor::Forgive(absl::Duration now) {
  for (auto& [node, watched] : watched_) watched.heard_at = now;
}

void Monitor::WasWrong(absl::Duration now) {
  mistakes_ = std::min(mistakes_ + 1, kMaxMistakes);
  last_mistake_ = now;
}

std::vector<NodeId> Monitor::TakeSilent(absl::Duration now) {
  if (mistakes_ > 0 && now - last_mistake_ >= kAtonement) {
    --mistakes_;
    last_mistake_ = now;
  }
  absl::Duration patience = kPatience + mistakes_ * kMorePatience;
  const bool sick = Sick(now);
  // It was ours that was cut off: what the others could not be heard to say meanwhile is not theirs.
  if (std::exchange(was_sick_, sick) && !sick) Forgive(now);
  if (sick) patience *= kSickPatience;
  std::vector<NodeId> silent;
  for (auto& [node, watched] : watched_) {
    if (now - watched.heard_at < patience) continue;
    if (watched.accused_at && now - *watched.accused_at < kRepeat) continue;
    watched.accused_at = now;
    silent.push_back(node);
  }
  return silent;
}

bool Monitor::Sick(absl::Duration now) const {
  size_t missing = 0;
  for (const auto& [node, watched] : watched_) missing += now - watched.heard_at >= kMissing;
  // One alone is as likely to be gone as we are to be deaf, however few there are.
  return missing > 1 && 2 * missing >= watched_.size();
}

bool Monitor::TakeLost(NodeId peer) {
  const auto it = watched_.find(peer);
  return it != watched_.end() && std::exchange(it->second.lost, false);
}

std::optional<absl::Duration> Monitor::SinceHeard(NodeId peer, absl::Duration now) const {
  const auto it = watched_.find(peer);
  if (it == watched_.end() || !it->second.heard) return std::nullopt;
  return now - it->second.heard_at;
}

}  // namespace trellis::gossip
