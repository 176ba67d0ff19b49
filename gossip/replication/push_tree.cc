#include "gossip/replication/push_tree.h"

namespace trellis::gossip {

bool PushTree::IsEager(const storage::Origin& origin, NodeId link) const {
  const auto branches = origins_.find(origin);
  return branches == origins_.end() || branches->second.lazy.count(link) == 0;
}

void PushTree::CameFirst(const storage::Origin& origin, NodeId link) {
  Branches& branches = Of(origin);
  branches.parent = link;
  branches.lazy.erase(link);
}

bool PushTree::CameAgain(const storage::Origin& origin, NodeId link) {
  Branches& branches = Of(origin);
  if (branches.parent == link) return false;
  branches.lazy.insert(link);
  return true;
}

void PushTree::Prune(const storage::Origin& origin, NodeId link) { Of(origin).lazy.insert(link); }

void PushTree::Graft(const storage::Origin& origin, NodeId link) { Of(origin).lazy.erase(link); }

void PushTree::RemoveLink(NodeId link) {
  for (auto& [origin, branches] : origins_) {
    branches.lazy.erase(link);
    if (branches.parent == link) branches.parent = 0;
  }
}

PushTree::Branches& PushTree::Of(const storage::Origin& origin) {
  Branches& branches = origins_[origin];
  by_use_.erase(branches.used);
  branches.used = ++uses_;
  by_use_[branches.used] = origin;
  if (origins_.size() > kMaxOrigins) {
    origins_.erase(by_use_.begin()->second);
    by_use_.erase(by_use_.begin());
  }
  return branches;
}

}  // namespace trellis::gossip
