#include "gossip/health/shard.h"

#include <string>

#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gtest/gtest.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using routing::Opinion;
using routing::OpinionList;
using storage::FakeAuthorship;

constexpr NodeId kHere = 1;
constexpr NodeId kAdmin = 2;
constexpr NodeId kWorker = 3;

OpinionList Healthy(uint64_t identity) {
  OpinionList list(identity, 1);
  list.Say(0, Opinion::kHealthy);
  return list;
}

// The catalog of node 1 has heard of nobody.
class ShardTest : public testing::Test {
 protected:
  ShardTest() {
    storage::Catalog::Options options;
    options.mesh_id = scope_.mesh_id;
    options.node = kHere;
    options.authorship = &here_;
    catalog_ = *storage::Catalog::Open(options, engine_, {scheduler_, random_});
  }

  Shard Sign(FakeAuthorship& by, NodeId as, std::vector<OpinionList> lists, bool known = false) {
    return SignShard(scope_, {as, 7}, {1, 1}, std::move(lists), *by.Read(by.certificate()), known,
                     by);
  }
  absl::StatusOr<Shard> Receive(const peer::v1::SignedShard& message) {
    absl::StatusOr<Shard> shard = ReadShard(message);
    if (!shard.ok()) return shard;
    const absl::Status verified = VerifyShard(scope_, *catalog_, here_, &*shard);
    if (!verified.ok()) return verified;
    return shard;
  }

  const storage::SealScope scope_{.mesh_id = "simulated-mesh-1"};
  SimScheduler scheduler_;
  SeededRandom random_{1};
  storage::MemoryEngine engine_;
  FakeAuthorship here_{kHere};
  FakeAuthorship admin_{kAdmin};
  FakeAuthorship worker_{
      FakeAuthorship::Options{.node = kWorker, .admin = false, .addresses = {"10.0.0.3"}}};
  std::unique_ptr<storage::Catalog> catalog_;
};

TEST_F(ShardTest, ArrivesAsItWasSigned) {
  const auto shard = Receive(Sign(admin_, kAdmin, {Healthy(5), Healthy(9)}).message);
  ASSERT_OK(shard.status());
  EXPECT_EQ(shard->checker(), kAdmin);
  EXPECT_EQ(shard->version, (ShardVersion{1, 1}));
  ASSERT_EQ(shard->lists.size(), 2u);
  ASSERT_NE(shard->Find(9), nullptr);
  EXPECT_EQ(shard->Find(9)->Of(0), Opinion::kHealthy);
  EXPECT_EQ(shard->Find(7), nullptr);
}

TEST_F(ShardTest, AnAdminCountsEverywhereAndAWorkerAtItsOwnHost) {
  const auto admins = Receive(Sign(admin_, kAdmin, {Healthy(5)}).message);
  ASSERT_OK(admins.status());
  EXPECT_TRUE(admins->CountsAt("10.0.0.3"));
  const auto workers = Receive(Sign(worker_, kWorker, {Healthy(5)}).message);
  ASSERT_OK(workers.status());
  EXPECT_TRUE(workers->CountsAt("10.0.0.3"));
  EXPECT_FALSE(workers->CountsAt("10.0.0.4"));
}

TEST_F(ShardTest, InAnothersNameIsRefused) {
  EXPECT_THAT(Receive(Sign(worker_, kAdmin, {Healthy(5)}).message).status(),
              StatusIs(absl::StatusCode::kUnauthenticated));
  peer::v1::SignedShard with_its_certificate = Sign(worker_, kAdmin, {Healthy(5)}).message;
  with_its_certificate.set_certificate(admin_.certificate());
  EXPECT_THAT(Receive(with_its_certificate).status(), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ShardTest, ChangedOnTheWayIsRefused) {
  peer::v1::SignedShard message = Sign(admin_, kAdmin, {Healthy(5)}).message;
  peer::v1::HealthShard shard;
  ASSERT_TRUE(shard.ParseFromString(message.shard()));
  std::swap(*shard.mutable_lists(0)->mutable_healthy(),
            *shard.mutable_lists(0)->mutable_unhealthy());
  message.set_shard(shard.SerializeAsString());
  EXPECT_THAT(Receive(message).status(), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ShardTest, OfAnotherMeshIsRefused) {
  FakeAuthorship foreign(FakeAuthorship::Options{.node = kAdmin, .root = "another"});
  EXPECT_THAT(Receive(Sign(foreign, kAdmin, {Healthy(5)}).message).status(),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ShardTest, WithoutAKnownAuthorIsNobodysFault) {
  EXPECT_THAT(Receive(Sign(admin_, kAdmin, {Healthy(5)}, /*known=*/true).message).status(),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ShardTest, WhatDoesNotFitIsLeftOut) {
  std::vector<OpinionList> lists;
  for (uint64_t i = 0; i < 10000; ++i) lists.push_back(Healthy(i));
  const Shard admins = Sign(admin_, kAdmin, lists);
  EXPECT_EQ(admins.lists.size(), lists.size());
  const Shard workers = Sign(worker_, kWorker, lists);
  EXPECT_GT(workers.lists.size(), 100u);
  EXPECT_LT(workers.lists.size(), lists.size());
  EXPECT_OK(Receive(workers.message).status());
}

struct BadShardCase {
  const char* name;
  void (*spoil)(peer::v1::HealthShard& shard);
  const char* complaint;
};
class BadShardTest : public testing::TestWithParam<BadShardCase> {};

TEST_P(BadShardTest, IsRefused) {
  peer::v1::HealthShard shard;
  shard.mutable_origin()->set_node(kAdmin);
  shard.set_boot(1);
  for (const uint64_t identity : {5, 9}) {
    shard.add_lists()->set_identity(identity);
    shard.mutable_lists()->rbegin()->set_size(3);
  }
  peer::v1::SignedShard message;
  message.set_shard(shard.SerializeAsString());
  ASSERT_OK(ReadShard(message).status());
  GetParam().spoil(shard);
  message.set_shard(shard.SerializeAsString());
  EXPECT_THAT(ReadShard(message).status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                                    testing::HasSubstr(GetParam().complaint)));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, BadShardTest,
    testing::ValuesIn(std::vector<BadShardCase>{
        {"OfNobody", [](auto& s) { s.clear_origin(); }, "origin.node"},
        {"TheLastProcessThereIs", [](auto& s) { s.set_boot(~0ULL); }, "boot"},
        {"TheLastCountThereIs", [](auto& s) { s.set_counter(~0ULL); }, "counter"},
        {"OutOfOrder", [](auto& s) { s.mutable_lists(1)->set_identity(4); }, "identity"},
        {"Twice", [](auto& s) { s.mutable_lists(1)->set_identity(5); }, "identity"},
        {"BeyondTheEnd", [](auto& s) { s.mutable_lists(0)->set_healthy("\x08"); }, "bitmaps"},
        {"Both",
         [](auto& s) {
           s.mutable_lists(0)->set_healthy("\x01");
           s.mutable_lists(0)->set_unhealthy("\x01");
         },
         "bitmaps"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(ReadShardTest, NoProtoIsRefused) {
  peer::v1::SignedShard message;
  message.set_shard("\xff\xff");
  EXPECT_THAT(ReadShard(message).status(), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace trellis::gossip
