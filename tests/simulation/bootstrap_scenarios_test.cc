// Newcomers, and agents that lost their disk: they fetch from several peers, whatever becomes of
// these, and obey nothing before they have all.
#include <string>
#include <vector>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

using ::testing::IsEmpty;

[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

constexpr absl::Duration kSoon = absl::Seconds(5);

// Each of the first `writers` agents writes `count` services of about 1 kB.
void Fill(SimWorld& world, int writers, int count) {
  for (int i = 0; i < writers; ++i) {
    for (int n = 0; n < count; ++n) {
      ASSERT_OK(world.Put(i, world.NewName(), std::string(1000, static_cast<char>('a' + i))));
    }
  }
  ASSERT_TRUE(world.RunUntilConverged(kSoon));
}

bool Obeys(SimWorld& world, int i) { return !world.node(i).ever_enforced().heads().empty(); }

TEST(BootstrapScenario, TheFounderIsWholeAtOnce) {
  SimWorld world({.seed = 1, .nodes = 1});
  EXPECT_TRUE(world.node(0).catalog().whole());
  EXPECT_EQ(world.node(0).catalog().agreed(), absl::InfinitePast());
}

TEST(BootstrapScenario, ANewcomerFetchesFromSeveralPeersAndObeysNothingBefore) {
  SimWorld world({.seed = 2, .nodes = 4, .clock_offset_most = absl::ZeroDuration()});
  world.Settle();
  Fill(world, 3, 500);
  const storage::VersionVector all = world.node(0).catalog().vector();
  const int joiner = world.Join();
  EXPECT_FALSE(world.node(joiner).catalog().whole());
  bool saw_a_part = false;
  ASSERT_TRUE(world.RunUntil(kSoon, [&] {
    const bool whole = world.node(joiner).catalog().whole();
    if (whole) return true;
    saw_a_part |= world.node(joiner).catalog().live_count() > 0;
    EXPECT_FALSE(Obeys(world, joiner));
    EXPECT_THAT(world.node(joiner).gossip().CheckWritable(),
                StatusIs(absl::StatusCode::kUnavailable));
    return false;
  }));
  EXPECT_TRUE(saw_a_part);
  EXPECT_GE(world.node(joiner).gossip().replication().bootstrap_peers.value(), 2u);
  EXPECT_TRUE(world.node(joiner).catalog().vector().Covers(all));
  EXPECT_TRUE(world.RunUntil(kSoon, [&] { return Obeys(world, joiner); }));
  EXPECT_TRUE(
      world.RunUntil(kSoon, [&] { return world.node(joiner).gossip().CheckWritable().ok(); }));
  EXPECT_TRUE(world.RunUntilConverged(kSoon));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(BootstrapScenario, APeerThatDiesOnTheWayIsReplaced) {
  SimWorld world({.seed = 3, .nodes = 4});
  world.Settle();
  Fill(world, 3, 500);
  const int joiner = world.Join();
  ASSERT_TRUE(
      world.RunUntil(kSoon, [&] { return world.node(joiner).catalog().live_count() > 100; }));
  ASSERT_FALSE(world.node(joiner).catalog().whole());
  world.node(0).Kill();
  world.node(1).Kill();
  EXPECT_TRUE(
      world.RunUntil(absl::Seconds(15), [&] { return world.node(joiner).catalog().whole(); }));
  EXPECT_TRUE(world.RunUntilConverged(kSoon));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(BootstrapScenario, CutOffHalfWayItObeysNothingThroughARestartUntilItHasTheRest) {
  SimWorld world({.seed = 4, .nodes = 3});
  world.Settle();
  Fill(world, 3, 500);
  const int joiner = world.Join();
  ASSERT_TRUE(
      world.RunUntil(kSoon, [&] { return world.node(joiner).catalog().live_count() > 100; }));
  world.Partition({joiner}, {0, 1, 2});
  world.RunFor(absl::Seconds(30));
  EXPECT_FALSE(world.node(joiner).catalog().whole());
  world.node(joiner).Kill();
  world.node(joiner).Boot();
  world.RunFor(absl::Seconds(30));
  EXPECT_GT(world.node(joiner).catalog().live_count(), 100u);
  EXPECT_FALSE(world.node(joiner).catalog().whole());
  EXPECT_FALSE(Obeys(world, joiner));
  world.Heal();
  EXPECT_TRUE(
      world.RunUntil(absl::Seconds(15), [&] { return world.node(joiner).catalog().whole(); }));
  EXPECT_TRUE(world.RunUntilConverged(kSoon));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(BootstrapScenario, PeersThatNeverStopWritingDoNotKeepItWaiting) {
  SimWorld world({.seed = 5, .nodes = 3});
  world.Settle();
  Fill(world, 3, 100);
  const int joiner = world.Join();
  const absl::Duration began = world.now();
  while (!world.node(joiner).catalog().whole() && world.now() - began < absl::Seconds(15)) {
    for (int i = 0; i < 3; ++i) ASSERT_OK(world.Put(i, world.NewName(), "on and on"));
    world.RunFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(world.node(joiner).catalog().whole());
  EXPECT_TRUE(world.RunUntilConverged(kSoon));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(BootstrapScenario, ManyNewcomersAtOnceDoNotTakeEachOtherForWhole) {
  SimWorld world({.seed = 6, .nodes = 1});
  Fill(world, 1, 300);
  const storage::VersionVector all = world.node(0).catalog().vector();
  for (int i = 0; i < 5; ++i) world.Join();
  for (int step = 0; step < 1500; ++step) {
    world.RunFor(absl::Milliseconds(10));
    for (int i = 1; i <= 5; ++i) {
      if (!world.node(i).catalog().whole()) continue;
      EXPECT_TRUE(world.node(i).catalog().vector().Covers(all)) << i;
    }
  }
  for (int i = 1; i <= 5; ++i) EXPECT_TRUE(world.node(i).catalog().whole()) << i;
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(BootstrapScenario, AnAgentThatLostItsDiskFetchesAllAndWritesOnAsAnotherIncarnation) {
  SimWorld world({.seed = 7, .nodes = 4, .clock_offset_most = absl::ZeroDuration()});
  world.Settle();
  Fill(world, 4, 50);
  const storage::Origin before = world.node(2).catalog().origin();
  world.node(2).engine().Corrupt();
  world.node(2).Kill();
  world.node(2).Boot();
  EXPECT_EQ(world.node(2).disks_lost(), 1);
  EXPECT_FALSE(world.node(2).catalog().whole());
  ASSERT_TRUE(world.RunUntil(kSoon, [&] {
    return world.node(2).catalog().whole() && world.node(2).gossip().CheckWritable().ok();
  }));
  EXPECT_NE(world.node(2).catalog().origin(), before);
  ASSERT_OK(world.Put(2, world.NewName(), "after"));
  EXPECT_TRUE(world.RunUntilConverged(kSoon));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(BootstrapScenario, WhereAllLostTheirDisksInTurnWhatIsLeftAmongThemIsAll) {
  SimWorld world({.seed = 8, .nodes = 3});
  world.Settle();
  Fill(world, 3, 20);
  // The last that is whole goes before any other has fetched anything.
  for (int i = 0; i < 3; ++i) {
    world.node(i).engine().Corrupt();
    world.node(i).Kill();
    world.node(i).options().gossip.seeds = world.AddressesOfOthers(i);
  }
  for (int i = 0; i < 3; ++i) world.node(i).Boot();
  world.RunFor(absl::Seconds(20));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(world.node(i).catalog().whole()) << i;
}

TEST(BootstrapScenario, ARestartedAgentObeysWhatItHasAtOnceAndKnowsHowOldItIs) {
  SimWorld world({.seed = 9, .nodes = 3, .clock_offset_most = absl::ZeroDuration()});
  world.Settle();
  Fill(world, 1, 10);
  world.RunFor(absl::Minutes(1));
  const absl::Time agreed = world.node(1).catalog().agreed();
  EXPECT_LE(world.node(1).WallNow() - agreed, absl::Seconds(2));
  world.node(1).Kill();
  for (const int other : {0, 2}) world.CutOneWay(other, 1);
  world.RunFor(absl::Hours(1));
  world.node(1).Boot();
  EXPECT_TRUE(world.node(1).catalog().whole());
  const absl::Duration stale = world.node(1).WallNow() - world.node(1).catalog().agreed();
  EXPECT_GE(stale, absl::Hours(1));
  EXPECT_LE(stale, absl::Hours(1) + absl::Minutes(1));
  world.Heal();
  EXPECT_TRUE(world.RunUntil(absl::Seconds(15), [&] {
    return world.node(1).WallNow() - world.node(1).catalog().agreed() < absl::Seconds(5);
  }));
}

}  // namespace
}  // namespace trellis::simulation
