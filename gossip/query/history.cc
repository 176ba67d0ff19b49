#include "gossip/query/history.h"

#include <algorithm>

namespace trellis::gossip {

void History::Add(const storage::v1::Delta& delta, storage::NodeId from, absl::Time now) {
  const storage::Origin origin = storage::Origin::FromProto(delta.origin());
  for (const storage::v1::Entry& entry : delta.entries()) {
    const Key key(origin, entry.sequence());
    const auto [item, is_new] =
        items_.try_emplace(key, Item{storage::Version::FromProto(entry.version()), from, now});
    if (!is_new) continue;
    oldest_first_.push_back(key);
    not_enforced_.push_back(key);
    if (oldest_first_.size() > kMaxRemembered) {
      items_.erase(oldest_first_.front());
      oldest_first_.pop_front();
    }
    if (not_enforced_.size() > kMaxRemembered) not_enforced_.pop_front();
  }
}

void History::SetEnforced(const storage::VersionVector& vector, absl::Time now) {
  const auto enforced = [&](const Key& key) { return vector.head(key.first) >= key.second; };
  for (const Key& key : not_enforced_) {
    const auto item = items_.find(key);
    if (item != items_.end() && enforced(key)) item->second.enforced = now;
  }
  not_enforced_.erase(std::remove_if(not_enforced_.begin(), not_enforced_.end(), enforced),
                      not_enforced_.end());
}

const History::Item* History::Find(const storage::Origin& origin, uint64_t sequence) const {
  const auto item = items_.find({origin, sequence});
  return item == items_.end() ? nullptr : &item->second;
}

const History::Item* History::Find(const storage::Version& version) const {
  for (const auto& [key, item] : items_) {
    if (item.version == version) return &item;
  }
  return nullptr;
}

absl::Duration History::EnforcedAfter(const storage::VersionVector& vector) const {
  absl::Time committed = absl::InfinitePast();
  absl::Time enforced = absl::InfinitePast();
  for (const auto& [origin, head] : vector.heads()) {
    const Item* const item = Find(origin, head);
    if (item == nullptr) continue;
    committed = std::max(committed, item->version.time());
    enforced = std::max(enforced, item->enforced);
  }
  if (committed == absl::InfinitePast()) return absl::InfiniteDuration();
  // Two hosts' clocks may disagree by more than a write takes.
  return std::max(enforced - committed, absl::ZeroDuration());
}

}  // namespace trellis::gossip
