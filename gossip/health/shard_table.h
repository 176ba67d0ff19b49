// The newest shard of each checker, and who says something of which list.
//
// In memory only. A shard about lists this agent does not know is held like any other: whoever asks
// for a list later finds it.
#ifndef TRELLIS_GOSSIP_HEALTH_SHARD_TABLE_H_
#define TRELLIS_GOSSIP_HEALTH_SHARD_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "gossip/health/shard.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. `now` is the scheduler's monotonic time.
class ShardTable {
 public:
  static constexpr int kBuckets = 16;
  // Of all shards together; what would go beyond is not taken.
  static constexpr size_t kMaxBytes = 64 << 20;
  // A shard is forgotten when its checker was down for so long. It says nothing from the first
  // moment on.
  static constexpr absl::Duration kExpiry = absl::Seconds(15);

  using Sums = std::array<uint32_t, kBuckets>;

  static int BucketOf(NodeId checker) { return static_cast<int>(checker % kBuckets); }

  // The shard is verified. False: what is held is as new, or there is no room.
  bool Take(Shard shard, absl::Duration now);

  // Null: none.
  const Shard* Find(NodeId checker) const;
  // {}: none.
  ShardVersion VersionOf(NodeId checker) const;
  const std::map<NodeId, Shard>& shards() const { return shards_; }
  // Who has an opinion list of that identity.
  std::vector<const Shard*> Saying(uint64_t identity) const;

  // Over all shards but those of `without`, by bucket: equal when all versions are.
  Sums SumsWithout(const std::set<NodeId>& without) const;
  // When a shard of the bucket was last taken or forgotten.
  absl::Duration ChangedAt(int bucket) const { return changed_at_[bucket]; }

  // Looks who is down, and forgets the shards of those who have been for kExpiry.
  void Expire(absl::FunctionRef<bool(NodeId checker)> is_down, absl::Duration now);

 private:
  void Index(const Shard& shard);
  void Forget(NodeId checker, absl::Duration now);

  std::map<NodeId, Shard> shards_;
  size_t bytes_ = 0;
  absl::flat_hash_map<uint64_t, std::set<NodeId>> saying_;  // By identity of a list.
  Sums sums_ = {};
  std::array<absl::Duration, kBuckets> changed_at_;
  std::map<NodeId, absl::Duration> down_since_;  // Of checkers with a shard.
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_HEALTH_SHARD_TABLE_H_
