// Directed histories: what gossip promises, one situation at a time.
#include <set>
#include <string>
#include <vector>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/claims.h"
#include "storage/catalog/keys.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

// Links that break and peers that are refused are what these tests are about.
[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using gossip::Liveness;
using testing::IsEmpty;

constexpr absl::Duration kLater = absl::Seconds(20);

TEST(GossipScenario, AWriteReachesEverybodyAtTheSpeedOfTheNetwork) {
  SimWorld world({.seed = 1, .nodes = 5, .latency_most = absl::Milliseconds(2)});
  world.Settle();
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(3, name, "hello"));
  world.RunFor(absl::Milliseconds(5));  // One hop with jitter; no tick comes into it.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.Text(i, name), "hello") << i;
}

TEST(GossipScenario, ARingOfManyDeliversToo) {
  SimWorld world(
      {.seed = 2, .nodes = 24, .latency_most = absl::Milliseconds(2), .max_neighbours = 4});
  world.Settle();
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(17, name, "hello"));
  EXPECT_TRUE(world.RunUntilConverged(absl::Milliseconds(100)));
  EXPECT_EQ(world.Text(5, name), "hello");
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(GossipScenario, ARuleWrittenOnBothSidesOfAPartitionConverges) {
  SimWorld world({.seed = 7, .nodes = 5});
  world.Settle();
  const std::string cart = world.NewName();
  ASSERT_OK(world.Put(0, cart, "before"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));

  world.Partition({0, 1}, {2, 3, 4});
  world.RunFor(absl::Seconds(30));
  EXPECT_EQ(world.node(0).LivenessOf(world.node(4).id()), Liveness::kDown);
  ASSERT_OK(world.Put(0, cart, "left"));
  ASSERT_OK(world.Put(4, cart, "right"));
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.Text(1, cart), "left");
  EXPECT_EQ(world.Text(2, cart), "right");

  world.Heal();
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(5))) << world.ReplayHint();
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(GossipScenario, ADeleteOnOneSideIsNotUndoneByTheOtherSidesOldCopy) {
  SimWorld world({.seed = 8, .nodes = 4});
  world.Settle();
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(0, name, "short-lived"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  world.node(3).Kill();
  ASSERT_OK(world.Delete(1, name));
  world.RunFor(absl::Minutes(10));
  world.node(3).Boot();
  EXPECT_TRUE(world.RunUntilConverged(kLater));
  world.RunFor(absl::Minutes(1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(world.Text(i, name), std::nullopt);
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(GossipScenario, APowerCutBetweenWritesLosesNoAcknowledgedOne) {
  SimWorld world({.seed = 9, .nodes = 3});
  world.Settle();
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10; ++i) ASSERT_OK(world.Put(1, world.NewName(), "kept"));
    world.node(1).CutPower(0);
    world.RunFor(absl::Milliseconds(100));
    world.node(1).Boot();
  }
  EXPECT_TRUE(world.RunUntilConverged(kLater));
  EXPECT_EQ(world.Names(0).size(), 200u);
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(GossipScenario, WhatAPowerCutTookFromAReplicaIsFetchedAgain) {
  SimWorld world({.seed = 10, .nodes = 3});
  world.Settle();
  for (int i = 0; i < 50; ++i) ASSERT_OK(world.Put(0, world.NewName(), "replicated"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  ASSERT_GT(world.node(2).engine().unsynced_writes(), 10u);
  world.node(2).CutPower(5);
  world.node(2).Boot();
  ASSERT_FALSE(world.Converged());
  EXPECT_TRUE(world.RunUntilConverged(kLater));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

// Who holds the name "cart", and whether for good, as node `i` sees it.
std::pair<std::string, bool> HolderOfCart(SimWorld& world, int i) {
  const storage::Catalog& catalog = world.node(i).catalog();
  const storage::Claims claims = storage::ClaimsIn(catalog);
  const auto rivals = claims.find("services//cart");
  if (rivals == claims.end()) return {};
  const storage::Claim& holder = storage::HolderOf(rivals->second, catalog.settled());
  return {holder.claimant, holder.IsSettled(catalog.settled())};
}

TEST(GossipScenario, ANameTakenOnTwoSidesIsSettledWhenAllHaveMet) {
  SimWorld world({.seed = 31, .nodes = 4, .claim_interval = absl::Seconds(1)});
  world.Settle();
  world.RunFor(absl::Seconds(3));
  world.Partition({0, 1}, {2, 3});
  const std::string left = world.NewName(), right = world.NewName();
  ASSERT_OK(world.Put(0, left, "cart"));
  ASSERT_OK(world.Put(3, right, "cart"));
  world.RunFor(absl::Seconds(20));
  EXPECT_EQ(HolderOfCart(world, 1), std::pair(left, false));
  EXPECT_EQ(HolderOfCart(world, 2), std::pair(right, false));
  world.Heal();
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  const std::string first = HolderOfCart(world, 0).first;
  const std::string second = first == left ? right : left;
  world.RunFor(absl::Seconds(10));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(HolderOfCart(world, i), std::pair(first, true)) << i;
  ASSERT_OK(world.Delete(2, first));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(HolderOfCart(world, i), std::pair(second, true)) << i;
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(GossipScenario, ALateJoinerCatchesUpPageByPage) {
  SimWorld world({.seed = 11, .nodes = 3});
  world.Settle();
  const std::string text(100 << 10, 'x');
  for (int i = 0; i < 40; ++i) ASSERT_OK(world.Put(i % 3, world.NewName(), text));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  const int joiner = world.Join();
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(5)));
  EXPECT_EQ(world.Names(joiner).size(), 40u);
  world.Settle();
}

TEST(GossipScenario, AVanishedPushIsRepaired) {
  SimWorld world({.seed = 12, .nodes = 3});
  world.Settle();
  world.network().set_faults({.vanish = 1});
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(0, name, "lost on the way"));
  world.RunFor(absl::Milliseconds(30));
  world.network().set_faults({});
  EXPECT_EQ(world.Text(1, name), std::nullopt);
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(4)));
  EXPECT_EQ(world.Text(1, name), "lost on the way");
}

TEST(GossipScenario, AReplicaWithAFullDiskServesOnAndCatchesUp) {
  SimWorld world({.seed = 13, .nodes = 3});
  world.Settle();
  world.node(2).engine().FailWrites(absl::UnavailableError("disk full"));
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(0, name, "x"));
  EXPECT_THAT(world.Put(2, world.NewName(), "y"), StatusIs(absl::StatusCode::kUnavailable));
  world.RunFor(absl::Seconds(5));
  EXPECT_EQ(world.Text(2, name), std::nullopt);
  EXPECT_EQ(world.node(0).LivenessOf(world.node(2).id()), Liveness::kAlive);
  world.node(2).engine().FailWrites(absl::OkStatus());
  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(3)));
  EXPECT_THAT(world.Violations(), IsEmpty());
}

