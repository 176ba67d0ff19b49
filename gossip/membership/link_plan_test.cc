#include "gossip/membership/link_plan.h"

#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

constexpr NodeId kSelf = 1000;
constexpr int kMaxLinks = 8;

std::set<NodeId> Numbers(NodeId from, NodeId to) {
  std::set<NodeId> numbers;
  for (NodeId number = from; number <= to; ++number) numbers.insert(number);
  return numbers;
}

class LinkPlanTest : public testing::Test {
 protected:
  SeededRandom random_{7};
  LinkPlan plan_{kSelf, kMaxLinks, random_};
};

TEST_F(LinkPlanTest, FewAreAllLinkedAndStaySo) {
  plan_.Make(Numbers(1, 8), {}, absl::ZeroDuration());
  EXPECT_EQ(plan_.neighbours(), Numbers(1, 8));
  EXPECT_TRUE(plan_.knocks().empty());
  EXPECT_FALSE(plan_.IsStale(absl::Hours(1)));
}

TEST_F(LinkPlanTest, OfManyOneIsChanceAndChangesEachMinute) {
  plan_.Make(Numbers(1, 100), {}, absl::ZeroDuration());
  const std::set<NodeId> first = plan_.neighbours();
  EXPECT_LE(first.size(), 7u);
  EXPECT_FALSE(plan_.IsStale(absl::Seconds(59)));
  plan_.Make(Numbers(1, 100), {}, absl::Seconds(59));
  EXPECT_EQ(plan_.neighbours(), first);
  EXPECT_TRUE(plan_.IsStale(absl::Seconds(60)));
  std::set<NodeId> met;
  for (int minute = 1; minute <= 1000; ++minute) {
    plan_.Make(Numbers(1, 100), {}, absl::Minutes(minute));
    met.insert(plan_.neighbours().begin(), plan_.neighbours().end());
  }
  EXPECT_EQ(met, Numbers(1, 100));
}

TEST_F(LinkPlanTest, AChordThatIsDownIsReplaced) {
  plan_.Make(Numbers(1, 100), {}, absl::ZeroDuration());
  const std::set<NodeId> before = plan_.neighbours();
  plan_.Make(Numbers(1, 100), before, absl::Seconds(1));
  for (const NodeId neighbour : plan_.neighbours()) EXPECT_EQ(before.count(neighbour), 0u);
}

TEST_F(LinkPlanTest, AFewOfTheDownAtATimeAndAllInTime) {
  const std::set<NodeId> down = Numbers(1, 40);
  std::set<NodeId> knocked;
  absl::Duration now;
  for (int i = 0; i < 100; ++i, now += LinkPlan::kKnock) {
    EXPECT_TRUE(plan_.IsStale(now));
    plan_.Make(Numbers(1, 42), down, now);
    EXPECT_EQ(plan_.knocks().size(), LinkPlan::kMaxKnocks);
    knocked.insert(plan_.knocks().begin(), plan_.knocks().end());
  }
  EXPECT_EQ(knocked, down);
  EXPECT_EQ(plan_.neighbours(), Numbers(41, 42));
}

}  // namespace
}  // namespace trellis::gossip
