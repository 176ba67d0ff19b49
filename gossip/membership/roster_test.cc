#include "gossip/membership/roster.h"

#include <map>
#include <memory>
#include <string>

#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using testing::HasSubstr;
using Members = std::map<NodeId, std::string>;

class RosterTest : public testing::Test {
 protected:
  void SetUp() override {
    auto catalog = storage::Catalog::Open({std::string(16, 'm'), 1, &authorship_}, engine_,
                                          {scheduler_, random_});
    ASSERT_OK(catalog);
    catalog_ = *std::move(catalog);
  }
  void Write(NodeId node, const std::string& address) {
    const std::string name = resource::AgentName(node);
    const auto record = catalog_->FindRecord(name);
    v1::Resource agent;
    agent.mutable_agent()->set_name(name);
    agent.mutable_agent()->set_mesh_address(address);
    ASSERT_OK(catalog_->Commit({{name, agent, record ? record->version : storage::Version()}}));
  }
  void Evict(NodeId node) {
    const std::string name = resource::AgentName(node);
    ASSERT_OK(catalog_->Commit({{name, std::nullopt, catalog_->FindRecord(name)->version}}));
  }

  SimScheduler scheduler_;
  SeededRandom random_{1};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{1};
  std::unique_ptr<storage::Catalog> catalog_;
};

TEST_F(RosterTest, RecordsAreMembersAndOurOwnIsNot) {
  Write(1, "self:1");
  Write(2, "two:1");
  Roster roster(1, {}, *catalog_);
  EXPECT_EQ(roster.members(), (Members{{2, "two:1"}}));
  EXPECT_OK(roster.Admits(2));
  EXPECT_THAT(roster.Admits(1), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("own")));
  EXPECT_THAT(roster.Admits(3), StatusIs(absl::StatusCode::kNotFound,
                                         HasSubstr("agents/0000000000000003 is not in")));
}

TEST_F(RosterTest, ASeedStandsInUntilItsRecordArrives) {
  Roster roster(1, {{2, "seed:1"}, {1, "self:1"}}, *catalog_);
  EXPECT_EQ(roster.members(), (Members{{2, "seed:1"}}));
  Write(2, "moved:1");
  EXPECT_TRUE(roster.Refresh());
  EXPECT_EQ(roster.members(), (Members{{2, "moved:1"}}));
  EXPECT_FALSE(roster.Refresh());
}

TEST_F(RosterTest, OnceTheCatalogIsWholeWhoHasNoRecordIsNoMember) {
  Roster roster(1, {{2, "seed:1"}, {3, "seed:1"}}, *catalog_);
  Write(2, "two:1");
  ASSERT_OK(catalog_->SetWhole());
  EXPECT_TRUE(roster.Refresh());
  EXPECT_EQ(roster.members(), (Members{{2, "two:1"}}));
  EXPECT_THAT(roster.Admits(3), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RosterTest, AnEvictedSeedStaysOut) {
  Write(2, "two:1");
  Roster roster(1, {{2, "seed:1"}}, *catalog_);
  Evict(2);
  EXPECT_TRUE(roster.Refresh());
  EXPECT_TRUE(roster.members().empty());
  EXPECT_TRUE(roster.nodes().empty());
  EXPECT_THAT(roster.Admits(2),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicted")));
}

TEST_F(RosterTest, MembersHaveAddresses) {
  Write(2, "two:1");
  Write(3, "three:1");
  Roster roster(1, {}, *catalog_);
  EXPECT_EQ(roster.nodes(), (std::set<NodeId>{2, 3}));
  std::vector<PeerAddress> addresses;
  roster.AddAddresses({3, 4}, &addresses);
  EXPECT_EQ(addresses, (std::vector<PeerAddress>{{3, "three:1"}}));
}

}  // namespace
}  // namespace trellis::gossip
