// What agents say of targets, and who hears it when: decision 0016.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gossip/health/health_shards.h"
#include "gtest/gtest.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

// Links that break are what these tests are about.
[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using gossip::CheckerOpinion;
using routing::Opinion;
using routing::OpinionList;

constexpr uint64_t kList = 0xcafe;
constexpr char kAddress[] = "10.0.0.1";
// A round, what it finds on its way through the mesh, and a round again for what was lost.
constexpr absl::Duration kRepaired = absl::Seconds(15);

// From now on node `i` says that of the first of two targets.
void Say(SimWorld& world, int i, Opinion opinion) {
  gossip::HealthShards& health = world.node(i).gossip().health();
  health.SetSource([opinion] {
    std::vector<OpinionList> lists;
    if (opinion == Opinion::kNone) return lists;
    lists.emplace_back(kList, 2);
    lists.back().Say(0, opinion);
    return lists;
  });
  health.Changed();
}

// What `i` hears `checker` say.
Opinion Heard(SimWorld& world, int i, int checker) {
  for (const CheckerOpinion& each :
       world.node(i).gossip().health().OpinionsOf(kList, 0, kAddress)) {
    if (each.checker == world.node(checker).id()) return each.opinion;
  }
  return Opinion::kNone;
}

bool AllHear(SimWorld& world, int checker, Opinion opinion) {
  for (size_t i = 0; i < world.size(); ++i) {
    const int node = static_cast<int>(i);
    if (world.node(node).running() && Heard(world, node, checker) != opinion) return false;
  }
  return true;
}

bool AllHearWithin(SimWorld& world, absl::Duration at_most, int checker, Opinion opinion) {
  return world.RunUntil(at_most, [&] { return AllHear(world, checker, opinion); });
}

TEST(HealthScenario, AChangeIsKnownToAllAtOnceAndNothingIsWritten) {
  SimWorld world({.seed = 51, .nodes = 30});
  world.Settle();
  const storage::Root before = world.node(3).catalog().root();
  Say(world, 3, Opinion::kHealthy);
  EXPECT_TRUE(AllHearWithin(world, absl::Milliseconds(500), 3, Opinion::kHealthy));
  world.RunFor(absl::Seconds(2));
  Say(world, 3, Opinion::kUnhealthy);
  EXPECT_TRUE(AllHearWithin(world, absl::Milliseconds(500), 3, Opinion::kUnhealthy));
  EXPECT_EQ(world.node(3).catalog().root(), before);
}

TEST(HealthScenario, WhatStaysAsItIsIsNotSaidAgain) {
  SimWorld world({.seed = 52, .nodes = 12});
  world.Settle();
  for (int i = 0; i < 12; ++i) Say(world, i, Opinion::kHealthy);
  world.RunFor(absl::Seconds(10));
  const uint64_t before =
      world.node(0).gossip().health().table().VersionOf(world.node(5).id()).counter;
  for (int i = 0; i < 12; ++i) Say(world, i, Opinion::kHealthy);
  world.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.node(0).gossip().health().table().VersionOf(world.node(5).id()).counter, before);
  EXPECT_TRUE(AllHear(world, 5, Opinion::kHealthy)) << "though nobody repeats it";
}

TEST(HealthScenario, ANewcomerHearsAll) {
  SimWorld world({.seed = 53, .nodes = 5});
  world.Settle();
  for (int i = 0; i < 5; ++i) Say(world, i, Opinion::kUnhealthy);
  world.RunFor(absl::Seconds(5));
  const int newcomer = world.Join();
  EXPECT_TRUE(world.RunUntil(kRepaired, [&] {
    for (int i = 0; i < 5; ++i) {
      if (Heard(world, newcomer, i) != Opinion::kUnhealthy) return false;
    }
    return true;
  }));
}

TEST(HealthScenario, WhatIsLostOnTheWayIsRepaired) {
  for (const uint64_t seed : {54, 55, 56}) {
    SimWorld world({.seed = seed, .nodes = 20});
    world.Settle();
    world.network().set_faults({.reset = 0.001, .vanish = 0.3, .duplicate = 0.1, .stall = 0.05});
    for (int round = 0; round < 3; ++round) {
      const Opinion opinion = round % 2 == 0 ? Opinion::kHealthy : Opinion::kUnhealthy;
      for (int i = 0; i < 20; ++i) Say(world, i, opinion);
      world.RunFor(absl::Seconds(1));
    }
    EXPECT_TRUE(world.RunUntil(absl::Minutes(1), [&] {
      for (int i = 0; i < 20; ++i) {
        if (!AllHear(world, i, Opinion::kHealthy)) return false;
      }
      return true;
    })) << seed;
  }
}

TEST(HealthScenario, WhoIsDownSaysNothing) {
  SimWorld world({.seed = 57, .nodes = 6});
  world.Settle();
  for (const int i : {1, 2}) Say(world, i, Opinion::kUnhealthy);
  world.RunFor(absl::Seconds(5));
  world.node(1).Kill();
  EXPECT_TRUE(AllHearWithin(world, absl::Seconds(1), 1, Opinion::kNone));
  EXPECT_TRUE(AllHear(world, 2, Opinion::kUnhealthy));
  world.RunFor(absl::Seconds(25));
  for (const int i : {0, 2, 3, 4, 5}) {
    EXPECT_EQ(world.node(i).gossip().health().table().Find(world.node(1).id()), nullptr) << i;
  }
}