// `node`'s disk loses the entries of `names` and what would tell, but not the vector that says they
// are held.
void LoseEntries(SimNode& node, const std::set<std::string>& names) {
  node.Kill();
  storage::Batch loss;
  loss.Delete(storage::Table::kMeta, storage::kSumKey);
  for (const std::string& name : names) loss.Delete(storage::Table::kEntries, name);
  ASSERT_OK(node.engine().Scan(storage::Table::kByOrigin, "", "",
                               [&](absl::string_view key, absl::string_view name) {
                                 if (names.count(std::string(name)) > 0) {
                                   loss.Delete(storage::Table::kByOrigin, std::string(key));
                                 }
                                 return true;
                               }));
  ASSERT_OK(node.engine().Write(loss, storage::Durability::kSynced));
  node.Boot();
}

TEST(GossipScenario, EqualVectorsWithDifferentEntriesAreRepaired) {
  SimWorld world({.seed = 20, .nodes = 3});
  world.Settle();
  std::vector<std::string> names;
  for (int i = 0; i < 600; ++i) {
    names.push_back(world.NewName());
    ASSERT_OK(world.Put(i % 2, names.back(), "lost by a disk"));
  }
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  // Each lacks what the other has, of one origin even.
  LoseEntries(world.node(1), {names[4], names[5], names[599]});
  LoseEntries(world.node(2), {names[6], names[300]});
  EXPECT_EQ(world.Text(1, names[4]), std::nullopt);
  EXPECT_EQ(world.node(1).catalog().vector(), world.node(0).catalog().vector());

  EXPECT_TRUE(world.RunUntilConverged(absl::Seconds(30)));
  for (int node = 0; node < 3; ++node) {
    for (const std::string& name : names) EXPECT_EQ(world.Text(node, name), "lost by a disk");
  }
  EXPECT_GT(world.node(1).gossip().replication().divergences.value(), 0u);
  EXPECT_THAT(world.Violations(), IsEmpty());
}

