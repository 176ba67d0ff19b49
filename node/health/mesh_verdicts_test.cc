#include "node/health/mesh_verdicts.h"

#include <map>

#include "gtest/gtest.h"
#include "node/snapshot/fake_catalog.h"

namespace trellis::health {
namespace {

using routing::Opinion;
using routing::TargetHealth;

constexpr char kGroup[] = "targetGroups/tg-1";
constexpr char kSecond[] = "targetGroups/tg-1/targets/10.0.0.2:8080";

net::Endpoint At(int host) {
  return *net::Endpoint::FromAddress("10.0.0." + std::to_string(host), 8080);
}

// A group of two targets that this agent does not check.
class MeshVerdictsTest : public testing::Test {
 protected:
  MeshVerdictsTest() {
    catalog_.Put(kGroup, R"(target_group { type: IP port: 8080 })");
    catalog_.Put("targetGroups/tg-1/targets/10.0.0.1:8080", R"(target { id: "10.0.0.1" })");
    catalog_.Put(kSecond, R"(target { id: "10.0.0.2" })");
  }

  std::optional<Verdict> Get(int host) { return verdicts_.Get({kGroup, At(host)}); }

  FakeCatalog catalog_;
  // Of the target 10.0.0.2.
  std::vector<gossip::CheckerOpinion> said_;
  uint64_t list_ = routing::ListIdentity(kGroup, {At(1), At(2)});
  uint32_t index_ = 1;
  MeshVerdicts verdicts_{
      catalog_, [this](uint64_t list, uint32_t index, absl::string_view address) {
        const bool asked = list == list_ && index == index_ && address == "10.0.0.2";
        return asked ? said_ : std::vector<gossip::CheckerOpinion>();
      }};
};

TEST_F(MeshVerdictsTest, NobodySaysAnything) { EXPECT_FALSE(Get(2).has_value()); }

TEST_F(MeshVerdictsTest, AllSayUnhealthy) {
  said_ = {{7, Opinion::kUnhealthy}, {8, Opinion::kUnhealthy}};
  ASSERT_TRUE(Get(2).has_value());
  EXPECT_EQ(Get(2)->health, TargetHealth::kUnhealthy);
  EXPECT_EQ(Get(2)->reason_code, kUnhealthyForOthers);
  EXPECT_FALSE(Get(1).has_value()) << "of another target";
  EXPECT_FALSE(Get(3).has_value()) << "of none";
}

TEST_F(MeshVerdictsTest, OneSaysHealthy) {
  said_ = {{7, Opinion::kUnhealthy}, {8, Opinion::kHealthy}};
  ASSERT_TRUE(Get(2).has_value());
  EXPECT_EQ(Get(2)->health, TargetHealth::kHealthy);
  EXPECT_EQ(Get(2)->reason_code, "");
}

TEST_F(MeshVerdictsTest, AnotherSetOfTargetsIsAnotherList) {
  said_ = {{7, Opinion::kHealthy}};
  ASSERT_TRUE(Get(2).has_value());
  catalog_.Delete("targetGroups/tg-1/targets/10.0.0.1:8080");
  verdicts_.CatalogChanged();
  EXPECT_FALSE(Get(2).has_value());
  list_ = routing::ListIdentity(kGroup, {At(2)});
  index_ = 0;
  EXPECT_TRUE(Get(2).has_value());
}

TEST_F(MeshVerdictsTest, KeepsWhatWasWhenNobodyKnows) {
  EXPECT_EQ(verdicts_.Of(list_, 1, At(2), Opinion::kUnhealthy), Opinion::kUnhealthy);
  said_ = {{7, Opinion::kHealthy}};
  EXPECT_EQ(verdicts_.Of(list_, 1, At(2), Opinion::kUnhealthy), Opinion::kHealthy);
}

}  // namespace
}  // namespace trellis::health
