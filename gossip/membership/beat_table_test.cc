#include "gossip/membership/beat_table.h"

#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

constexpr NodeId kPeer = 7;

peer::v1::Beat MakeBeat(uint64_t boot, uint64_t counter) {
  peer::v1::Beat beat;
  beat.set_node(kPeer);
  beat.set_boot(boot);
  beat.set_counter(counter);
  return beat;
}

TEST(BeatTableTest, OnlyANewerBootOrCounterIsNews) {
  BeatTable table;
  table.SetMembers({kPeer});
  EXPECT_TRUE(table.Merge(MakeBeat(5, 5)));
  EXPECT_FALSE(table.Merge(MakeBeat(5, 5)));
  EXPECT_FALSE(table.Merge(MakeBeat(5, 4)));
  EXPECT_FALSE(table.Merge(MakeBeat(4, 9)));
  EXPECT_TRUE(table.Merge(MakeBeat(6, 1)));
}

TEST(BeatTableTest, BeatsOfOthersThanMembersAreNoNews) {
  BeatTable table;
  table.SetMembers({8});
  EXPECT_FALSE(table.Merge(MakeBeat(1, 1)));
  table.SetMembers({});
  EXPECT_TRUE(table.members().empty());
}

}  // namespace
}  // namespace trellis::gossip
