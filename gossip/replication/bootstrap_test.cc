// Who is asked for what, and whose word makes a catalog whole. How the parts come together:
// tests/simulation/bootstrap_scenarios_test.cc.
#include "gossip/replication/bootstrap.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr NodeId kSelf = 1;

class BootstrapTest : public testing::Test {
 protected:
  BootstrapTest() {
    for (const NodeId peer : {2, 3, 4, 5}) bootstrap_.AddLink(peer);
  }

  static storage::VersionVector Origins(uint64_t count) {
    storage::VersionVector vector;
    for (uint64_t i = 1; i <= count; ++i) vector.Advance({i, 1}, 10);
    return vector;
  }

  void Heartbeat(NodeId peer, const storage::VersionVector& vector, bool partial = false) {
    peer::v1::Heartbeat heartbeat;
    heartbeat.set_root(catalog_->root().ToBytes());
    heartbeat.set_vector_hash(vector.Hash());
    heartbeat.set_partial(partial);
    bootstrap_.OnHeartbeat(peer, heartbeat);
  }
  // As it is when nothing was written yet.
  void Agree(NodeId peer) { Heartbeat(peer, {}); }
  // Asked what it holds, `peer` says so; meanwhile it holds more.
  void Says(NodeId peer, const storage::VersionVector& vector) {
    Heartbeat(peer, Origins(77));
    peer::v1::Holdings holdings;
    vector.ToProto(holdings.mutable_holds());
    holdings.set_root(std::string(16, 'r'));
    holdings.set_entries(1000);
    bootstrap_.OnHoldings(peer, holdings);
  }
  // The nodes of the origins that `peer` was asked for last.
  std::vector<uint64_t> AskedFor(NodeId peer) const {
    std::vector<uint64_t> nodes;
    for (const auto& [to, frame] : sent_) {
      if (to != peer || !frame.has_request()) continue;
      EXPECT_TRUE(frame.request().bulk());
      nodes.clear();
      for (const auto& range : frame.request().ranges()) nodes.push_back(range.origin().node());
    }
    return nodes;
  }
  int Inquiries(NodeId peer) const {
    int count = 0;
    for (const auto& [to, frame] : sent_) count += to == peer && frame.has_inquiry();
    return count;
  }

  SimScheduler scheduler_;
  SeededRandom random_{7};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{{.node = kSelf}};
  std::unique_ptr<storage::Catalog> catalog_ = *storage::Catalog::Open(
      {std::string(16, 'm'), kSelf, &authorship_}, engine_, {scheduler_, random_});
  ReplicationCounters counters_;
  std::vector<std::pair<NodeId, peer::v1::Frame>> sent_;
  Bootstrap::Others others_{.members = 4, .alive = 4};
  Bootstrap bootstrap_{*catalog_,
                       {scheduler_, random_},
                       counters_,
                       [this](NodeId to, const peer::v1::Frame& frame) {
                         sent_.emplace_back(to, frame);
                         return true;
                       },
                       [this] { return others_; }};
};

// --- Fetching ------------------------------------------------------------------------------------

TEST_F(BootstrapTest, AWholePeerIsAskedWhatItHoldsAndAPartialOneIsNot) {
  Heartbeat(2, Origins(3));
  Heartbeat(3, Origins(3), /*partial=*/true);
  EXPECT_EQ(Inquiries(2), 1);
  EXPECT_EQ(Inquiries(3), 0);
  Heartbeat(2, Origins(3));
  EXPECT_EQ(Inquiries(2), 1) << "its answer may still come";
  scheduler_.RunFor(Bootstrap::kPageTime);
  Heartbeat(2, Origins(3));
  EXPECT_EQ(Inquiries(2), 2);
  EXPECT_TRUE(bootstrap_.Fetching());
}

TEST_F(BootstrapTest, ThreePeersAreAskedForDisjointOrigins) {
  for (const NodeId peer : {2, 3, 4, 5}) Says(peer, Origins(9));
  EXPECT_THAT(AskedFor(2), ElementsAre(1, 2, 3));
  EXPECT_THAT(AskedFor(3), ElementsAre(4, 5));
  EXPECT_THAT(AskedFor(4), ElementsAre(6, 7));
  EXPECT_THAT(AskedFor(5), IsEmpty()) << "one page each of three is enough at a time";
  EXPECT_EQ(bootstrap_.progress()->ToString(),
            "bootstrapping: 0 of about 1000 entries from 0 peers");
}

TEST_F(BootstrapTest, AsMuchAsOneRequestMayHoldIsAskedFor) {
  Says(2, Origins(10000));
  EXPECT_THAT(AskedFor(2), SizeIs(Bootstrap::kMaxOrigins));
}

TEST_F(BootstrapTest, WhatAPeerThatGoesWasToBringIsAskedOfAnother) {
  for (const NodeId peer : {2, 3, 4, 5}) Says(peer, Origins(9));
  bootstrap_.RemoveLink(2);
  EXPECT_THAT(AskedFor(5), ElementsAre(1, 2));
}

