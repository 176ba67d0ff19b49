// What the standard methods refuse, in which words.
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "node/api/handlers/account.h"
#include "node/api/handlers/agent.h"
#include "node/api/handlers/listener.h"
#include "node/api/handlers/rule.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/service_association.h"
#include "node/api/handlers/service_network.h"
#include "node/api/handlers/target.h"
#include "node/api/handlers/target_group.h"
#include "node/api/handlers/test_agent.h"
#include "node/api/handlers/vpc.h"
#include "node/api/handlers/vpc_association.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;

struct Refusal {
  const char* name;
  Step step;
  StatusCode code;
  std::string message;  // With labels for names; a final * stands for any rest.
};

class RefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, SaysWhyAndWritesNothing) {
  TestAgent agent;
  agent.MakeWorld();
  const storage::Root before = agent.catalog->root();
  const absl::Status refused = GetParam().step(agent).status();
  EXPECT_EQ(agent.catalog->root(), before);
  EXPECT_EQ(refused.code(), GetParam().code);
  const std::string message = agent.Readable(std::string(refused.message()));
  absl::string_view expected = GetParam().message;
  if (absl::ConsumeSuffix(&expected, "*")) {
    EXPECT_THAT(message, testing::StartsWith(std::string(expected)));
  } else {
    EXPECT_EQ(message, expected);
  }
}

std::string NameOf(const testing::TestParamInfo<Refusal>& info) { return info.param.name; }

// A rule of cart/http, well-formed but for what is said again.
Step NewRule(const std::string& fields) {
  return Calling(CreateRule, absl::StrCat("parent: 'cart/http' rule { ", fields, " }"));
}
constexpr char kNew[] = " display_name: 'new' priority: 20 ";
constexpr char kGet[] = " match { http_match { method: 'GET' } } ";
constexpr char kNotFound[] = " action { fixed_response { status_code: 404 } } ";

Step NewListener(const std::string& service, const std::string& fields) {
  return Calling(CreateListener, absl::StrCat("parent: '", service,
                                              "' listener { display_name: 'new' ", fields, " }"));
}
constexpr char kHttp[] = " protocol: LISTENER_HTTP ";
constexpr char kDefault[] = " default_action { fixed_response { status_code: 404 } } ";

