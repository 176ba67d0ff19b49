// Apply: many resources in one transaction.
#include "node/api/handlers/apply.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "google/protobuf/text_format.h"
#include "node/api/handlers/listener.h"
#include "node/api/handlers/rule.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/target.h"
#include "node/api/handlers/test_agent.h"
#include "node/api/handlers/vpc.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr auto kCreated = v1::ApplyResponse::CREATED;
constexpr auto kUpdated = v1::ApplyResponse::UPDATED;
constexpr auto kUnchanged = v1::ApplyResponse::UNCHANGED;

// What refers stands before what it names.
constexpr char kBooks[] = R"(
  manifests {
    source: 'b.yaml:1'
    resource { service_association { service_network: 'shop' service: 'books' } }
  }
  manifests {
    source: 'b.yaml:5'
    parent: 'books/http'
    resource {
      rule {
        display_name: 'new-books'
        priority: 1
        match { http_match { path_match { prefix: '/new' } } }
        action { forward { target_groups { target_group: 'books-new' } } }
      }
    }
  }
  manifests { source: 'b.yaml:9' parent: 'books-new' resource { target { id: '10.1.0.20' } } }
  manifests {
    source: 'b.yaml:12'
    parent: 'books'
    resource {
      listener {
        display_name: 'http'
        protocol: LISTENER_HTTP
        default_action { forward { target_groups { target_group: 'books-new' } } }
      }
    }
  }
  manifests {
    source: 'b.yaml:20'
    resource { target_group { display_name: 'books-new' type: IP vpc: 'bookland' } }
  }
  manifests { source: 'b.yaml:30' resource { service { display_name: 'books' } } }
  manifests { source: 'b.yaml:40' resource { vpc { display_name: 'bookland' } } }
)";

std::vector<v1::ApplyResponse::Outcome> OutcomesOf(const v1::ApplyResponse& response) {
  std::vector<v1::ApplyResponse::Outcome> outcomes;
  for (const auto& result : response.results()) outcomes.push_back(result.outcome());
  return outcomes;
}

v1::ApplyRequest Parsed(const std::string& text) {
  v1::ApplyRequest request;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
  return request;
}

class ApplyTest : public testing::Test {
 protected:
  ApplyTest() { agent_.MakeWorld(); }

  absl::StatusOr<v1::ApplyResponse> ApplyText(const std::string& text) {
    return agent_.Call(Apply, text);
  }

  TestAgent agent_;
};

TEST_F(ApplyTest, CreatesInAnyOrderWhatRefersToOneAnother) {
  ASSERT_OK_AND_ASSIGN(const auto response, ApplyText(kBooks));
  EXPECT_EQ(OutcomesOf(response), std::vector<v1::ApplyResponse::Outcome>(7, kCreated));
  ASSERT_TRUE(agent_.written.has_value());
  EXPECT_EQ(response.mesh_token(), agent_.written->ToString());
  // The answers are in the request's order and complete.
  const v1::Rule& rule = response.results(1).resource().rule();
  EXPECT_EQ(rule.display_name(), "new-books");
  EXPECT_THAT(rule.etag(), testing::Not(IsEmpty()));
  EXPECT_EQ(rule.action().forward().target_groups(0).target_group(),
            response.results(4).resource().target_group().name());
}

TEST_F(ApplyTest, ThatTurnedAroundGivesTheSame) {
  v1::ApplyRequest request = Parsed(kBooks);
  std::reverse(request.mutable_manifests()->begin(), request.mutable_manifests()->end());
  ASSERT_OK_AND_ASSIGN(const auto response, agent_.CallWith(Apply, request));
  EXPECT_EQ(OutcomesOf(response), std::vector<v1::ApplyResponse::Outcome>(7, kCreated));
  ASSERT_OK_AND_ASSIGN(const auto again, ApplyText(kBooks));
  EXPECT_EQ(OutcomesOf(again), std::vector<v1::ApplyResponse::Outcome>(7, kUnchanged));
}