TEST(HealthScenario, BothSidesOfACutHearEachOtherWhenItHeals) {
  SimWorld world({.seed = 58, .nodes = 10});
  world.Settle();
  for (const int i : {1, 8}) Say(world, i, Opinion::kHealthy);
  world.RunFor(absl::Seconds(5));
  world.Partition({0, 1, 2, 3, 4}, {5, 6, 7, 8, 9});
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(Heard(world, 0, 8), Opinion::kNone);
  EXPECT_EQ(Heard(world, 0, 1), Opinion::kHealthy);
  Say(world, 1, Opinion::kUnhealthy);  // 8 has nothing new to say.
  world.RunFor(absl::Seconds(30));
  world.Heal();
  EXPECT_TRUE(AllHearWithin(world, kRepaired, 1, Opinion::kUnhealthy));
  EXPECT_TRUE(AllHearWithin(world, kRepaired, 8, Opinion::kHealthy));
}

TEST(HealthScenario, ANewProcessTakesBackWhatTheOldOneSaid) {
  SimWorld world({.seed = 59, .nodes = 6});
  world.Settle();
  Say(world, 2, Opinion::kUnhealthy);
  world.RunFor(absl::Seconds(5));
  world.node(2).Kill();
  world.node(2).Boot();  // At once: its peers still hold the shard, and it has nothing to say.
  EXPECT_TRUE(AllHearWithin(world, kRepaired, 2, Opinion::kNone));
  Say(world, 2, Opinion::kHealthy);
  EXPECT_TRUE(AllHearWithin(world, absl::Seconds(1), 2, Opinion::kHealthy));
}

TEST(HealthScenario, AClockSetBackDoesNotSilenceAnybody) {
  SimWorld world({.seed = 60, .nodes = 6});
  world.Settle();
  Say(world, 2, Opinion::kUnhealthy);
  world.RunFor(absl::Seconds(5));
  world.node(2).Kill();
  world.node(2).options().clock.offset -= absl::Hours(1);
  world.node(2).Boot();
  Say(world, 2, Opinion::kHealthy);
  EXPECT_TRUE(AllHearWithin(world, kRepaired, 2, Opinion::kHealthy));
}

// Has an agent's key, and sends one frame to all who link with it.
class Thief final : public gossip::Transport::Receiver {
 public:
  Thief(SimWorld& world, int i, peer::v1::Frame lie)
      : world_(world),
        node_(world.node(i).id()),
        lie_(std::move(lie)),
        transport_(world.network().Attach(node_)) {
    transport_->SetReceiver(this);
    transport_->SetPeers(world.AddressesOfOthers(i));
  }

  int closed() const { return closed_; }

  void OnLinkUp(gossip::NodeId peer) override {
    peer::v1::Frame hello;
    hello.mutable_hello()->set_mesh_id(SimWorld::kMeshId);
    hello.mutable_hello()->set_cluster_epoch(1);
    hello.mutable_hello()->set_protocol(1);
    hello.mutable_hello()->set_node(node_);
    hello.mutable_hello()->set_wall_micros(absl::ToUnixMicros(world_.WallNow()));
    hello.mutable_hello()->set_boot(1);
    transport_->Send(peer, hello);
    transport_->Send(peer, lie_);
  }
  void OnLinkDown(gossip::NodeId, const absl::Status&) override { ++closed_; }
  void OnFrame(gossip::NodeId, const peer::v1::Frame&) override {}

 private:
  SimWorld& world_;
  const gossip::NodeId node_;
  const peer::v1::Frame lie_;
  int closed_ = 0;
  std::unique_ptr<SimTransport> transport_;
};

class StolenKeyScenario : public testing::Test {
 protected:
  StolenKeyScenario() : world_({.seed = 61, .nodes = 4}) {
    thief_ = world_.Join(0, /*admin=*/false);
    world_.RunFor(absl::Seconds(5));
    Say(world_, 1, Opinion::kHealthy);
    world_.RunFor(absl::Seconds(2));
    world_.StealKey(thief_);
  }

  // Signed with the stolen key, newer than all others.
  peer::v1::Frame Unhealthy(gossip::NodeId in_the_name_of) {
    storage::FakeAuthorship key({.node = world_.node(thief_).id(), .admin = false});
    OpinionList list(kList, 2);
    list.Say(0, Opinion::kUnhealthy);
    const uint64_t boot = static_cast<uint64_t>(absl::ToUnixMicros(world_.WallNow()));
    peer::v1::Frame frame;
    *frame.mutable_health()->add_shards() =
        gossip::SignShard(SimWorld::seal_scope(), {in_the_name_of, 7}, {boot, 1}, {list},
                          *key.Read(key.certificate()), /*known=*/false, key)
            .message;
    return frame;
  }

  SimWorld world_;
  int thief_;
};

TEST_F(StolenKeyScenario, SpeaksForNobodyElse) {
  Thief thief(world_, thief_, Unhealthy(world_.node(1).id()));
  world_.RunFor(absl::Seconds(3));
  EXPECT_GE(thief.closed(), 4);
  EXPECT_TRUE(AllHear(world_, 1, Opinion::kHealthy));
  EXPECT_TRUE(AllHear(world_, thief_, Opinion::kNone));
}

TEST_F(StolenKeyScenario, SpeaksOfItsOwnHostOnly) {
  Thief thief(world_, thief_, Unhealthy(world_.node(thief_).id()));
  world_.RunFor(absl::Seconds(3));
  const gossip::HealthShards& health = world_.node(0).gossip().health();
  EXPECT_NE(health.table().Find(world_.node(thief_).id()), nullptr) << "its own shard is taken";
  EXPECT_EQ(thief.closed(), 0);
  EXPECT_TRUE(AllHear(world_, thief_, Opinion::kNone)) << "but the target is not of its host";
  EXPECT_TRUE(AllHear(world_, 1, Opinion::kHealthy));
}

}  // namespace
}  // namespace trellis::simulation