std::string Forward(const std::string& shares) {
  return absl::StrCat("default_action { forward { ", shares, " } }");
}
std::string Repeat(int times, absl::string_view text) {
  std::string all;
  for (int i = 0; i < times; ++i) absl::StrAppend(&all, text);
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, RefusalTest,
    testing::Values(
        Refusal{"PriorityZero", NewRule(absl::StrCat("display_name: 'new'", kGet, kNotFound)),
                StatusCode::kInvalidArgument, "rule.priority: 0 is out of range; give 1 to 100"},
        Refusal{"PriorityTooGreat",
                NewRule(absl::StrCat("display_name: 'new' priority: 101", kGet, kNotFound)),
                StatusCode::kInvalidArgument, "rule.priority: 101 is out of range; give 1 to 100"},
        Refusal{"RuleWithoutMatch", NewRule(absl::StrCat(kNew, kNotFound)),
                StatusCode::kInvalidArgument,
                "rule.match.http_match: missing; give at least one of method, path_match and "
                "header_matches"},
        Refusal{"RuleWithoutAction", NewRule(absl::StrCat(kNew, kGet)),
                StatusCode::kInvalidArgument,
                "rule.action: missing; give forward or fixed_response"},
        Refusal{"SixHeaderMatches",
                NewRule(absl::StrCat(kNew, kNotFound, "match { http_match { ",
                                     Repeat(6, "header_matches { name: 'x' exact: 'y' } "), "} }")),
                StatusCode::kInvalidArgument,
                "rule.match.http_match.header_matches: 6 is out of range; give 0 to 5"},
        Refusal{"StatusCodeNotOffered",
                NewRule(absl::StrCat(kNew, kGet, "action { fixed_response { status_code: 503 } }")),
                StatusCode::kInvalidArgument,
                "rule.action.fixed_response.status_code: \"503\" is not offered; give 404 or 500"},
        Refusal{"NameInUpperCase", Calling(CreateService, "service { display_name: 'Cart' }"),
                StatusCode::kInvalidArgument,
                "service.display_name: \"Cart\" is not a name; give 3 to 40 of a-z, 0-9 and single "
                "hyphens between them, not beginning with svc-"},
        Refusal{"NameMissing", Calling(CreateServiceNetwork, ""), StatusCode::kInvalidArgument,
                "service_network.display_name: missing; give 3 to 63 of a-z, 0-9 and single "
                "hyphens between them"},
        Refusal{"NameTooLong",
                Calling(CreateService,
                        absl::StrCat("service { display_name: '", std::string(41, 'a'), "' }")),
                StatusCode::kInvalidArgument, "service.display_name: \"aaaa*"},
        Refusal{"AccountNumberMalformed", Calling(CreateAccount, "account { name: '12' }"),
                StatusCode::kInvalidArgument, "account.name: \"12\" is not accounts/{12 digits}"},
        Refusal{"VpcIdMalformed", Calling(CreateVpc, "vpc { name: 'vpc-1' display_name: 'x' }"),
                StatusCode::kInvalidArgument,
                "vpc.name: \"vpc-1\" is not vpcs/vpc-{8 or 17 of a-z and 0-9}, or empty"},
        Refusal{"RangeMalformed",
                Calling(CreateVpc, "vpc { display_name: 'x' cidr_blocks: '10.1.0.0/33' }"),
                StatusCode::kInvalidArgument,
                "vpc.cidr_blocks: \"10.1.0.0/33\" is no address range; give one such as "
                "10.1.0.0/16 or fd00:1::/64"},
        Refusal{"PortTooGreat", NewListener("cart", absl::StrCat(kHttp, kDefault, "port: 70000")),
                StatusCode::kInvalidArgument,
                "listener.port: 70000 is out of range; give 1 to 65535"},
        Refusal{"WeightTooGreat",
                NewListener("cart", absl::StrCat(kHttp, Forward("target_groups { target_group: "
                                                                "'cart-blue' weight: 1000 }"))),
                StatusCode::kInvalidArgument,
                "listener.default_action.forward.target_groups[0].weight: 1000 is out of range; "
                "give 0 to 999"},
        Refusal{
            "ElevenTargetGroups",
            NewListener("cart", absl::StrCat(kHttp, Forward(Repeat(11,
                                                                   "target_groups { target_group: "
                                                                   "'cart-blue' weight: 1 } ")))),
            StatusCode::kInvalidArgument,
            "listener.default_action.forward.target_groups: 11 is out of range; give 1 to 10"},
        Refusal{
            "IdleTimeoutTooShort",
            Calling(CreateService, "service { display_name: 'new' idle_timeout { seconds: 30 } }"),
            StatusCode::kInvalidArgument,
            "service.idle_timeout: 30s is out of range; give 60s to 600s"},
        Refusal{"CheckIntervalTooShort",
                Calling(CreateTargetGroup,
                        "target_group { display_name: 'new' type: IP vpc: 'main'"
                        "  health_check { interval { seconds: 4 } } }"),
                StatusCode::kInvalidArgument,
                "target_group.health_check.interval: 4s is out of range; give 5s to 300s"},
        Refusal{"TargetGroupWithoutVpc",
                Calling(CreateTargetGroup, "target_group { display_name: 'new' type: IP }"),
                StatusCode::kInvalidArgument,
                "target_group.vpc: missing; give the name of a VPC: vpcs/vpc-…"},
        Refusal{"NotOfThisReleaseHttpsTargets",
                Calling(CreateTargetGroup, "target_group { display_name: 'new' type: IP vpc: 'main'"
                                           "  protocol: TARGET_HTTPS }"),
                StatusCode::kInvalidArgument,
                "target_group.protocol: HTTPS is not served by this release; use HTTP"},
        Refusal{"NotOfThisReleaseIam",
                Calling(UpdateService, "service { name: 'cart' auth_type: AWS_IAM }"),
                StatusCode::kInvalidArgument,
                "service.auth_type: AWS_IAM is not served by this release; use NONE"},
        Refusal{"NotOfThisReleaseLambda",
                Calling(CreateTargetGroup, "target_group { display_name: 'new' type: LAMBDA }"),
                StatusCode::kInvalidArgument,
                "target_group.type: LAMBDA is not served by this release; use IP or INSTANCE"},
        Refusal{"RequestIdWithASpace",
                Calling(CreateService, "service { display_name: 'new' } request_id: 'a b'"),
                StatusCode::kInvalidArgument,
                "request_id: \"a b\" is not 1 to 64 printable ASCII characters without spaces"},
        Refusal{"NoTargets", Calling(RegisterTargets, "parent: 'cart-blue'"),
                StatusCode::kInvalidArgument, "targets: 0 are given; give 1 to 100"},
        Refusal{"TooManyTargets",
                Calling(DeregisterTargets,
                        absl::StrCat("parent: 'cart-blue'", Repeat(101, "targets {} "))),
                StatusCode::kInvalidArgument, "targets: 101 are given; give 1 to 100"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    References, RefusalTest,
    testing::Values(
        Refusal{"NoName", Calling(GetService, ""), StatusCode::kInvalidArgument,
                "name: required; give the service's name, id, ARN or display name"},
        Refusal{"NoNameInUpdate", Calling(UpdateTargetGroup, ""), StatusCode::kInvalidArgument,
                "target_group.name: required; give the target group's name, id, ARN or display "
                "name"},
        Refusal{"NothingIsCalledSo", Calling(GetService, "name: 'nope'"), StatusCode::kNotFound,
                "name: there is no service \"nope\"; give its name, id, ARN or display name"},
        Refusal{"NoSuchPath", Calling(GetRule, "name: 'cart/https/stock'"), StatusCode::kNotFound,
                "name: there is no rule \"cart/https/stock\"; give its name, id, ARN or display "
                "name"},
        Refusal{"NameOfAnotherKind", Calling(GetService, "name: 'vpcs/vpc-11111111'"),
                StatusCode::kInvalidArgument,
                "name: \"vpcs/vpc-11111111\" is a VPC; give a service"},
        Refusal{"AgentForAnAccount", Calling(GetAccount, "name: 'agents/0000000000000001'"),
                StatusCode::kInvalidArgument,
                "name: \"agents/0000000000000001\" is an agent; give an account"},
        Refusal{"BadArn", Calling(GetService, "name: 'arn:aws:nope'"), StatusCode::kInvalidArgument,
                "name: *"},
        Refusal{"ControlCharactersAreShownEscaped", Calling(GetService, "name: 'a\\n'"),
                StatusCode::kNotFound, "name: there is no service \"a\\n\"; *"},
        Refusal{"NoSuchParent", Calling(CreateRule, "parent: 'cart/nope'"), StatusCode::kNotFound,
                "parent: there is no listener \"cart/nope\"; give its name, id, ARN or display "
                "name"},
        Refusal{"NoSuchTargetGroup",
                NewListener("cart",
                            absl::StrCat(kHttp, Forward("target_groups { target_group: 'x' }"))),
                StatusCode::kNotFound,
                "listener.default_action.forward.target_groups[0].target_group: there is no target "
                "group \"x\"; give its name, id, ARN or display name"},
        Refusal{
            "NoSuchVpc",
            Calling(CreateTargetGroup, "target_group { display_name: 'new' type: IP vpc: 'x' }"),
            StatusCode::kNotFound,
            "target_group.vpc: there is no VPC \"x\"; give its name, id, ARN or display name"},
        Refusal{"NoSuchNetwork",
                Calling(CreateVpcAssociation, "vpc_association { service_network: 'x' vpc: 'x' }"),
                StatusCode::kNotFound,
                "vpc_association.service_network: there is no service network \"x\"; *"},
        Refusal{"NoSuchAccount",
                Calling(CreateServiceNetwork,
                        "service_network { display_name: 'new' account: '999999999999' }"),
                StatusCode::kNotFound,
                "service_network.account: \"accounts/999999999999\" does not exist; create it "
                "first"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Taken, RefusalTest,
    testing::Values(
        Refusal{"ServiceName", Calling(CreateService, "service { display_name: 'cart' }"),
                StatusCode::kAlreadyExists,
                "display_name: a service named \"cart\" exists already: {cart}; choose another "
                "name"},
        Refusal{"RuleName",
                NewRule(absl::StrCat("display_name: 'stock' priority: 20", kGet, kNotFound)),
                StatusCode::kAlreadyExists,
                "display_name: a rule named \"stock\" exists already: {cart/http/stock}; choose "
                "another name"},
        Refusal{"VpcId", Calling(CreateVpc, "vpc { name: 'vpc-11111111' display_name: 'x' }"),
                StatusCode::kAlreadyExists, "vpc.name: vpcs/vpc-11111111 already exists"},
        Refusal{"ListenerPort", NewListener("cart", absl::StrCat(kHttp, kDefault, "port: 80")),
                StatusCode::kAlreadyExists,
                "listener.port: 80 is taken by {cart/http}; choose another port"},
        Refusal{"RulePriority",
                NewRule(absl::StrCat("display_name: 'new' priority: 10", kGet, kNotFound)),
                StatusCode::kAlreadyExists,
                "rule.priority: 10 is taken by {cart/http/stock}; choose another from 1 to 100"},
        Refusal{"VpcOfAnotherNetwork",
                Calling(CreateVpcAssociation,
                        "vpc_association { service_network: 'shop' vpc: 'main' }"),
                StatusCode::kAlreadyExists,
                "VPC has already been associated to a service network. (vpcs/vpc-11111111 by "
                "{shop~main}; delete that association first)"},
        Refusal{"Association",
                Calling(CreateServiceAssociation,
                        "service_association { service_network: 'shop' service: 'cart' }"),
                StatusCode::kAlreadyExists, "Association already exists. ({shop~cart})"},
        Refusal{"TargetGroupOfAnotherService",
                NewListener("pay",
                            absl::StrCat(kHttp, Forward("target_groups { target_group: 'cart-blue' "
                                                        "}"))),
                StatusCode::kFailedPrecondition,
                "target_group: {cart-blue} is used by {cart}; a target group serves one service, "
                "so create another with the same targets"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Updates, RefusalTest,
    testing::Values(
        Refusal{"MaskOfAnImmutableField",
                Calling(UpdateRule,
                        "rule { name: 'cart/http/stock' } update_mask { paths: 'display_name' }"),
                StatusCode::kInvalidArgument,
                "update_mask: \"display_name\" cannot be updated; of a rule give only priority, "
                "match, action"},
        Refusal{
            "MaskOfAnAccount",
            Calling(UpdateAccount, "account { name: '111122223333' } update_mask { paths: '*' }"),
            StatusCode::kInvalidArgument,
            "update_mask: \"*\" cannot be updated; of an account give only display_name"},
        Refusal{"ImmutableField",
                Calling(UpdateListener, "listener { name: 'cart/http' port: 81 }"),
                StatusCode::kInvalidArgument,
                "listener.port: cannot change after creation; leave it as it is, or delete the "
                "listener and create it anew"},
        Refusal{"ImmutableName",
                Calling(UpdateService, "service { name: 'cart' display_name: 'basket' }"),
                StatusCode::kInvalidArgument,
                "service.display_name: cannot change after creation; leave it as it is, or delete "
                "the service and create it anew"},
        Refusal{"StaleEtag", Calling(UpdateService, "service { name: 'cart' etag: 'old' }"),
                StatusCode::kAborted, "etag: {cart} (cart) is now at *"},
        Refusal{"StaleEtagOfADelete", Calling(DeleteService, "name: 'pay' etag: 'old'"),
                StatusCode::kAborted, "etag: {pay} (pay) is now at *"},
        Refusal{"BadValue",
                Calling(UpdateRule,
                        "rule { name: 'cart/http/stock' priority: 101 }"
                        "update_mask { paths: 'priority' }"),
                StatusCode::kInvalidArgument, "rule.priority: 101 is out of range; give 1 to 100"},
        Refusal{"Nothing", Calling(UpdateService, "service { name: 'nope' }"),
                StatusCode::kNotFound, "service.name: there is no service \"nope\"; *"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Pages, RefusalTest,
    testing::Values(
        Refusal{"NegativeSize", Calling(ListServices, "page_size: -1"),
                StatusCode::kInvalidArgument, "page_size: -1 is not 1 to 1000, or 0 for 100"},
        Refusal{"SizeTooGreat", Calling(ListRules, "parent: 'cart/http' page_size: 1001"),
                StatusCode::kInvalidArgument, "page_size: 1001 is not 1 to 1000, or 0 for 100"},
        Refusal{"NotAToken", Calling(ListServices, "page_token: '!'"), StatusCode::kInvalidArgument,
                "page_token: not one of this list; give the last answer's next_page_token, or "
                "none"},
        Refusal{"GarbageInBase64", Calling(ListServices, "page_token: 'AAAA'"),
                StatusCode::kInvalidArgument, "page_token: *"},
        Refusal{"TokenOfAnotherList",
                Calling(ListServices,
                        absl::StrCat("page_token: '",
                                     absl::WebSafeBase64Escape("1vpcs/vpc-11111111"), "'")),
                StatusCode::kInvalidArgument, "page_token: *"},
        Refusal{
            "TokenOfAListInside",
            Calling(ListServices,
                    absl::StrCat("page_token: '",
                                 absl::WebSafeBase64Escape("1services/svc-1/listeners/2"), "'")),
            StatusCode::kInvalidArgument, "page_token: *"},
        Refusal{"HugeToken",
                Calling(ListServices, absl::StrCat("page_token: '", std::string(5000, 'A'), "'")),
                StatusCode::kInvalidArgument, "page_token: *"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Deletes, RefusalTest,
    testing::Values(
        Refusal{"NetworkWithVpcs", Calling(DeleteServiceNetwork, "name: 'shop'"),
                StatusCode::kFailedPrecondition,
                "ServiceNetwork {shop} has VPC(s) associated; delete {shop~main} first"},
        Refusal{
            "ServiceInANetwork", Calling(DeleteService, "name: 'cart'"),
            StatusCode::kFailedPrecondition,
            "Service {cart} has one or more associated service networks. Delete {shop~cart} first"},
        Refusal{"TargetGroupInUse", Calling(DeleteTargetGroup, "name: 'cart-blue'"),
                StatusCode::kFailedPrecondition,
                "target group {cart-blue} is in use by {cart/http}; take it out of that action "
                "first"},
        Refusal{"VpcWithAgents", Calling(DeleteVpc, "name: 'main'"),
                StatusCode::kFailedPrecondition,
                "VPC vpcs/vpc-11111111 is in use by agents/0000000000000001; evict its agents "
                "first"},
        Refusal{"AccountThatOwns", Calling(DeleteAccount, "name: '111122223333'"),
                StatusCode::kFailedPrecondition,
                "account accounts/111122223333 is in use by {shop~cart}; delete what the account "
                "owns first"},
        Refusal{"AnsweringAgent", Calling(DeleteAgent, "name: 'alpha'"),
                StatusCode::kFailedPrecondition,
                "name: this is the answering agent; evict it through another"},
        Refusal{"Nothing", Calling(DeleteService, "name: 'nope'"), StatusCode::kNotFound,
                "name: there is no service \"nope\"; *"}),
    NameOf);

class RefusedTest : public testing::Test {
 protected:
  RefusedTest() { agent_.MakeWorld(); }

  TestAgent agent_;
};

TEST_F(RefusedTest, ANetworkWithServicesStaysWhenItsVpcsAreGone) {
  ASSERT_OK(agent_.Call(DeleteVpcAssociation, "name: '{shop~main}'"));
  const auto refused = agent_.Call(DeleteServiceNetwork, "name: 'shop'");
  EXPECT_EQ(agent_.Readable(std::string(refused.status().message())),
            "ServiceNetwork {shop} has service(s) associated; delete {shop~cart} first");
  ASSERT_OK(agent_.Call(DeleteServiceAssociation, "name: '{shop~cart}'"));
  EXPECT_OK(agent_.Call(DeleteServiceNetwork, "name: 'shop'"));
}

TEST_F(RefusedTest, ATargetGroupWithTargetsStaysWhenNothingUsesIt) {
  ASSERT_OK(agent_.Call(DeleteListener, "name: 'cart/http'"));
  EXPECT_THAT(agent_.Call(DeleteTargetGroup, "name: 'cart-blue'"),
              StatusIs(StatusCode::kFailedPrecondition,
                       testing::EndsWith("; deregister its targets first")));
  ASSERT_OK(agent_.Call(DeregisterTargets, "parent: 'cart-blue' targets { id: '10.1.0.5' }"));
  EXPECT_OK(agent_.Call(DeleteTargetGroup, "name: 'cart-blue'"));
}

TEST_F(RefusedTest, ACustomDomainIsOneServicesInANetwork) {
  ASSERT_OK(agent_.Call(CreateService, "service { display_name: 'one' custom_domain: 'a.b.c' }"));
  ASSERT_OK(agent_.Call(CreateService, "service { display_name: 'two' custom_domain: 'A.b.c' }"));
  ASSERT_OK(agent_.Call(CreateServiceAssociation,
                        "service_association { service_network: 'shop' service: 'one' }"));
  const auto refused = agent_.Call(
      CreateServiceAssociation, "service_association { service_network: 'shop' service: 'two' }");
  EXPECT_EQ(refused.status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(agent_.Readable(std::string(refused.status().message())),
            "service.custom_domain: \"a.b.c\" is taken by {one} in {shop}; a domain belongs to one "
            "service of a network");
}

TEST_F(RefusedTest, ADisplayNameThatSeveralHaveIsNoReference) {
  ASSERT_OK(agent_.Call(CreateAccount, "account { name: '777788889999' display_name: 'Empty' }"));
  EXPECT_THAT(agent_.Call(DeleteAccount, "name: 'Empty'"),
              StatusIs(StatusCode::kInvalidArgument,
                       "name: 2 accounts are called \"Empty\"; give the name of one: "
                       "accounts/444455556666, accounts/777788889999"));
}

// Changes the roster entry of an agent behind the API's back, as its own host would.
void Rewrite(TestAgent& agent, storage::NodeId node, void (*change)(v1::Agent*)) {
  const std::string name = resource::AgentName(node);
  const auto record = agent.catalog->FindRecord(name);
  v1::Resource changed = *record->resource;
  change(changed.mutable_agent());
  ASSERT_OK(agent.catalog->Commit({{name, changed, record->version}}));
}

TEST_F(RefusedTest, TheLastAgentThatCanAdmitOthersIsNotEvicted) {
  Rewrite(agent_, 2, [](v1::Agent* agent) { agent->set_issues_certificates(true); });
  EXPECT_THAT(agent_.Call(DeleteAgent, "name: 'beta'"),
              StatusIs(StatusCode::kFailedPrecondition, testing::HasSubstr("issuing key")));
  Rewrite(agent_, 1, [](v1::Agent* agent) { agent->set_issues_certificates(true); });
  EXPECT_OK(agent_.Call(DeleteAgent, "name: 'beta'"));
}

TEST_F(RefusedTest, AnAgentThatMustNotWriteSaysWhyAndReadsOn) {
  agent_.gossip.writable = absl::FailedPreconditionError("this agent's clock is 2s ahead");
  const auto refused =
      StatusIs(StatusCode::kFailedPrecondition, testing::HasSubstr("clock is 2s ahead"));
  EXPECT_THAT(agent_.Call(CreateService, "service { display_name: 'late' }"), refused);
  EXPECT_THAT(agent_.Call(CreateJoinToken, "vpc: 'main' role: WORKER"), refused);
  EXPECT_OK(agent_.Call(CreateService, "service { display_name: 'late' } validate_only: true"));
  EXPECT_OK(agent_.Call(GetService, "name: 'cart'"));
}

TEST_F(RefusedTest, WhenTheDiskIsFullNothingChangesAndTheReasonIsSaid) {
  agent_.engine.FailWrites(absl::UnavailableError("disk full"));
  EXPECT_THAT(agent_.Call(CreateService, "service { display_name: 'new' } request_id: 'r'"),
              StatusIs(StatusCode::kUnavailable, testing::HasSubstr("disk full")));
  EXPECT_FALSE(agent_.written.has_value());
  agent_.engine.FailWrites(absl::OkStatus());
  EXPECT_OK(agent_.Call(CreateService, "service { display_name: 'new' } request_id: 'r'"));
}

}  // namespace
}  // namespace trellis::api