TEST_F(BootstrapTest, WhatDoesNotComeInTimeIsAskedOfAnother) {
  Says(2, Origins(1));
  Says(3, Origins(1));
  EXPECT_THAT(AskedFor(2), ElementsAre(1));
  EXPECT_THAT(AskedFor(3), IsEmpty());
  scheduler_.RunFor(Bootstrap::kPageTime);
  Heartbeat(3, Origins(1));
  EXPECT_THAT(AskedFor(3), ElementsAre(1));
}

TEST_F(BootstrapTest, WhoSendsNothingOfUseIsLetAloneForAWhileAndAskedAnewWhatItHolds) {
  Says(2, Origins(1));
  bootstrap_.OnPage(2, /*more=*/false);
  EXPECT_TRUE(bootstrap_.Fetching());
  const size_t sent = sent_.size();
  Heartbeat(2, Origins(1));
  EXPECT_EQ(sent_.size(), sent);
  scheduler_.RunFor(Bootstrap::kPageTime);
  Heartbeat(2, Origins(1));
  EXPECT_EQ(Inquiries(2), 2);
}

// --- Being whole ---------------------------------------------------------------------------------

TEST_F(BootstrapTest, TwoThatAgreeAreEnough) {
  Agree(2);
  EXPECT_FALSE(catalog_->whole());
  Agree(3);
  EXPECT_TRUE(catalog_->whole());
  EXPECT_EQ(bootstrap_.progress(), std::nullopt);
  EXPECT_FALSE(bootstrap_.Fetching());
}

TEST_F(BootstrapTest, TheOnlyOtherIsEnough) {
  others_ = {.members = 3, .alive = 1};
  Agree(2);
  EXPECT_TRUE(catalog_->whole());
}

TEST_F(BootstrapTest, TheOnlyOneThatIsWholeIsEnough) {
  others_ = {.members = 2, .alive = 2};
  Heartbeat(3, {}, /*partial=*/true);
  EXPECT_FALSE(catalog_->whole());
  Agree(2);
  EXPECT_TRUE(catalog_->whole());
}

TEST_F(BootstrapTest, OneIsEnoughInTheEndWhereOthersCannotBeReached) {
  Agree(2);
  scheduler_.RunFor(Bootstrap::kLoneWord - absl::Milliseconds(1));
  Agree(2);
  EXPECT_FALSE(catalog_->whole());
  scheduler_.RunFor(absl::Milliseconds(1));
  Agree(2);
  EXPECT_TRUE(catalog_->whole());
}

TEST_F(BootstrapTest, OneIsNeverEnoughWhileAnotherSaysMore) {
  others_.alive = 2;
  Agree(2);
  Heartbeat(3, Origins(1));
  scheduler_.RunFor(absl::Minutes(10));
  Agree(2);
  EXPECT_FALSE(catalog_->whole());
}

TEST_F(BootstrapTest, PeersThatWriteOnAgreeWithWhatTheyHeldWhenAsked) {
  for (const NodeId peer : {2, 3}) Says(peer, {});
  scheduler_.RunFor(Bootstrap::kMoving);
  Heartbeat(2, Origins(1));
  EXPECT_FALSE(catalog_->whole());
  Heartbeat(3, Origins(2));
  EXPECT_TRUE(catalog_->whole());
}

TEST_F(BootstrapTest, EqualVectorsOverUnequalRootsAreNoAgreement) {
  for (int second = 0; second < 600; ++second) {
    for (const NodeId peer : {2, 3}) {
      peer::v1::Heartbeat heartbeat;
      heartbeat.set_root(std::string(16, 'r'));
      bootstrap_.OnHeartbeat(peer, heartbeat);
    }
    scheduler_.RunFor(absl::Seconds(1));
  }
  EXPECT_FALSE(catalog_->whole());
}

TEST_F(BootstrapTest, WhereNobodyIsWholeWhatAllHoldIsAllThereIs) {
  for (int second = 0; second <= absl::ToInt64Seconds(Bootstrap::kNobodyWhole); ++second) {
    EXPECT_FALSE(catalog_->whole()) << second;
    for (const NodeId peer : {2, 3, 4, 5}) Heartbeat(peer, {}, /*partial=*/true);
    scheduler_.RunFor(absl::Seconds(1));
  }
  EXPECT_TRUE(catalog_->whole());
}

TEST_F(BootstrapTest, WhoIsAwayMayBeWhole) {
  others_.alive = 3;
  for (int second = 0; second < 600; ++second) {
    for (const NodeId peer : {2, 3, 4, 5}) Heartbeat(peer, {}, /*partial=*/true);
    scheduler_.RunFor(absl::Seconds(1));
  }
  EXPECT_FALSE(catalog_->whole());
}

TEST_F(BootstrapTest, WhatTheDiskRefusesToKeepIsTriedAgain) {
  engine_.FailWrites(absl::UnavailableError("disk full"));
  Agree(2);
  Agree(3);
  EXPECT_FALSE(catalog_->whole());
  engine_.FailWrites(absl::OkStatus());
  Agree(2);
  EXPECT_TRUE(catalog_->whole());
}

}  // namespace
}  // namespace trellis::gossip
