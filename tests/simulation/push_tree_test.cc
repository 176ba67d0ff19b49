// The push tree: what a write costs, and that nothing is lost with it.
#include <string>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using testing::IsEmpty;

struct Sent {
  uint64_t payloads = 0;
  uint64_t requests = 0;
  uint64_t digests = 0;
};

Sent CountSent(SimWorld& world) {
  Sent sent;
  for (size_t i = 0; i < world.size(); ++i) {
    const gossip::ReplicationCounters& counters = world.node(i).gossip().replication();
    sent.payloads += counters.pushes_new.value() + counters.pushes_duplicate.value() +
                     counters.pushes_gap.value();
    sent.requests += counters.requests.value();
    sent.digests += counters.digests.value();
  }
  return sent;
}

void Write(SimWorld& world, int at, int times) {
  for (int i = 0; i < times; ++i) {
    ASSERT_OK(world.Put(at, world.NewName(), "x"));
    world.RunFor(absl::Milliseconds(50));
  }
}

SimWorld::Options Some(uint64_t seed, int nodes) {
  return {.seed = seed, .nodes = nodes, .latency_most = absl::Milliseconds(2)};
}

TEST(PushTree, APayloadReachesEachAgentOnce) {
  SimWorld world(Some(61, 50));
  world.Settle();
  for (const int author : {0, 17, 33}) Write(world, author, 5);  // Draws the trees.
  const Sent before = CountSent(world);
  constexpr int kWrites = 30;
  for (const int author : {0, 17, 33}) Write(world, author, kWrites);
  const Sent after = CountSent(world);
  const double copies = static_cast<double>(after.payloads - before.payloads) / (3 * kWrites * 49);
  EXPECT_GE(copies, 1);
  EXPECT_LE(copies, 1.1) << "T12";
  EXPECT_LE(after.requests - before.requests, 20u);
  // A heartbeat may meet a write on its way five times in a row.
  EXPECT_LE(after.digests - before.digests, 3u) << "who has all asks for next to nothing";
  EXPECT_TRUE(world.Converged());
}

TEST(PushTree, IsMendedWhenAgentsCrash) {
  SimWorld world(Some(62, 24));
  world.Settle();
  Write(world, 0, 5);
  for (const int victim : {3, 9, 21}) world.node(victim).Kill();
  // Nobody knows of it yet; the sockets say so within a round trip.
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK(world.Put(0, world.NewName(), "x"));
    EXPECT_TRUE(world.RunUntil(absl::Milliseconds(600), [&] { return world.Converged(); })) << i;
  }
}

TEST(PushTree, LossIsRepairedBeforeTheHeartbeatsSeeIt) {
  SimWorld world(Some(63, 24));
  world.Settle();
  Write(world, 0, 5);
  world.network().set_faults({.vanish = 0.05});
  absl::Duration worst;
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(world.Put(0, world.NewName(), "x"));
    const absl::Duration began = world.now();
    ASSERT_TRUE(world.RunUntilConverged(absl::Seconds(5))) << i;
    worst = std::max(worst, world.now() - began);
  }
  EXPECT_LE(worst, absl::Seconds(3));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(PushTree, TheLastWriteIsFoundByHeartbeatsWhenAllElseIsLost) {
  SimWorld world({.seed = 64, .nodes = 3});
  world.Settle();
  Write(world, 0, 5);
  world.network().set_faults({.vanish = 1});
  ASSERT_OK(world.Put(0, world.NewName(), "lost on the way"));
  world.RunFor(absl::Milliseconds(40));
  world.network().set_faults({});
  EXPECT_FALSE(world.Converged());
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(4)));
}

TEST(PushTree, ManyAuthorsAtOnceConverge) {
  SimWorld world(Some(65, 24));
  world.Settle();
  for (int round = 0; round < 5; ++round) {
    for (int author = 0; author < 24; ++author) {
      ASSERT_OK(world.Put(author, world.NewName(), "x"));
    }
    world.RunFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(1)));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

}  // namespace
}  // namespace trellis::simulation
