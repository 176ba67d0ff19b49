#include "gossip/health/shard_table.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

constexpr absl::Duration kNow = absl::Seconds(100);

Shard ShardOf(NodeId checker, ShardVersion version, const std::vector<uint64_t>& lists = {},
              size_t bytes = 100) {
  Shard shard{.origin = {checker, 7}, .version = version};
  for (const uint64_t list : lists) shard.lists.emplace_back(list, 1);
  shard.message.set_shard(std::string(bytes, 's'));
  return shard;
}

TEST(ShardTableTest, TheNewestOfEachCheckerStands) {
  ShardTable table;
  EXPECT_TRUE(table.Take(ShardOf(1, {5, 3}), kNow));
  EXPECT_TRUE(table.Take(ShardOf(2, {1, 1}), kNow));
  EXPECT_FALSE(table.Take(ShardOf(1, {5, 3}), kNow)) << "again";
  EXPECT_FALSE(table.Take(ShardOf(1, {5, 2}), kNow)) << "an earlier count";
  EXPECT_FALSE(table.Take(ShardOf(1, {4, 9}), kNow)) << "an earlier process";
  EXPECT_TRUE(table.Take(ShardOf(1, {5, 4}), kNow));
  EXPECT_TRUE(table.Take(ShardOf(1, {6, 1}), kNow)) << "a later process counts anew";
  EXPECT_EQ(table.VersionOf(1), (ShardVersion{6, 1}));
  EXPECT_EQ(table.VersionOf(2), (ShardVersion{1, 1}));
  EXPECT_EQ(table.VersionOf(3), ShardVersion());
  EXPECT_EQ(table.shards().size(), 2u);
}

TEST(ShardTableTest, KnowsWhoSaysSomethingOfAList) {
  ShardTable table;
  table.Take(ShardOf(1, {1, 1}, {10, 20}), kNow);
  table.Take(ShardOf(2, {1, 1}, {20}), kNow);
  EXPECT_EQ(table.Saying(10).size(), 1u);
  EXPECT_EQ(table.Saying(20).size(), 2u);
  EXPECT_TRUE(table.Saying(30).empty());
  table.Take(ShardOf(1, {1, 2}, {30}), kNow);
  EXPECT_TRUE(table.Saying(10).empty());
  ASSERT_EQ(table.Saying(20).size(), 1u);
  EXPECT_EQ(table.Saying(20)[0]->checker(), 2u);
  EXPECT_EQ(table.Saying(30).size(), 1u);
}

TEST(ShardTableTest, SumsAreEqualWhenAllVersionsAre) {
  ShardTable one, other;
  one.Take(ShardOf(1, {1, 1}), kNow);
  one.Take(ShardOf(17, {1, 1}), kNow);
  other.Take(ShardOf(17, {1, 1}), kNow);
  other.Take(ShardOf(1, {1, 0}), kNow);
  EXPECT_NE(one.SumsWithout({}), other.SumsWithout({}));
  EXPECT_EQ(one.SumsWithout({1}), other.SumsWithout({1, 99})) << "but for the one that differs";
  other.Take(ShardOf(1, {1, 1}), kNow);
  EXPECT_EQ(one.SumsWithout({}), other.SumsWithout({}));
  EXPECT_EQ(one.SumsWithout({1, 17}), ShardTable::Sums());
}

TEST(ShardTableTest, ABucketTellsWhenItChanged) {
  ShardTable table;
  table.Take(ShardOf(1, {1, 1}), kNow);
  table.Take(ShardOf(1, {1, 1}), kNow + absl::Seconds(1));
  EXPECT_EQ(table.ChangedAt(1), kNow) << "what is known changes nothing";
  EXPECT_EQ(table.ChangedAt(2), absl::ZeroDuration());
}

TEST(ShardTableTest, WhoIsDownForFifteenSecondsIsForgotten) {
  ShardTable table;
  table.Take(ShardOf(1, {1, 1}, {10}), kNow);
  table.Take(ShardOf(2, {1, 1}, {10}), kNow);
  const auto down = [](NodeId checker) { return checker == 1; };
  const auto nobody = [](NodeId) { return false; };
  table.Expire(down, kNow);
  table.Expire(down, kNow + absl::Seconds(14));
  EXPECT_EQ(table.shards().size(), 2u);
  table.Expire(nobody, kNow + absl::Seconds(14.5));
  table.Expire(down, kNow + absl::Seconds(15));
  EXPECT_EQ(table.shards().size(), 2u) << "back in between";
  table.Expire(down, kNow + absl::Seconds(30));
  EXPECT_EQ(table.Find(1), nullptr);
  EXPECT_NE(table.Find(2), nullptr);
  EXPECT_EQ(table.Saying(10).size(), 1u);
}

TEST(ShardTableTest, IsBounded) {
  ShardTable table;
  NodeId checker = 1;
  while (table.Take(ShardOf(checker, {1, 1}, {}, kMaxShardBytes), kNow)) ++checker;
  EXPECT_LE(checker, ShardTable::kMaxBytes / kMaxShardBytes + 1);
  EXPECT_GE(checker, ShardTable::kMaxBytes / kMaxShardBytes - 1);
  EXPECT_TRUE(table.Take(ShardOf(1, {1, 2}, {}, kMaxShardBytes), kNow)) << "in its own place";
  EXPECT_TRUE(table.Take(ShardOf(1, {1, 3}, {}, 10), kNow));
  EXPECT_TRUE(table.Take(ShardOf(checker, {1, 1}, {}, kMaxShardBytes - 20), kNow)) << "room again";
}

}  // namespace
}  // namespace trellis::gossip
