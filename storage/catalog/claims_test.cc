// Who holds a name or a domain that two resources claim.
#include "storage/catalog/claims.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kNetwork[] = "serviceNetworks/sn-00000000000000001";
constexpr char kCart[] = "services//cart";  // What a service called so claims.

// --- The pure function ---------------------------------------------------------------------------

// Written by agent `node` at `hlc`, as its transaction `sequence`.
Claim ClaimOf(const std::string& claimant, uint64_t hlc, NodeId node, uint64_t sequence) {
  return {claimant, {{{hlc, node}, {node, 1}, sequence}}};
}
VersionVector Settled(NodeId node, uint64_t head) {
  VersionVector settled;
  settled.Advance({node, 1}, head);
  return settled;
}

struct HolderCase {
  const char* name;
  std::vector<Claim> rivals;
  VersionVector settled;
  const char* holder;
};

class HolderTest : public testing::TestWithParam<HolderCase> {};

TEST_P(HolderTest, IsTheSameInWhateverOrderClaimsCame) {
  std::vector<Claim> rivals = GetParam().rivals;
  const auto by_name = [](const Claim& a, const Claim& b) { return a.claimant < b.claimant; };
  std::sort(rivals.begin(), rivals.end(), by_name);
  do {
    EXPECT_EQ(HolderOf(rivals, GetParam().settled).claimant, GetParam().holder);
  } while (std::next_permutation(rivals.begin(), rivals.end(), by_name));
}