// A copy of all that a disk holds, and the way back to it.
storage::Batch CopyOf(storage::Engine& engine) {
  storage::Batch copy;
  for (const storage::Table table : storage::kTables) {
    CHECK_OK(engine.Scan(table, "", "", [&](absl::string_view key, absl::string_view value) {
      copy.Put(table, key, value);
      return true;
    }));
  }
  return copy;
}

void Restore(storage::Engine& engine, const storage::Batch& copy) {
  storage::Batch wipe;
  for (const storage::Table table : storage::kTables) {
    CHECK_OK(engine.Scan(table, "", "", [&](absl::string_view key, absl::string_view) {
      wipe.Delete(table, key);
      return true;
    }));
  }
  CHECK_OK(engine.Write(wipe, storage::Durability::kSynced));
  CHECK_OK(engine.Write(copy, storage::Durability::kSynced));
}

TEST(GossipScenario, ADeleteThatAllHaveForgottenHoldsAgainstAnOldCopy) {
  SimWorld world({.seed = 77, .nodes = 4, .tombstone_rest = absl::Seconds(5)});
  world.Settle();
  const std::string deleted = world.NewName(), kept = world.NewName();
  ASSERT_OK(world.Put(1, deleted, "to be deleted"));
  ASSERT_OK(world.Put(1, kept, "kept"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  const storage::Batch copy = CopyOf(world.node(3).engine());
  ASSERT_OK(world.Delete(2, deleted));
  world.RunFor(absl::Minutes(1));
  for (int i = 0; i < 4; ++i) ASSERT_EQ(world.node(i).catalog().tombstone_count(), 0u) << i;

  world.node(3).Kill();
  Restore(world.node(3).engine(), copy);
  world.node(3).Boot();
  EXPECT_EQ(world.Text(3, deleted), "to be deleted");
  EXPECT_EQ(world.Text(3, kept), "kept");  // Served from the start.
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(world.Text(i, deleted), std::nullopt) << i;
    EXPECT_EQ(world.Text(i, kept), "kept") << i;
    EXPECT_FALSE(world.node(i).catalog().in_review()) << i;
  }
  world.RunFor(absl::Minutes(1));
  EXPECT_TRUE(world.Converged());
  ASSERT_OK(world.Put(3, world.NewName(), "it writes again"));
  EXPECT_TRUE(world.RunUntilConverged(kLater));
}

TEST(GossipScenario, WhileAnAgentIsAwayNothingIsForgotten) {
  SimWorld world({.seed = 78, .nodes = 4, .tombstone_rest = absl::Seconds(5)});
  world.Settle();
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(1, name, "x"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  world.node(3).Kill();
  ASSERT_OK(world.Delete(2, name));
  world.RunFor(absl::Minutes(3));
  EXPECT_EQ(world.node(0).catalog().tombstone_count(), 1u);
  world.node(3).Boot();
  world.RunFor(absl::Minutes(1));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(world.node(i).catalog().tombstone_count(), 0u) << i;
  EXPECT_TRUE(world.Converged());
}

TEST(GossipScenario, AnAgentRestoredFromAnOldCopyWritesOnAsAnotherIncarnation) {
  SimWorld world({.seed = 39, .nodes = 4});
  world.Settle();
  ASSERT_OK(world.Put(1, world.NewName(), "before the copy"));
  const storage::Batch copy = CopyOf(world.node(1).engine());
  const storage::Origin before = world.node(1).catalog().origin();
  const std::string forgotten = world.NewName();
  ASSERT_OK(world.Put(1, forgotten, "after the copy"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));

  world.node(1).Kill();
  Restore(world.node(1).engine(), copy);
  world.node(1).Boot();
  EXPECT_THAT(world.node(1).gossip().CheckWritable(), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_TRUE(world.RunUntil(absl::Seconds(4),
                             [&] { return world.node(1).gossip().CheckWritable().ok(); }));
  EXPECT_NE(world.node(1).catalog().origin(), before);
  ASSERT_OK(world.Put(1, world.NewName(), "under another number"));
  EXPECT_TRUE(world.RunUntilConverged(kLater));
  EXPECT_EQ(world.Text(1, forgotten), "after the copy");
  EXPECT_THAT(world.Violations(), IsEmpty());
}

TEST(GossipScenario, AnOrdinaryRestartKeepsItsIncarnation) {
  SimWorld world({.seed = 40, .nodes = 4});
  world.Settle();
  ASSERT_OK(world.Put(1, world.NewName(), "kept"));
  ASSERT_TRUE(world.RunUntilConverged(kLater));
  const storage::Origin before = world.node(1).catalog().origin();
  world.node(1).Kill();
  world.node(1).Boot();
  world.RunFor(absl::Seconds(5));
  EXPECT_OK(world.node(1).gossip().CheckWritable());
  EXPECT_EQ(world.node(1).catalog().origin(), before);
}

// --- Who is let in -------------------------------------------------------------------------------

// An agent of our own making, linked to node 0 of the world.
class Stranger final : public gossip::Transport::Receiver {
 public:
  Stranger(SimWorld& world, gossip::NodeId node) : transport_(world.network().Attach(node)) {
    transport_->SetReceiver(this);
    transport_->SetPeers({{world.node(0).id(), "sim:7950"}});
  }
  void OnLinkUp(gossip::NodeId peer) override {
    ++ups;
    transport_->Send(peer, first_frame);
  }
  void OnLinkDown(gossip::NodeId, const absl::Status&) override { ++downs; }
  void OnFrame(gossip::NodeId, const peer::v1::Frame& frame) override {
    if (!frame.has_hello()) ++served;  // More than a greeting: it was let in.
  }

  peer::v1::Frame first_frame;
  int ups = 0;
  int downs = 0;
  int served = 0;

 private:
  std::unique_ptr<SimTransport> transport_;
};

peer::v1::Frame GoodHello(gossip::NodeId node) {
  peer::v1::Frame frame;
  frame.mutable_hello()->set_mesh_id("simulated-mesh-1");
  frame.mutable_hello()->set_cluster_epoch(1);
  frame.mutable_hello()->set_protocol(1);
  frame.mutable_hello()->set_node(node);
  frame.mutable_hello()->set_boot(1);
  return frame;
}

struct HelloCase {
  const char* name;
  void (*spoil)(peer::v1::Frame& frame);
  bool admitted;
};

class HelloTest : public testing::TestWithParam<HelloCase> {};

TEST_P(HelloTest, DecidesWhetherTheLinkLives) {
  SimWorld world({.seed = 21, .nodes = 1});
  const int member = world.Join();
  world.Settle();
  world.node(member).Kill();  // And something else answers under its certificate.
  world.RunFor(absl::Seconds(1));
  Stranger stranger(world, world.node(member).id());
  stranger.first_frame = GoodHello(world.node(member).id());
  GetParam().spoil(stranger.first_frame);
  world.RunFor(absl::Seconds(1));
  EXPECT_GT(stranger.ups, 0);
  EXPECT_EQ(stranger.served > 0, GetParam().admitted);
  EXPECT_EQ(stranger.downs == 0, GetParam().admitted);
}

INSTANTIATE_TEST_SUITE_P(
    Spec, HelloTest,
    testing::Values(
        HelloCase{"GoodHello", [](peer::v1::Frame&) {}, true},
        HelloCase{"ForeignMesh",
                  [](peer::v1::Frame& f) { f.mutable_hello()->set_mesh_id("another-mesh-000"); },
                  false},
        HelloCase{"WrongEpoch", [](peer::v1::Frame& f) { f.mutable_hello()->set_cluster_epoch(2); },
                  false},
        HelloCase{"WrongProtocol", [](peer::v1::Frame& f) { f.mutable_hello()->set_protocol(2); },
                  false},
        HelloCase{"NodeOfAnotherCertificate",
                  [](peer::v1::Frame& f) { f.mutable_hello()->set_node(42); }, false},
        HelloCase{"ShortMeshId", [](peer::v1::Frame& f) { f.mutable_hello()->set_mesh_id("x"); },
                  false},
        HelloCase{"HeartbeatBeforeHello",
                  [](peer::v1::Frame& f) { f.mutable_heartbeat()->set_wall_micros(1); }, false},
        HelloCase{"EmptyFrame", [](peer::v1::Frame& f) { f.Clear(); }, false}),
    [](const auto& info) { return info.param.name; });

TEST(GossipScenario, AnUnknownPeerIsRefused) {
  SimWorld world({.seed = 22, .nodes = 2});
  world.Settle();
  Stranger stranger(world, 4711);
  stranger.first_frame = GoodHello(4711);
  world.RunFor(absl::Seconds(5));
  EXPECT_GT(stranger.ups, 1);
  EXPECT_EQ(stranger.ups, stranger.downs);
  EXPECT_EQ(stranger.served, 0);
}

TEST(GossipScenario, AnEvictedAgentIsRefusedForGood) {
  SimWorld world({.seed = 23, .nodes = 4});
  world.Settle();
  const gossip::NodeId evicted = world.node(3).id();
  ASSERT_OK(world.Evict(1, 3));
  world.RunFor(absl::Seconds(1));
  const std::string after = world.NewName();
  ASSERT_OK(world.Put(0, after, "not for the evicted"));
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.Text(3, after), std::nullopt);
  EXPECT_EQ(world.Text(2, after), "not for the evicted");
  for (const gossip::MemberView& view : world.node(0).gossip().View()) {
    EXPECT_NE(view.node, evicted);
  }
  // Neither its restart nor the others' changes that.
  for (int i = 0; i < 4; ++i) world.node(i).Kill();
  for (int i = 0; i < 4; ++i) world.node(i).Boot();
  world.RunFor(absl::Seconds(20));
  EXPECT_EQ(world.Text(3, after), std::nullopt);
}

TEST(GossipScenario, WhoKnowsNobodyAnyMoreIsFoundByTheOthers) {
  SimWorld world({.seed = 25, .nodes = 4});
  world.Settle();
  // Its data is lost, and the only agent that its configuration names is a member no more.
  world.node(3).engine().Corrupt();
  world.node(3).Kill();
  world.node(3).options().gossip.seeds = {{world.node(0).id(), "sim:7950"}};
  ASSERT_OK(world.Evict(1, 0));
  const std::string after = world.NewName();
  ASSERT_OK(world.Put(1, after, "for all that are left"));
  world.node(3).Boot();
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.Text(3, after), "for all that are left");
  EXPECT_EQ(world.Text(0, after), std::nullopt);
}

TEST(GossipScenario, MalformedFramesCloseTheLinkAndChangeNothing) {
  SimWorld world({.seed = 24, .nodes = 3});
  world.Settle();
  const storage::Root before = world.node(0).catalog().root();
  peer::v1::Frame frame;
  peer::v1::Frame heartbeat;
  heartbeat.mutable_heartbeat();
  frame.mutable_request()->add_ranges()->set_after(1);
  EXPECT_TRUE(world.node(1).transport().Send(world.node(0).id(), frame));
  storage::v1::Delta& delta = *frame.mutable_push()->add_deltas();
  delta.mutable_origin()->set_node(99);
  delta.set_up_to(1);
  delta.add_entries()->set_key("services/svc-0123456789abcdefg");
  EXPECT_TRUE(world.node(2).transport().Send(world.node(0).id(), frame));
  std::set<int> closed;  // Only for an instant: they are dialled again at once.
  for (int i = 0; i < 600; ++i) {
    world.RunFor(absl::Microseconds(100));
    for (const int peer : {1, 2}) {
      if (!world.node(0).transport().Send(world.node(peer).id(), heartbeat)) closed.insert(peer);
    }
  }
  EXPECT_THAT(closed, testing::ElementsAre(1, 2));
  EXPECT_EQ(world.node(0).catalog().root(), before);
  world.Settle();
}

}  // namespace
}  // namespace trellis::simulation
