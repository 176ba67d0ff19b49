// Two agents that cannot hear each other let people take one name and one domain.
#include "node/api/handlers/lost_claims.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/api/handlers/conflict.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/service_association.h"
#include "node/api/handlers/test_agent.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// Service "desk" with domain desk.example in network "shop": by `early_`, a second later by
// `late_`.
class LostClaimsTest : public testing::Test {
 protected:
  LostClaimsTest() {
    early_.MakeWorld();
    late_.PullFrom(early_);
    early_.sim.RunFor(absl::Seconds(1));
    late_.sim.RunFor(absl::Seconds(2));
    holder_ = MakeDesk(early_);
    loser_ = MakeDesk(late_);
    early_.PullFrom(late_);
    late_.PullFrom(early_);
    EXPECT_EQ(early_.catalog->root(), late_.catalog->root());
  }

  static std::string MakeDesk(TestAgent& agent) {
    const auto service =
        agent.Call(CreateService, "service { display_name: 'desk' custom_domain: 'desk.example' }");
    EXPECT_OK(service);
    EXPECT_OK(agent.Call(
        CreateServiceAssociation,
        "service_association { service_network: 'shop' service: '" + service->name() + "' }"));
    return service->name();
  }
  static v1::Service Get(TestAgent& agent, const std::string& service) {
    const auto got = agent.Call(GetService, "name: '" + service + "'");
    EXPECT_OK(got);
    return got.ok() ? *got : v1::Service();
  }

  TestAgent early_;
  TestAgent late_{nullptr, {.node = kNode + 1}};
  std::string holder_;
  std::string loser_;
};

TEST_F(LostClaimsTest, TheLoserSaysWhoHoldsWhatItClaims) {
  for (TestAgent* agent : {&early_, &late_}) {
    EXPECT_NE(Get(*agent, holder_).status(), v1::CONFLICT);
    EXPECT_EQ(Get(*agent, holder_).conflict(), "");
    EXPECT_EQ(Get(*agent, loser_).status(), v1::CONFLICT);
    EXPECT_THAT(Get(*agent, loser_).conflict(),
                HasSubstr("display_name \"desk\" is held by " + holder_));
    EXPECT_THAT(Get(*agent, loser_).conflict(),
                HasSubstr("custom_domain \"desk.example\" in serviceNetworks/"));
    EXPECT_NE(Get(*agent, loser_).domain(), Get(*agent, holder_).domain());
    EXPECT_EQ(agent->context.lost_claims->count(), 2u);
  }
}

TEST_F(LostClaimsTest, TheNameMeansTheHolder) { EXPECT_EQ(Get(late_, "desk").name(), holder_); }

TEST_F(LostClaimsTest, BothCanBeChangedAndNobodyElseTakesTheName) {
  for (const std::string& name : {loser_, holder_}) {
    EXPECT_OK(
        late_.Call(UpdateService, "service { name: '" + name + "' idle_timeout { seconds: 90 } }"));
  }
  EXPECT_THAT(late_.Call(CreateService, "service { display_name: 'desk' }"),
              StatusIs(StatusCode::kAlreadyExists));
  EXPECT_EQ(Get(late_, "desk").name(), holder_);
}

TEST_F(LostClaimsTest, AreListedWithTheFirstConflicts) {
  ASSERT_OK_AND_ASSIGN(const auto listed, late_.Call(ListConflicts, ""));
  EXPECT_EQ(listed.conflicts_size(), 0);
  ASSERT_EQ(listed.lost_claims_size(), 2);
  const v1::LostClaim& name = listed.lost_claims(0);
  EXPECT_EQ(name.name(), loser_);
  EXPECT_EQ(name.claim(), "display_name");
  EXPECT_EQ(name.value(), "desk");
  EXPECT_EQ(name.holder(), holder_);
  EXPECT_FALSE(name.settled());
  EXPECT_EQ(listed.lost_claims(1).claim(), "custom_domain");
  EXPECT_EQ(listed.lost_claims(1).service_network(), late_.Expand("{shop}"));
}

TEST_F(LostClaimsTest, SettlingShows) {
  ASSERT_OK(early_.catalog->SettleClaims());
  late_.PullFrom(early_);
  ASSERT_OK_AND_ASSIGN(const auto listed, late_.Call(ListConflicts, ""));
  EXPECT_TRUE(listed.lost_claims(0).settled());
}

TEST_F(LostClaimsTest, HealWhenTheHolderIsDeleted) {
  late_.catalog->Visit("serviceAssociations/", "",
                       [&](const std::string& name, const auto& record) {
                         if (record.resource->service_association().service() != holder_)
                           return true;
                         EXPECT_OK(early_.Call(DeleteServiceAssociation, "name: '" + name + "'"));
                         return true;
                       });
  late_.PullFrom(early_);
  EXPECT_EQ(late_.context.lost_claims->count(), 1u);  // The name.
  EXPECT_OK(early_.Call(DeleteService, "name: '" + holder_ + "'"));
  late_.PullFrom(early_);
  for (TestAgent* agent : {&early_, &late_}) {
    EXPECT_EQ(agent->context.lost_claims->count(), 0u);
    EXPECT_NE(Get(*agent, loser_).status(), v1::CONFLICT);
    EXPECT_EQ(Get(*agent, "desk").name(), loser_);
  }
}

}  // namespace
}  // namespace trellis::api
