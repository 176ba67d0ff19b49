#include "gossip/membership/monitor.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

class MonitorTest : public testing::Test {
 protected:
  MonitorTest() {
    monitor_.SetNeighbours({1, 2, 3, 4, 5}, At(0));
    for (NodeId peer = 1; peer <= 5; ++peer) monitor_.LinkUp(peer, At(0));
  }
  void HearAllBut(const std::set<NodeId>& missing, absl::Duration now) {
    for (NodeId peer = 1; peer <= 5; ++peer) {
      if (missing.count(peer) == 0) monitor_.Heard(peer, now);
    }
  }

  Monitor monitor_;
};

TEST_F(MonitorTest, ThreeSilentSecondsAreEnough) {
  HearAllBut({2}, At(2.9));
  EXPECT_THAT(monitor_.TakeSilent(At(2.9)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(3)), ElementsAre(2));
}

TEST_F(MonitorTest, ANeighbourThatNeverAnsweredFallsSilentToo) {
  monitor_.SetNeighbours({1, 2, 3, 4, 5, 6}, At(10));
  HearAllBut({}, At(13));
  EXPECT_THAT(monitor_.TakeSilent(At(13)), ElementsAre(6));
  EXPECT_EQ(monitor_.SinceHeard(6, At(13)), std::nullopt);
}

TEST_F(MonitorTest, WhoMissesHalfDoubtsItselfFirst) {
  HearAllBut({1, 2, 3}, At(3));
  EXPECT_THAT(monitor_.TakeSilent(At(3)), IsEmpty());
  HearAllBut({1, 2, 3}, At(8.9));
  EXPECT_THAT(monitor_.TakeSilent(At(8.9)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(9)), ElementsAre(1, 2, 3));
}

TEST_F(MonitorTest, WhoWasCutOffBlamesNobodyForThatTime) {
  HearAllBut({1, 2, 3}, At(3));
  EXPECT_THAT(monitor_.TakeSilent(At(3)), IsEmpty());
  HearAllBut({3}, At(5));
  EXPECT_THAT(monitor_.TakeSilent(At(5)), IsEmpty());
  HearAllBut({3}, At(7.9));
  EXPECT_THAT(monitor_.TakeSilent(At(7.9)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(8)), ElementsAre(3));
}

TEST_F(MonitorTest, FewerThanHalfAreNotOurFault) {
  HearAllBut({1, 2}, At(3));
  EXPECT_THAT(monitor_.TakeSilent(At(3)), ElementsAre(1, 2));
}

TEST_F(MonitorTest, TheOnlyNeighbourIsAccusedInTime) {
  monitor_.SetNeighbours({1}, At(0));
  for (NodeId peer = 2; peer <= 5; ++peer) monitor_.LinkDown(peer);
  EXPECT_THAT(monitor_.TakeSilent(At(3)), ElementsAre(1));
}

TEST_F(MonitorTest, ALateTimerForgivesEverybody) {
  monitor_.Forgive(At(15));
  EXPECT_THAT(monitor_.TakeSilent(At(15)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(17.9)), IsEmpty());
}

TEST_F(MonitorTest, PatienceGrowsWithMistakesAndShrinksWithTime) {
  monitor_.WasWrong(At(0));
  HearAllBut({2}, At(3.5));
  EXPECT_THAT(monitor_.TakeSilent(At(3.5)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(4)), ElementsAre(2));
  HearAllBut({2}, At(59));
  monitor_.Heard(2, At(57.5));
  EXPECT_THAT(monitor_.TakeSilent(At(60)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(60.5)), ElementsAre(2));
  for (int i = 0; i < 100; ++i) monitor_.WasWrong(At(70));
  HearAllBut({}, At(70));
  HearAllBut({2}, At(77));
  EXPECT_THAT(monitor_.TakeSilent(At(77)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(78)), ElementsAre(2));
}

TEST_F(MonitorTest, WhoIsNoNeighbourAndHasNoLinkIsNotListenedTo) {
  monitor_.SetNeighbours({1, 2, 3, 4}, At(1));
  EXPECT_EQ(monitor_.SinceHeard(5, At(1)), At(1));  // Its link is still there.
  monitor_.LinkDown(5);
  EXPECT_EQ(monitor_.SinceHeard(5, At(1)), std::nullopt);
  monitor_.Heard(5, At(1));
  EXPECT_FALSE(monitor_.TakeLost(5));
}

TEST_F(MonitorTest, ARefusalCountsOnlyAfterALink) {
  monitor_.SetNeighbours({1, 2, 3, 4, 5, 6}, At(0));
  EXPECT_FALSE(monitor_.TakeLost(6));
  EXPECT_FALSE(monitor_.TakeLost(1));
  monitor_.LinkDown(1);
  EXPECT_TRUE(monitor_.TakeLost(1));
  EXPECT_FALSE(monitor_.TakeLost(1));  // Whoever is refused for good does not accuse for good.
}

TEST_F(MonitorTest, TheSilentAreNotAccusedAllTheTime) {
  HearAllBut({2}, At(3));
  EXPECT_THAT(monitor_.TakeSilent(At(3)), ElementsAre(2));
  HearAllBut({2}, At(32));
  EXPECT_THAT(monitor_.TakeSilent(At(32)), IsEmpty());
  EXPECT_THAT(monitor_.TakeSilent(At(33)), ElementsAre(2));
  HearAllBut({}, At(34));
  HearAllBut({2}, At(37));
  EXPECT_THAT(monitor_.TakeSilent(At(37)), ElementsAre(2));
}

}  // namespace
}  // namespace trellis::gossip
