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

class BeatTableTest : public testing::Test {
 protected:
  BeatTableTest() { table_.SetMembers({{kPeer, "host:7950"}}); }

  Liveness At(absl::Duration now) {
    table_.Judge(now);
    return table_.members().at(kPeer).liveness;
  }

  BeatTable table_{{.suspect_after = absl::Seconds(3), .down_after = absl::Seconds(6)}};
};

TEST_F(BeatTableTest, WhoWasNeverHeardIsDown) {
  EXPECT_EQ(At(absl::ZeroDuration()), Liveness::kDown);
}

TEST_F(BeatTableTest, SilenceMakesSuspectThenDownAndANewBeatAliveAgain) {
  EXPECT_TRUE(table_.Merge(MakeBeat(1, 1), absl::Seconds(10)));
  EXPECT_EQ(At(absl::Seconds(12)), Liveness::kAlive);
  EXPECT_EQ(At(absl::Seconds(13)), Liveness::kSuspect);
  EXPECT_EQ(At(absl::Seconds(16)), Liveness::kDown);
  EXPECT_TRUE(table_.Merge(MakeBeat(1, 2), absl::Seconds(17)));
  EXPECT_EQ(At(absl::Seconds(17)), Liveness::kAlive);
}

TEST_F(BeatTableTest, OnlyANewerBootOrCounterIsNews) {
  EXPECT_TRUE(table_.Merge(MakeBeat(5, 5), absl::ZeroDuration()));
  EXPECT_FALSE(table_.Merge(MakeBeat(5, 5), absl::Seconds(1)));
  EXPECT_FALSE(table_.Merge(MakeBeat(5, 4), absl::Seconds(1)));
  EXPECT_FALSE(table_.Merge(MakeBeat(4, 9), absl::Seconds(1)));
  EXPECT_TRUE(table_.Merge(MakeBeat(6, 1), absl::Seconds(1)));
}

TEST_F(BeatTableTest, OldNewsDoesNotKeepAnybodyAlive) {
  EXPECT_TRUE(table_.Merge(MakeBeat(5, 5), absl::ZeroDuration()));
  EXPECT_FALSE(table_.Merge(MakeBeat(5, 5), absl::Seconds(3)));
  EXPECT_EQ(At(absl::Seconds(3)), Liveness::kSuspect);
}

TEST_F(BeatTableTest, ABrokenLinkMakesSuspectUntilALaterBeat) {
  table_.Merge(MakeBeat(1, 1), absl::Seconds(10));
  table_.LinkLost(kPeer, absl::Seconds(11));
  EXPECT_EQ(At(absl::Seconds(11)), Liveness::kSuspect);
  // This one may have left before the link broke.
  EXPECT_TRUE(table_.Merge(MakeBeat(1, 2), absl::Seconds(11) + absl::Milliseconds(20)));
  EXPECT_EQ(At(absl::Seconds(11) + absl::Milliseconds(20)), Liveness::kSuspect);
  EXPECT_TRUE(table_.Merge(MakeBeat(1, 3), absl::Seconds(12)));
  EXPECT_EQ(At(absl::Seconds(12)), Liveness::kAlive);
}

TEST_F(BeatTableTest, BeatsOfOthersThanMembersAreNoNews) {
  peer::v1::Beat beat = MakeBeat(1, 1);
  beat.set_node(8);
  EXPECT_FALSE(table_.Merge(beat, absl::ZeroDuration()));
  table_.LinkLost(8, absl::ZeroDuration());
  table_.SetMembers({});
  EXPECT_FALSE(table_.Merge(MakeBeat(1, 1), absl::ZeroDuration()));
  EXPECT_TRUE(table_.members().empty());
}

TEST_F(BeatTableTest, AChangeOfVerdictIsReportedOnce) {
  table_.Merge(MakeBeat(1, 1), absl::ZeroDuration());
  EXPECT_TRUE(table_.Judge(absl::ZeroDuration()));
  EXPECT_FALSE(table_.Judge(absl::Seconds(1)));
  EXPECT_TRUE(table_.Judge(absl::Seconds(4)));
}

}  // namespace
}  // namespace trellis::gossip