TEST_F(ApplyTest, TheSameAgainChangesNothingAndHasNoToken) {
  ASSERT_OK(ApplyText(kBooks));
  const storage::Root before = agent_.catalog->root();
  ASSERT_OK_AND_ASSIGN(const auto again, ApplyText(kBooks));
  EXPECT_EQ(OutcomesOf(again), std::vector<v1::ApplyResponse::Outcome>(7, kUnchanged));
  EXPECT_THAT(again.mesh_token(), IsEmpty());
  EXPECT_EQ(agent_.catalog->root(), before);
}

TEST_F(ApplyTest, UpdatesWhatDiffersAndLeavesTheRest) {
  ASSERT_OK_AND_ASSIGN(const auto response, ApplyText(R"(
    manifests { resource { service { display_name: 'cart' } } }
    manifests { resource { service { display_name: 'pay' idle_timeout { seconds: 90 } } } }
    manifests { resource { service { display_name: 'new' } } }
  )"));
  EXPECT_THAT(OutcomesOf(response), ElementsAre(kUnchanged, kUpdated, kCreated));
}

TEST_F(ApplyTest, AddsTargetsToThoseRegistered) {
  ASSERT_OK(ApplyText(R"(
    manifests { parent: 'cart-blue' resource { target { id: '10.1.0.6' port: 9090 } } }
  )"));
  ASSERT_OK_AND_ASSIGN(const auto listed, agent_.Call(ListTargets, "parent: 'cart-blue'"));
  EXPECT_EQ(listed.targets_size(), 2);
}

TEST_F(ApplyTest, OneBadManifestStopsAll) {
  const storage::Root before = agent_.catalog->root();
  EXPECT_THAT(ApplyText(absl::StrCat(kBooks, R"(
    manifests { source: 'b.yaml:50' resource { service { display_name: 'B' } } }
  )")),
              StatusIs(StatusCode::kInvalidArgument,
                       StartsWith("b.yaml:50: service.display_name: \"B\" is not a name;")));
  EXPECT_EQ(agent_.catalog->root(), before);
  EXPECT_FALSE(agent_.written.has_value());
}

TEST_F(ApplyTest, ConstraintsHoldForTheOutcomeNotOnTheWay) {
  const std::string two = R"(
    manifests {
      source: 'one' parent: 'cart/http'
      resource {
        rule {
          display_name: 'stock' priority: $0
          match { http_match { method: 'GET' } } action { fixed_response { status_code: 404 } }
        }
      }
    }
    manifests {
      source: 'two' parent: 'cart/http'
      resource {
        rule {
          display_name: 'other' priority: $1
          match { http_match { method: 'PUT' } } action { fixed_response { status_code: 404 } }
        }
      }
    })";
  ASSERT_OK(ApplyText(absl::Substitute(two, 10, 20)));
  ASSERT_OK_AND_ASSIGN(const auto swapped, ApplyText(absl::Substitute(two, 20, 10)));
  EXPECT_THAT(OutcomesOf(swapped), ElementsAre(kUpdated, kUpdated));
  const auto same = ApplyText(absl::Substitute(two, 30, 30));
  EXPECT_EQ(same.status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(same.status().message()),
              testing::AllOf(testing::AnyOf(StartsWith("one: "), StartsWith("two: ")),
                             HasSubstr("rule.priority: 30 is taken by")));
}

TEST_F(ApplyTest, WithoutASourceTheManifestsPlaceIsSaid) {
  EXPECT_THAT(ApplyText("manifests { resource { vpc { display_name: 'x' } } } manifests {}"),
              StatusIs(StatusCode::kInvalidArgument, "manifests[1]: resource: required"));
}

struct RefusedManifest {
  const char* name;
  const char* text;
  StatusCode code;
  const char* message;
};
class RefusedManifestTest : public testing::TestWithParam<RefusedManifest> {};

TEST_P(RefusedManifestTest, IsNamedByItsSource) {
  TestAgent agent;
  agent.MakeWorld();
  EXPECT_THAT(agent.Call(Apply, GetParam().text),
              StatusIs(GetParam().code, StartsWith(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Manifests, RefusedManifestTest,
    testing::Values(
        RefusedManifest{"None", "", StatusCode::kInvalidArgument,
                        "manifests: 0 are given; give 1 to 1000"},
        RefusedManifest{"TwiceTheSame",
                        "manifests { source: 'a:1' resource { service { display_name: 'x-y' } } }"
                        "manifests { source: 'a:9' resource { service { display_name: 'x-y' } } }",
                        StatusCode::kInvalidArgument, "a:9: the same resource as a:1; keep one"},
        RefusedManifest{"AnAgent", "manifests { source: 'a:1' resource { agent {} } }",
                        StatusCode::kInvalidArgument,
                        "a:1: resource: an agent cannot be applied; it makes itself known by "
                        "joining"},
        RefusedManifest{"NoParent",
                        "manifests { source: 'a:1' resource { rule { display_name: 'x-y' } } }",
                        StatusCode::kInvalidArgument,
                        "a:1: parent: required; give the listener's name, id, ARN or display "
                        "name"},
        RefusedManifest{"NoSuchReference",
                        "manifests { source: 'a:1' resource { service_association {"
                        "  service_network: 'shop' service: 'x' } } }",
                        StatusCode::kNotFound,
                        "a:1: service_association.service: there is no service \"x\";"},
        RefusedManifest{"Immutable",
                        "manifests { source: 'a:1' resource { target_group {"
                        "  display_name: 'cart-blue' type: IP vpc: 'main' port: 81 } } }",
                        StatusCode::kInvalidArgument,
                        "a:1: target_group.port: cannot change after creation;"},
        RefusedManifest{"TakenInTheOutcome",
                        "manifests { source: 'a:1' resource { vpc_association {"
                        "  service_network: 'other' vpc: 'main' } } }"
                        "manifests { source: 'a:5' resource { service_network {"
                        "  display_name: 'other' } } }",
                        StatusCode::kAlreadyExists,
                        "a:1: VPC has already been associated to a service network."},
        RefusedManifest{"NoSuchAccount",
                        "account: '999999999999'"
                        "manifests { source: 'a:1' resource { service { display_name: 'x-y' } } }",
                        StatusCode::kNotFound,
                        "a:1: service.account: \"accounts/999999999999\" does not exist;"}),
    [](const auto& info) { return info.param.name; });

TEST_F(ApplyTest, ManifestsOfAnotherAccountAreFoundThere) {
  const std::string theirs = absl::StrCat("account: '444455556666'", R"(
    manifests { resource { service { display_name: 'cart' } } }
    manifests {
      resource { target_group { display_name: 'cart-blue' type: IP vpc: 'vpcs/vpc-11111111' } }
    }
    manifests {
      parent: 'cart'
      resource {
        listener {
          display_name: 'http' protocol: LISTENER_HTTP
          default_action { forward { target_groups { target_group: 'cart-blue' } } }
        }
      }
    }
  )");
  ASSERT_OK_AND_ASSIGN(const auto created, ApplyText(theirs));
  EXPECT_EQ(created.results(0).resource().service().account(), "444455556666");
  EXPECT_THAT(OutcomesOf(created), ElementsAre(kCreated, kCreated, kCreated));
  ASSERT_OK_AND_ASSIGN(const auto again, ApplyText(theirs));
  EXPECT_THAT(OutcomesOf(again), ElementsAre(kUnchanged, kUnchanged, kUnchanged));
}

TEST_F(ApplyTest, WhatWasReadCanBeAppliedAgainAndAgain) {
  ASSERT_OK(agent_.Call(GetService, "name: 'pay'"));
  ASSERT_OK_AND_ASSIGN(const v1::Service read, agent_.Call(GetService, "name: 'pay'"));
  v1::ApplyRequest request;
  *request.add_manifests()->mutable_resource()->mutable_service() = read;
  ASSERT_OK_AND_ASSIGN(const auto same, agent_.CallWith(Apply, request));
  EXPECT_THAT(OutcomesOf(same), ElementsAre(kUnchanged));
  const auto idle_for = [&](int seconds) {
    v1::Service& service = *request.mutable_manifests(0)->mutable_resource()->mutable_service();
    service.mutable_idle_timeout()->set_seconds(seconds);
    return agent_.CallWith(Apply, request);
  };
  ASSERT_OK_AND_ASSIGN(const auto changed, idle_for(90));
  EXPECT_THAT(OutcomesOf(changed), ElementsAre(kUpdated));
  // Its etag is that of the reading: no longer the service's, which matters to a change alone.
  ASSERT_OK_AND_ASSIGN(const auto no_change, idle_for(90));
  EXPECT_THAT(OutcomesOf(no_change), ElementsAre(kUnchanged));
  EXPECT_EQ(idle_for(100).status().code(), StatusCode::kAborted);
  request.mutable_manifests(0)->mutable_resource()->mutable_service()->clear_etag();
  ASSERT_OK_AND_ASSIGN(const auto whatever_it_was, idle_for(100));
  EXPECT_THAT(OutcomesOf(whatever_it_was), ElementsAre(kUpdated));
  // Nothing that the server set is in the way when it is gone.
  request.mutable_manifests(0)->mutable_resource()->mutable_service()->set_etag(read.etag());
  ASSERT_OK(agent_.Call(DeleteService, "name: 'pay'"));
  ASSERT_OK_AND_ASSIGN(const auto restored, agent_.CallWith(Apply, request));
  EXPECT_THAT(OutcomesOf(restored), ElementsAre(kCreated));
}

struct StaleEtag {
  const char* name;
  const char* etag;
};
class StaleEtagTest : public testing::TestWithParam<StaleEtag> {};

TEST_P(StaleEtagTest, UndoesNobodysChange) {
  TestAgent agent;
  agent.MakeWorld();
  ASSERT_OK(agent.Call(Apply,
                       "manifests { resource { service {"
                       "  display_name: 'pay' idle_timeout { seconds: 70 } } } }"));
  const storage::Root before = agent.catalog->root();
  const std::string text = absl::Substitute(
      R"(manifests { source: 'a:1' resource { vpc { display_name: 'fresh' } } }
         manifests {
           source: 'a:3'
           resource { service { display_name: 'pay' etag: '$0' idle_timeout { seconds: 90 } } }
         })",
      GetParam().etag);
  for (const char* dry_run : {"", "validate_only: true"}) {
    const absl::Status refused = agent.Call(Apply, absl::StrCat(text, dry_run)).status();
    EXPECT_EQ(refused.code(), StatusCode::kAborted);
    EXPECT_THAT(std::string(refused.message()),
                testing::AllOf(StartsWith(absl::StrCat("a:3: etag: ", agent.Expand("{pay}"),
                                                       " (pay) is now at ")),
                               testing::EndsWith("; read it again and decide anew, or leave the "
                                                 "etag out to write it whatever it is now")));
  }
  EXPECT_EQ(agent.catalog->root(), before) << "nothing of the transaction is written";
}

INSTANTIATE_TEST_SUITE_P(Etags, StaleEtagTest,
                         testing::Values(StaleEtag{"Older", "017f0000000000000000000000000001"},
                                         StaleEtag{"Garbage", "garbage"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(ApplyTest, ARuleReadInOneListenerIsCopiedToAnother) {
  ASSERT_OK_AND_ASSIGN(const v1::Rule read, agent_.Call(GetRule, "name: '{cart/http/stock}'"));
  ASSERT_OK(agent_.Call(CreateListener, R"(
    parent: 'cart'
    listener {
      display_name: 'second' protocol: LISTENER_HTTP port: 81
      default_action { fixed_response { status_code: 404 } }
    })"));
  v1::ApplyRequest request;
  v1::Manifest& manifest = *request.add_manifests();
  manifest.set_parent("cart/second");
  *manifest.mutable_resource()->mutable_rule() = read;
  ASSERT_OK_AND_ASSIGN(const auto copied, agent_.CallWith(Apply, request));
  EXPECT_THAT(OutcomesOf(copied), ElementsAre(kCreated));
  EXPECT_NE(copied.results(0).resource().rule().name(), read.name());
}

TEST_F(ApplyTest, ValidateOnlySaysWhatWouldHappenWithoutInventedIds) {
  const storage::Root before = agent_.catalog->root();
  ASSERT_OK_AND_ASSIGN(const auto response,
                       ApplyText(absl::StrCat(kBooks, "validate_only: true",
                                              " manifests { resource { service {"
                                              "  display_name: 'cart' } } }")));
  EXPECT_EQ(agent_.catalog->root(), before);
  EXPECT_THAT(response.mesh_token(), IsEmpty());
  EXPECT_EQ(response.results(0).outcome(), kCreated);
  const v1::Rule& rule = response.results(1).resource().rule();
  EXPECT_THAT(rule.name(), IsEmpty());
  EXPECT_THAT(rule.arn(), IsEmpty());
  EXPECT_EQ(rule.action().forward().target_groups(0).target_group(), "books-new");
  EXPECT_THAT(response.results(2).resource().target().name(), IsEmpty());
  const v1::ServiceAssociation& association = response.results(0).resource().service_association();
  EXPECT_EQ(association.service(), "books");
  EXPECT_EQ(association.service_network(), agent_.Expand("{shop}")) << "this one is there";
  EXPECT_THAT(response.results(4).resource().target_group().services(), ElementsAre("books"));
  EXPECT_EQ(response.results(7).outcome(), kUnchanged);
  EXPECT_EQ(response.results(7).resource().service().name(), agent_.Expand("{cart}"));
}

TEST_F(ApplyTest, ARepeatedRequestIdGetsTheFirstAnswer) {
  const std::string text = absl::StrCat(kBooks, "request_id: 'r'");
  ASSERT_OK_AND_ASSIGN(const auto first, ApplyText(text));
  ASSERT_OK_AND_ASSIGN(const auto again, ApplyText(text));
  EXPECT_EQ(OutcomesOf(again), OutcomesOf(first));
  EXPECT_EQ(again.mesh_token(), first.mesh_token());
}

v1::ApplyRequest ManyVpcs(int count, int ranges) {
  v1::ApplyRequest request;
  for (int i = 0; i < count; ++i) {
    v1::Vpc& vpc = *request.add_manifests()->mutable_resource()->mutable_vpc();
    vpc.set_display_name(absl::StrCat("many-", i));
    for (int j = 0; j < ranges; ++j)
      vpc.add_cidr_blocks("2001:db8:1111:2222:3333:4444:5555:6666/128");
  }
  return request;
}

TEST_F(ApplyTest, TakesAThousandManifestsAndRefusesMore) {
  ASSERT_OK_AND_ASSIGN(const auto response, agent_.CallWith(Apply, ManyVpcs(1000, 1)));
  EXPECT_EQ(response.results_size(), 1000);
  EXPECT_THAT(agent_.CallWith(Apply, ManyVpcs(1001, 1)),
              StatusIs(StatusCode::kInvalidArgument, "manifests: 1001 are given; give 1 to 1000"));
}

TEST_F(ApplyTest, WhatFitsInNoTransactionIsRefusedWhole) {
  const storage::Root before = agent_.catalog->root();
  EXPECT_THAT(agent_.CallWith(Apply, ManyVpcs(1000, 50)),
              StatusIs(StatusCode::kInvalidArgument,
                       "transaction: more than 2097152 bytes; write it in several, what is "
                       "referred to first"));
  EXPECT_EQ(agent_.catalog->root(), before);
}

TEST_F(ApplyTest, OfTwoWithOneDisplayNameTheNamedOneIsMeant) {
  // Two agents may create the same while they cannot hear each other.
  storage::Change twin{.name = "services/svc-00000000000000000"};
  v1::Service& service = *twin.resource.emplace().mutable_service();
  service.set_name(twin.name);
  service.set_display_name("pay");
  service.set_account(kAccount);
  service.set_auth_type(v1::NONE);
  service.mutable_idle_timeout()->set_seconds(60);
  ASSERT_OK(agent_.catalog->Commit({twin}));
  ASSERT_OK_AND_ASSIGN(const auto unnamed,
                       ApplyText("manifests { resource { service { display_name: 'pay' } } }"));
  EXPECT_NE(unnamed.results(0).resource().service().name(), twin.name);  // Who was first.
  ASSERT_OK_AND_ASSIGN(
      const auto named,
      ApplyText(absl::StrCat("manifests { resource { service { display_name: 'pay' name: '",
                             twin.name, "' } } }")));
  EXPECT_EQ(named.results(0).resource().service().name(), twin.name);
}

}  // namespace
}  // namespace trellis::api
