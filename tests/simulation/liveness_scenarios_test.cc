// Who is thought alive, suspect and down, one situation at a time: decision 0011.
#include <string>
#include <vector>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

// Links that break and clocks that are off are what these tests are about.
[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using gossip::Liveness;
using testing::IsEmpty;

constexpr absl::Duration kSoon = absl::Milliseconds(500);
constexpr absl::Duration kLater = absl::Seconds(20);

// How many of the running agents hold that verdict on `whom`.
int Holding(SimWorld& world, Liveness verdict, gossip::NodeId whom) {
  int count = 0;
  for (size_t i = 0; i < world.size(); ++i) {
    SimNode& node = world.node(i);
    count += node.running() && node.id() != whom && node.LivenessOf(whom) == verdict;
  }
  return count;
}

// Whether any running agent ever thinks a running one down, looked at often.
bool AnybodyBlamed(SimWorld& world, absl::Duration duration) {
  const absl::Duration end = world.now() + duration;
  while (world.now() < end) {
    world.RunFor(absl::Milliseconds(50));
    for (size_t i = 0; i < world.size(); ++i) {
      SimNode& node = world.node(i);
      if (node.running() && Holding(world, Liveness::kDown, node.id()) > 0) return true;
    }
  }
  return false;
}

TEST(LivenessScenario, AKilledAgentIsDownAtOnceAndConfigurationStays) {
  SimWorld world({.seed = 14, .nodes = 4});
  world.Settle();
  const storage::Root before = world.node(0).catalog().root();
  const gossip::NodeId victim = world.node(2).id();
  world.node(2).Kill();
  world.RunFor(kSoon);
  for (const int i : {0, 1, 3}) {
    EXPECT_EQ(world.node(i).LivenessOf(victim), Liveness::kDown);
    EXPECT_EQ(world.node(i).catalog().root(), before);
  }
  world.node(2).Boot();
  world.RunFor(absl::Seconds(4));
  for (const int i : {0, 1, 3}) EXPECT_EQ(world.node(i).LivenessOf(victim), Liveness::kAlive);
}

TEST(LivenessScenario, ACrashIsKnownToAllOfFiftyWithinHalfASecond) {
  SimWorld world({.seed = 31, .nodes = 50});
  world.Settle();
  for (const int victim : {7, 0, 49}) {
    world.node(victim).Kill();
    world.RunFor(absl::Milliseconds(500));
    EXPECT_EQ(Holding(world, Liveness::kDown, world.node(victim).id()), 49) << victim;
    world.node(victim).Boot();
    world.RunFor(absl::Seconds(3));
    EXPECT_EQ(Holding(world, Liveness::kAlive, world.node(victim).id()), 49) << victim;
  }
}

TEST(LivenessScenario, ASilentHostIsDownForAllWithinSixSeconds) {
  for (const int nodes : {2, 3, 4, 50}) {
    SimWorld world({.seed = 15, .nodes = nodes});
    world.Settle();
    world.node(1).CutPower(0);
    world.RunFor(absl::Seconds(1.5));
    EXPECT_EQ(Holding(world, Liveness::kAlive, world.node(1).id()), nodes - 1) << nodes;
    world.RunFor(absl::Seconds(4.5));
    EXPECT_EQ(Holding(world, Liveness::kDown, world.node(1).id()), nodes - 1) << nodes;
  }
}

TEST(LivenessScenario, ARackThatFailsIsDownForAllAndNobodyElseIs) {
  SimWorld world({.seed = 32, .nodes = 30});
  world.Settle();
  for (int i = 10; i < 20; ++i) world.node(i).CutPower(0);
  EXPECT_FALSE(AnybodyBlamed(world, absl::Seconds(10)));
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(Holding(world, Liveness::kDown, world.node(i).id()), i / 10 == 1 ? 20 : 0) << i;
  }
}

TEST(LivenessScenario, LostPacketsBlameNobody) {
  for (const double loss : {0.05, 0.2}) {
    SimWorld world({.seed = 33, .nodes = 20});
    world.Settle();
    world.network().set_faults({.stall = loss});
    EXPECT_FALSE(AnybodyBlamed(world, absl::Minutes(1))) << loss;
  }
}

