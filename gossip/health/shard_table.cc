#include "gossip/health/shard_table.h"

#include <utility>

namespace trellis::gossip {
namespace {

// splitmix64's finalizer: agents compare the sums of these.
uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint32_t ShareOf(const Shard& shard) {
  const uint64_t version = Mix(shard.version.boot + Mix(shard.version.counter));
  return static_cast<uint32_t>(Mix(shard.checker() + version));
}

}  // namespace

bool ShardTable::Take(Shard shard, absl::Duration now) {
  const NodeId checker = shard.checker();
  const Shard* const held = Find(checker);
  const size_t freed = held == nullptr ? 0 : held->message.ByteSizeLong();
  const size_t added = shard.message.ByteSizeLong();
  if (held != nullptr && held->version >= shard.version) return false;
  if (bytes_ - freed + added > kMaxBytes) return false;
  Forget(checker, now);
  bytes_ += added;
  sums_[BucketOf(checker)] += ShareOf(shard);
  Index(shards_[checker] = std::move(shard));
  return true;
}

void ShardTable::Index(const Shard& shard) {
  for (const routing::OpinionList& list : shard.lists) {
    saying_[list.identity()].insert(shard.checker());
  }
}

void ShardTable::Forget(NodeId checker, absl::Duration now) {
  changed_at_[BucketOf(checker)] = now;
  down_since_.erase(checker);
  const auto held = shards_.find(checker);
  if (held == shards_.end()) return;
  for (const routing::OpinionList& list : held->second.lists) {
    const auto saying = saying_.find(list.identity());
    saying->second.erase(checker);
    if (saying->second.empty()) saying_.erase(saying);
  }
  bytes_ -= held->second.message.ByteSizeLong();
  sums_[BucketOf(checker)] -= ShareOf(held->second);
  shards_.erase(held);
}

const Shard* ShardTable::Find(NodeId checker) const {
  const auto held = shards_.find(checker);
  return held == shards_.end() ? nullptr : &held->second;
}

ShardVersion ShardTable::VersionOf(NodeId checker) const {
  const Shard* const held = Find(checker);
  return held == nullptr ? ShardVersion() : held->version;
}

std::vector<const Shard*> ShardTable::Saying(uint64_t identity) const {
  std::vector<const Shard*> shards;
  const auto saying = saying_.find(identity);
  if (saying == saying_.end()) return shards;
  for (const NodeId checker : saying->second) shards.push_back(Find(checker));
  return shards;
}

ShardTable::Sums ShardTable::SumsWithout(const std::set<NodeId>& without) const {
  Sums sums = sums_;
  for (const NodeId checker : without) {
    if (const Shard* const held = Find(checker)) sums[BucketOf(checker)] -= ShareOf(*held);
  }
  return sums;
}

void ShardTable::Expire(absl::FunctionRef<bool(NodeId checker)> is_down, absl::Duration now) {
  std::vector<NodeId> expired;
  for (const auto& [checker, shard] : shards_) {
    if (!is_down(checker)) {
      down_since_.erase(checker);
    } else if (now - down_since_.try_emplace(checker, now).first->second >= kExpiry) {
      expired.push_back(checker);
    }
  }
  for (const NodeId checker : expired) Forget(checker, now);
}

}  // namespace trellis::gossip