INSTANTIATE_TEST_SUITE_P(
    Spec, HolderTest,
    testing::ValuesIn(std::vector<HolderCase>{
        {"TheEarliest", {ClaimOf("a", 30, 1, 3), ClaimOf("b", 20, 2, 9)}, {}, "b"},
        {"OfOneMomentTheLesserAgents", {ClaimOf("a", 20, 2, 3), ClaimOf("b", 20, 1, 9)}, {}, "b"},
        {"OfOneWriteTheLesserName", {ClaimOf("b", 20, 1, 3), ClaimOf("a", 20, 1, 3)}, {}, "a"},
        {"TheSettledOne",
         {ClaimOf("a", 30, 1, 3), ClaimOf("b", 20, 2, 9), ClaimOf("c", 10, 3, 1)},
         Settled(1, 3),
         "a"},
        {"NotWhatCameAfterItWasSettled",
         {ClaimOf("a", 30, 1, 4), ClaimOf("b", 20, 2, 9)},
         Settled(1, 3),
         "b"},
        {"OfTwoSettledTheEarliest",
         {ClaimOf("a", 30, 1, 3), ClaimOf("b", 20, 1, 2), ClaimOf("c", 10, 3, 1)},
         Settled(1, 3),
         "b"},
        {"OfTwoBirthsTheLater",
         {{"a", {{{10, 1}, {1, 1}, 1}, {{40, 1}, {1, 1}, 4}}}, ClaimOf("b", 30, 2, 9)},
         {},
         "b"},
        {"SettledWhenBothBirthsAre",
         {{"a", {{{10, 1}, {1, 1}, 1}, {{40, 1}, {1, 1}, 4}}}, ClaimOf("b", 30, 2, 9)},
         Settled(1, 3),
         "b"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(NextSettledTest, CoversEveryBirth) {
  const Claims claims = {{"x", {ClaimOf("a", 30, 1, 3)}}, {"y", {ClaimOf("b", 20, 1, 7)}}};
  EXPECT_EQ(NextSettled(claims, {}), Settled(1, 7));
}

TEST(NextSettledTest, TakesNothingFromWhoHoldsASettledClaim) {
  // b's clock was behind, and it comes to light after a's claim was settled.
  const Claims claims = {{"x", {ClaimOf("a", 30, 1, 3), ClaimOf("b", 20, 2, 9)}},
                         {"y", {ClaimOf("c", 21, 2, 10)}},
                         {"z", {ClaimOf("d", 19, 2, 8)}}};
  VersionVector settled = Settled(1, 3);
  for (int i = 0; i < 3; ++i) {
    settled = NextSettled(claims, settled);
    EXPECT_EQ(settled.head({1, 1}), 3u);
    EXPECT_EQ(settled.head({2, 1}), 8u);
    EXPECT_EQ(HolderOf(claims.at("x"), settled).claimant, "a");
  }
  // Once a lets go.
  EXPECT_EQ(NextSettled({{"x", {ClaimOf("b", 20, 2, 9)}}}, settled).head({2, 1}), 9u);
}

TEST(NextSettledTest, NeverChangesASettledHolder) {
  SeededRandom random(7);
  for (int round = 0; round < 20000; ++round) {
    Claims claims;
    VersionVector settled;
    for (NodeId node = 1; node <= 3; ++node) settled.Advance({node, 1}, random.Uniform(6));
    for (int i = 0; i < 8; ++i) {
      Claim claim{absl::StrCat("svc", i), {}};
      for (uint64_t births = 1 + random.Uniform(2); births > 0; --births) {
        const NodeId node = 1 + random.Uniform(3);
        claim.births.push_back({{1 + random.Uniform(20), node}, {node, 1}, 1 + random.Uniform(8)});
      }
      claims[absl::StrCat(random.Uniform(3))].push_back(claim);
    }
    const VersionVector next = NextSettled(claims, settled);
    for (const auto& [what, rivals] : claims) {
      const Claim& holder = HolderOf(rivals, settled);
      if (!holder.IsSettled(settled)) continue;
      ASSERT_EQ(HolderOf(rivals, next).claimant, holder.claimant) << "round " << round;
      ASSERT_TRUE(holder.IsSettled(next)) << "round " << round;
    }
  }
}

// --- In the catalog ------------------------------------------------------------------------------

Change PutAssociation(int service, const char* network = kNetwork) {
  const std::string name = absl::StrFormat("serviceAssociations/snsa-%017d", service);
  trellis::v1::Resource resource;
  resource.mutable_service_association()->set_name(name);
  resource.mutable_service_association()->set_service(ServiceName(service));
  resource.mutable_service_association()->set_service_network(network);
  return {name, resource, {}};
}

class ClaimsTest : public testing::Test {
 protected:
  void Meet() {
    a_.PullFrom(b_);
    b_.PullFrom(a_);
    ASSERT_EQ(a_.catalog->root(), b_.catalog->root());
  }
  void Pass(absl::Duration time) {
    a_.scheduler.RunFor(time);
    b_.scheduler.RunFor(time);
  }
  void Update(TestNode& node, int service, const std::string& label) {
    ASSERT_OK(
        node.catalog->Commit({PutService(service, label, node.VersionOf(ServiceName(service)))}));
  }
  void Delete(TestNode& node, int service) {
    const std::string name = ServiceName(service);
    ASSERT_OK(node.catalog->Commit({DeleteName(name, node.VersionOf(name))}));
  }
  static std::string Holder(const TestNode& node, const std::string& what = kCart) {
    const Claims claims = ClaimsIn(*node.catalog);
    const auto rivals = claims.find(what);
    return rivals == claims.end() ? "" : HolderOf(rivals->second, node.catalog->settled()).claimant;
  }
  static bool IsSettled(const TestNode& node, const std::string& what = kCart) {
    const Claims claims = ClaimsIn(*node.catalog);
    return HolderOf(claims.at(what), node.catalog->settled()).IsSettled(node.catalog->settled());
  }
  // One name on two sides: service 1 of `a_` first, then service 2 of `b_`.
  void TakeOnBothSides() {
    ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
    Pass(absl::Seconds(1));
    ASSERT_OK(b_.catalog->Commit({PutService(2, "cart")}));
  }

  TestNode a_{1};
  TestNode b_{2};
};

TEST_F(ClaimsTest, WhoTookItFirstHoldsItEverywhere) {
  TakeOnBothSides();
  EXPECT_EQ(Holder(b_), ServiceName(2));
  Meet();
  EXPECT_EQ(Holder(a_), ServiceName(1));
  EXPECT_EQ(Holder(b_), ServiceName(1));
}

TEST_F(ClaimsTest, AnUpdateDoesNotLoseIt) {
  TakeOnBothSides();
  Meet();
  Update(a_, 1, "cart");
  Update(b_, 2, "cart");
  Meet();
  Update(b_, 1, "cart");
  EXPECT_EQ(Holder(b_), ServiceName(1));
  a_.Open();
  EXPECT_EQ(Holder(a_), ServiceName(1));
  EXPECT_EQ(a_.catalog->FindRecord(ServiceName(2))->birth().origin, b_.catalog->origin());
}

TEST_F(ClaimsTest, TheNextHoldsItWhenTheHolderLetsGo) {
  TakeOnBothSides();
  Meet();
  Update(b_, 1, "till");
  EXPECT_EQ(Holder(b_), ServiceName(2));
  Update(b_, 1, "cart");  // Too late.
  EXPECT_EQ(Holder(b_), ServiceName(2));
  Delete(a_, 2);
  Meet();
  EXPECT_EQ(Holder(a_), ServiceName(1));
}

TEST_F(ClaimsTest, ADomainIsHeldInANetwork) {
  Change first = PutService(1, "one");
  first.resource->mutable_service()->set_custom_domain("Cart.example");
  ASSERT_OK(a_.catalog->Commit({first}));
  Pass(absl::Seconds(1));
  Change second = PutService(2, "two");
  second.resource->mutable_service()->set_custom_domain("cart.example");
  ASSERT_OK(b_.catalog->Commit({second}));
  ASSERT_OK(b_.catalog->Commit({PutAssociation(2)}));
  Pass(absl::Seconds(1));
  // The service is older, its being in the network is not.
  ASSERT_OK(a_.catalog->Commit({PutAssociation(1)}));
  Meet();
  EXPECT_EQ(Holder(a_, DomainIn(kNetwork, "cart.example")), ServiceName(2));
  EXPECT_EQ(Holder(a_, DomainIn("serviceNetworks/sn-2", "cart.example")), "");
}

TEST_F(ClaimsTest, ASettledClaimHoldsAgainstAnEarlierOne) {
  a_.scheduler.RunFor(absl::Seconds(5));  // The clock of `b_` is behind.
  ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
  ASSERT_OK(a_.catalog->SettleClaims());
  EXPECT_TRUE(IsSettled(a_));
  ASSERT_OK(b_.catalog->Commit({PutService(2, "cart")}));
  EXPECT_FALSE(IsSettled(b_));
  Meet();
  EXPECT_EQ(Holder(a_), ServiceName(1));
  EXPECT_EQ(Holder(b_), ServiceName(1));
  ASSERT_OK(b_.catalog->SettleClaims());
  Meet();
  EXPECT_EQ(Holder(a_), ServiceName(1));
  a_.Open();
  EXPECT_EQ(Holder(a_), ServiceName(1));
  EXPECT_TRUE(IsSettled(a_));
}

TEST_F(ClaimsTest, WhoHearsOfASettlementTellsItsListeners) {
  a_.scheduler.RunFor(absl::Seconds(5));  // The clock of `b_` is behind.
  ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
  ASSERT_OK(b_.catalog->Commit({PutService(2, "cart")}));
  b_.PullFrom(a_);
  EXPECT_EQ(Holder(b_), ServiceName(2));
  int told = 0;
  b_.catalog->Subscribe([&](const Applied& applied) { told += applied.claims_settled ? 1 : 0; });
  ASSERT_OK(a_.catalog->SettleClaims());
  b_.PullFrom(a_);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(Holder(b_), ServiceName(1));
}

TEST_F(ClaimsTest, SettlingAgainWritesNothing) {
  ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
  ASSERT_OK(a_.catalog->SettleClaims());
  const VersionVector vector = a_.catalog->vector();
  ASSERT_OK(a_.catalog->SettleClaims());
  EXPECT_EQ(a_.catalog->vector(), vector);
  EXPECT_EQ(a_.catalog->live_count(), 1u);
  EXPECT_EQ(a_.catalog->tombstone_count(), 0u);
}

TEST_F(ClaimsTest, SettlementsOfTwoAgentsBothCount) {
  ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
  ASSERT_OK(b_.catalog->Commit({PutService(2, "till")}));
  ASSERT_OK(a_.catalog->SettleClaims());
  ASSERT_OK(b_.catalog->SettleClaims());
  Meet();
  EXPECT_TRUE(IsSettled(a_));
  EXPECT_TRUE(IsSettled(a_, "services//till"));
  EXPECT_EQ(a_.catalog->settled(), b_.catalog->settled());
}

TEST_F(ClaimsTest, WorkersSettleNothing) {
  TestNode worker({.node = 8, .admin = false});
  ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
  worker.PullFrom(a_);
  EXPECT_THAT(worker.catalog->SettleClaims(), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ClaimsTest, ABirthAfterItsWriteIsRefused) {
  ASSERT_OK(a_.catalog->Commit({PutService(1, "cart")}));
  v1::Delta delta = a_.DeltasAfter()[0];
  v1::Birth& birth = *delta.mutable_entries(0)->mutable_birth();
  birth.set_hlc(delta.entries(0).version().hlc());
  *birth.mutable_origin() = delta.origin();
  birth.set_sequence(1);
  EXPECT_THAT(b_.catalog->ApplyRemote(delta),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("birth")));
}

}  // namespace
}  // namespace trellis::storage