TEST(LivenessScenario, AFifthFrozenForAWhileBlamesNobodyHealthy) {
  SimWorld world({.seed = 38, .nodes = 50});
  world.Settle();
  for (int i = 0; i < 10; ++i) world.node(i).Freeze(absl::Seconds(15));
  const absl::Duration thaw = world.now() + absl::Seconds(15);
  bool frozen_seen_down = false;
  while (world.now() < thaw + absl::Seconds(10)) {
    world.RunFor(absl::Milliseconds(100));
    for (int i = 10; i < 50; ++i) {
      ASSERT_EQ(Holding(world, Liveness::kDown, world.node(i).id()), 0) << i;
    }
    frozen_seen_down |= Holding(world, Liveness::kDown, world.node(0).id()) == 40;
  }
  EXPECT_TRUE(frozen_seen_down);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Holding(world, Liveness::kAlive, world.node(i).id()), 49) << i;
  }
}

TEST(LivenessScenario, LinksThatBreakAllTheTimeBlameNobody) {
  SimWorld world({.seed = 34, .nodes = 12});
  world.Settle();
  world.network().set_faults({.reset = 0.05});
  EXPECT_FALSE(AnybodyBlamed(world, absl::Minutes(1)));
}

TEST(LivenessScenario, TheSidesOfAHealedPartitionFindEachOtherWithinSeconds) {
  SimWorld world({.seed = 35, .nodes = 40});
  world.Settle();
  std::vector<int> one, other;
  for (int i = 0; i < 40; ++i) (i % 2 == 0 ? one : other).push_back(i);
  world.Partition(one, other);
  world.RunFor(absl::Minutes(2));
  for (const int i : one) {
    EXPECT_EQ(Holding(world, Liveness::kDown, world.node(i).id()), 20) << i;
  }
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(0, name, "one side's"));
  world.Heal();
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(3)));
  world.RunFor(absl::Seconds(2));
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(Holding(world, Liveness::kAlive, world.node(i).id()), 39) << i;
  }
}

TEST(LivenessScenario, ANewcomerLearnsWhoIsDown) {
  SimWorld world({.seed = 36, .nodes = 12});
  world.Settle();
  world.node(5).Kill();
  world.node(6).CutPower(0);
  world.RunFor(absl::Seconds(10));
  const int newcomer = world.Join();
  world.RunFor(absl::Seconds(5));
  for (const int gone : {5, 6}) {
    EXPECT_EQ(world.node(newcomer).LivenessOf(world.node(gone).id()), Liveness::kDown);
  }
  EXPECT_EQ(world.node(newcomer).LivenessOf(world.node(4).id()), Liveness::kAlive);
}

TEST(LivenessScenario, AClockThatIsOffIsToldByItsPeersAndNobodyElseIs) {
  SimWorld world({.seed = 37, .nodes = 5, .clock_offset_most = absl::ZeroDuration()});
  world.Settle();
  world.node(3).options().clock.offset = absl::Seconds(2);
  world.RunFor(absl::Seconds(10));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(world.node(i).gossip().CheckWritable().ok(), i != 3) << i;
    EXPECT_EQ(world.node(i).gossip().Alarms().empty(), i != 3) << i;
  }
  EXPECT_THAT(
      world.node(3).gossip().CheckWritable(),
      StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("ahead of the mesh's")));
}

TEST(LivenessScenario, ABrokenLinkBetweenTwoDoesNotMakeThemDownWhileOthersHearBoth) {
  SimWorld world({.seed = 16, .nodes = 3});
  world.Settle();
  world.Partition({0}, {1});
  world.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.node(0).LivenessOf(world.node(1).id()), Liveness::kAlive);
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(0, name, "by way of the third"));
  world.RunFor(kSoon);
  EXPECT_EQ(world.Text(1, name), "by way of the third");
}

TEST(LivenessScenario, AOneWayCutHealsByItself) {
  SimWorld world({.seed = 17, .nodes = 2});
  world.Settle();
  world.CutOneWay(0, 1);
  world.RunFor(absl::Seconds(30));
  EXPECT_NE(world.node(1).LivenessOf(world.node(0).id()), Liveness::kAlive);
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(1, name, "x"));
  world.Heal();
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(10)));
  world.Settle();
}

TEST(LivenessScenario, AnAgentWhoseClockFellBackIsHeardAfterItsRestart) {
  SimWorld world({.seed = 18, .nodes = 3});
  world.Settle();
  world.node(1).Kill();
  world.node(1).options().clock.offset -= absl::Seconds(8);
  world.node(1).Boot();
  world.RunFor(absl::Seconds(3));
  EXPECT_EQ(world.node(0).LivenessOf(world.node(1).id()), Liveness::kAlive);
  ASSERT_OK(world.Put(1, world.NewName(), "newer than all before"));
  EXPECT_TRUE(world.RunUntilConverged(kLater));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

}  // namespace
}  // namespace trellis::simulation
