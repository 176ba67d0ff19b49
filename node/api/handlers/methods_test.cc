// What the standard methods do when all is well, for every kind of resource.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "node/api/handlers/account.h"
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
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string TextOf(const Message& message) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintToString(message, &text);
  return text;
}

std::string FieldOf(const Message& message, const char* name) {
  return message.GetReflection()->GetString(message,
                                            message.GetDescriptor()->FindFieldByName(name));
}

class MethodsTest : public testing::Test {
 protected:
  MethodsTest() { agent_.MakeWorld(); }

  TestAgent agent_;
};

// --- Create, get, list, update, delete -----------------------------------------------------------

// In the texts, NAME stands for the name of what was created.
template <typename Request, typename Response>
auto About(absl::StatusOr<Response> (*method)(CallContext&, const Request&),
           const std::string& text) {
  return [=](TestAgent& agent, const std::string& name) {
    return Calling(method, absl::StrReplaceAll(text, {{"NAME", name}}))(agent);
  };
}

struct LifeCase {
  using AboutStep = std::function<Answer(TestAgent&, const std::string& name)>;

  const char* name;
  Step create;
  std::vector<const char*> shown;  // After create: what was given, defaults, what is computed.
  AboutStep get;
  AboutStep list;
  AboutStep update;  // None: nothing of it can be.
  const char* updated = "";
  AboutStep remove;
};

class LifeTest : public testing::TestWithParam<LifeCase> {};

TEST_P(LifeTest, IsCreatedReadListedUpdatedAndDeleted) {
  const LifeCase& life = GetParam();
  TestAgent agent;
  agent.MakeWorld();

  ASSERT_OK_AND_ASSIGN(const auto created, life.create(agent));
  EXPECT_TRUE(agent.written.has_value());
  const std::string name = FieldOf(*created, "name");
  for (const char* part : life.shown) EXPECT_THAT(TextOf(*created), HasSubstr(agent.Expand(part)));
  EXPECT_THAT(FieldOf(*created, "etag"), Not(IsEmpty()));
  EXPECT_THAT(TextOf(*created), HasSubstr("create_time"));

  ASSERT_OK_AND_ASSIGN(const auto read, life.get(agent, name));
  EXPECT_FALSE(agent.written.has_value());
  EXPECT_EQ(TextOf(*read), TextOf(*created));
  ASSERT_OK_AND_ASSIGN(const auto listed, life.list(agent, name));
  EXPECT_THAT(TextOf(*listed), HasSubstr(TextOf(*created)));

  if (life.update != nullptr) {
    ASSERT_OK_AND_ASSIGN(const auto updated, life.update(agent, name));
    EXPECT_TRUE(agent.written.has_value());
    EXPECT_EQ(FieldOf(*updated, "name"), name);
    EXPECT_THAT(TextOf(*updated), HasSubstr(life.updated));
    EXPECT_NE(FieldOf(*updated, "etag"), FieldOf(*created, "etag"));
    ASSERT_OK_AND_ASSIGN(const auto reread, life.get(agent, name));
    EXPECT_EQ(TextOf(*reread), TextOf(*updated));
    ASSERT_OK(life.update(agent, name));
    EXPECT_FALSE(agent.written.has_value()) << "the same again changes nothing";
  }

  ASSERT_OK(life.remove(agent, name));
  EXPECT_TRUE(agent.written.has_value());
  EXPECT_THAT(life.get(agent, name), StatusIs(absl::StatusCode::kNotFound));
  // What was deleted can be there again.
  EXPECT_OK(life.create(agent));
}

const char kFixed404[] = "action { fixed_response { status_code: 404 } }";

INSTANTIATE_TEST_SUITE_P(
    Kinds, LifeTest,
    testing::Values(
        LifeCase{
            .name = "Account",
            .create = Calling(CreateAccount, "account { name: '777788889999' display_name: 'A' }"),
            .shown = {"name: \"accounts/777788889999\"", "display_name: \"A\""},
            .get = About(GetAccount, "name: 'NAME'"),
            .list = About(ListAccounts, ""),
            .update = About(UpdateAccount, "account { name: 'NAME' display_name: 'B' }"),
            .updated = "display_name: \"B\"",
            .remove = About(DeleteAccount, "name: 'NAME'")},
        LifeCase{.name = "Vpc",
                 .create = Calling(CreateVpc, "vpc { name: 'vpc-33333333' display_name: 'new' }"),
                 .shown = {"name: \"vpcs/vpc-33333333\"", "account: \"111122223333\"",
                           "arn: \"arn:aws:ec2:eu-1:111122223333:vpc/vpc-33333333\""},
                 .get = About(GetVpc, "name: 'new'"),
                 .list = About(ListVpcs, ""),
                 .update = About(UpdateVpc, "vpc { name: 'NAME' cidr_blocks: '10.0.0.0/8' }"),
                 .updated = "cidr_blocks: \"10.0.0.0/8\"",
                 .remove = About(DeleteVpc, "name: 'NAME'")},
        LifeCase{.name = "ServiceNetwork",
                 .create = Calling(CreateServiceNetwork,
                                   "service_network { display_name: 'new' associated_vpcs: 9 }"),
                 .shown = {"name: \"serviceNetworks/sn-", "auth_type: NONE",
                           "arn: \"arn:aws:vpc-lattice:eu-1:111122223333:servicenetwork/sn-"},
                 .get = About(GetServiceNetwork, "name: 'NAME'"),
                 .list = About(ListServiceNetworks, ""),
                 .remove = About(DeleteServiceNetwork, "name: 'new'")},
        LifeCase{
            .name = "Service",
            .create = Calling(CreateService,
                              "service { name: 'services/svc-0123456789abcdefg'"
                              "  display_name: 'new' custom_domain: 'New.Example.com' }"),
            .shown = {"name: \"services/svc-", "custom_domain: \"new.example.com\"",
                      "idle_timeout { seconds: 60 }", "status: ACTIVE", "domain: \"new-",
                      ".3031323.vpc-lattice-svcs.eu-1.mesh.example\""},
            .get = About(GetService, "name: 'NAME'"),
            .list = About(ListServices, ""),
            .update = About(UpdateService, "service { name: 'new' idle_timeout { seconds: 90 } }"),
            .updated = "idle_timeout { seconds: 90 }",
            .remove = About(DeleteService, "name: 'NAME'")},
        LifeCase{.name = "Listener",
                 .create = Calling(CreateListener,
                                   absl::StrCat("parent: 'pay' listener { display_name: 'web'"
                                                "  protocol: LISTENER_HTTP default_",
                                                kFixed404, "}")),
                 .shown = {"name: \"{pay}/listeners/listener-", "port: 80",
                           "arn: \"arn:aws:vpc-lattice:eu-1:111122223333:service/svc-"},
                 .get = About(GetListener, "name: 'pay/web'"),
                 .list = About(ListListeners, "parent: '{pay}'"),
                 .update = About(UpdateListener,
                                 "listener { name: 'NAME' default_action {"
                                 "  fixed_response { status_code: 500 } } }"),
                 .updated = "status_code: 500",
                 .remove = About(DeleteListener, "name: 'NAME'")},
        LifeCase{.name = "Rule",
                 .create = Calling(CreateRule, absl::StrCat("parent: 'cart/http' rule {"
                                                            "  display_name: 'new' priority: 20"
                                                            "  match { http_match { method: 'PUT' "
                                                            "} }",
                                                            kFixed404, "}")),
                 .shown = {"name: \"{cart/http}/rules/rule-", "priority: 20", "method: \"PUT\""},
                 .get = About(GetRule, "name: 'cart/http/new'"),
                 .list = About(ListRules, "parent: '{cart/http}'"),
                 .update = About(UpdateRule,
                                 "rule { name: 'NAME' priority: 30 }"
                                 "update_mask { paths: 'priority' }"),
                 .updated = "priority: 30",
                 .remove = About(DeleteRule, "name: 'NAME'")},
        LifeCase{.name = "TargetGroup",
                 .create = Calling(CreateTargetGroup,
                                   "target_group { display_name: 'new' type: IP vpc: 'main' }"),
                 .shown = {"name: \"targetGroups/tg-", "vpc: \"vpcs/vpc-11111111\"", "port: 80",
                           "protocol: TARGET_HTTP", "ip_address_type: IPV4", "enabled: true",
                           "status: ACTIVE"},
                 .get = About(GetTargetGroup, "name: 'NAME'"),
                 .list = About(ListTargetGroups, ""),
                 .update = About(UpdateTargetGroup,
                                 "target_group { name: 'NAME' health_check { path: '/up' } }"),
                 .updated = "path: \"/up\"",
                 .remove = About(DeleteTargetGroup, "name: 'NAME'")},
        LifeCase{.name = "VpcAssociation",
                 .create = Calling(CreateVpcAssociation,
                                   "vpc_association { service_network: 'shop' vpc: 'spare' }"),
                 .shown = {"name: \"vpcAssociations/snva-", "service_network: \"{shop}\"",
                           "vpc: \"vpcs/vpc-22222222\"", "status: ACTIVE"},
                 .get = About(GetVpcAssociation, "name: 'NAME'"),
                 .list = About(ListVpcAssociations, ""),
                 .remove = About(DeleteVpcAssociation, "name: 'NAME'")},
        LifeCase{
            .name = "ServiceAssociation",
            .create = Calling(CreateServiceAssociation,
                              "service_association { service_network: 'shop' service: 'pay' }"),
            .shown = {"name: \"serviceAssociations/snsa-", "service: \"{pay}\"", "status: ACTIVE"},
            .get = About(GetServiceAssociation, "name: 'NAME'"),
            .list = About(ListServiceAssociations, ""),
            .remove = About(DeleteServiceAssociation, "name: 'NAME'")}),
    [](const auto& info) { return info.param.name; });

TEST_F(MethodsTest, ReferencesAreNamesIdsArnsDisplayNamesAndPaths) {
  const std::string rule = agent_.Expand("{cart/http/stock}");
  const std::vector<std::string> parts = absl::StrSplit(rule, '/');
  ASSERT_OK_AND_ASSIGN(const v1::Rule known, agent_.Call(GetRule, "name: '{cart/http/stock}'"));
  for (const std::string& reference : {rule, parts[5], known.arn(), std::string("cart/http/stock"),
                                       absl::StrCat(parts[1], "/http/", parts[5])}) {
    const auto found = agent_.Call(GetRule, absl::StrCat("name: '", reference, "'"));
    ASSERT_OK(found) << reference;
    EXPECT_EQ(found->name(), rule) << reference;
  }
}

TEST_F(MethodsTest, WhatReadersComputeIsCounted) {
  ASSERT_OK_AND_ASSIGN(const auto network, agent_.Call(GetServiceNetwork, "name: 'shop'"));
  EXPECT_EQ(network.associated_vpcs(), 1);
  EXPECT_EQ(network.associated_services(), 1);
  ASSERT_OK_AND_ASSIGN(const auto used, agent_.Call(GetTargetGroup, "name: 'cart-blue'"));
  EXPECT_THAT(used.services(), testing::ElementsAre(agent_.Expand("{cart}")));
  ASSERT_OK_AND_ASSIGN(const auto unused, agent_.Call(GetTargetGroup, "name: 'cart-spare'"));
  EXPECT_THAT(unused.services(), IsEmpty());
}

// --- Paging --------------------------------------------------------------------------------------

TEST_F(MethodsTest, PagesHoldEveryResourceOnceAndTheLastHasNoToken) {
  for (const char* name : {"svc-a", "svc-b"}) {  // Reserved: made to sort anywhere.
    ASSERT_OK(agent_.Call(CreateService, absl::StrCat("service { display_name: 'x", name, "' }")));
  }
  std::vector<std::string> names;
  std::string token;
  int pages = 0;
  do {
    ASSERT_OK_AND_ASSIGN(
        const auto page,
        agent_.Call(ListServices, absl::StrCat("page_size: 3 page_token: '", token, "'")));
    EXPECT_LE(page.services_size(), 3);
    for (const v1::Service& service : page.services()) names.push_back(service.display_name());
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(pages, 2);
  EXPECT_THAT(names, testing::UnorderedElementsAre("cart", "pay", "xsvc-a", "xsvc-b"));
}

TEST_F(MethodsTest, APageThatJustFitsIsTheLast) {
  ASSERT_OK_AND_ASSIGN(const auto page, agent_.Call(ListServices, "page_size: 2"));
  EXPECT_EQ(page.services_size(), 2);
  EXPECT_THAT(page.next_page_token(), IsEmpty());
}

TEST_F(MethodsTest, WhatIsDeletedBetweenPagesLosesNothingElse) {
  ASSERT_OK(agent_.Call(CreateAccount, "account { name: '777788889999' }"));
  ASSERT_OK_AND_ASSIGN(const auto first, agent_.Call(ListAccounts, "page_size: 2"));
  ASSERT_OK(agent_.Call(DeleteAccount, absl::StrCat("name: '", first.accounts(1).name(), "'")));
  ASSERT_OK_AND_ASSIGN(const auto second,
                       agent_.Call(ListAccounts, absl::StrCat("page_size: 1000 page_token: '",
                                                              first.next_page_token(), "'")));
  ASSERT_EQ(second.accounts_size(), 1);
  EXPECT_EQ(second.accounts(0).name(), "accounts/777788889999");
}

TEST_F(MethodsTest, AListShowsItsOwnKindOnly) {
  ASSERT_OK_AND_ASSIGN(const auto services, agent_.Call(ListServices, ""));
  EXPECT_EQ(services.services_size(), 2) << "not the listeners and rules in them";
  ASSERT_OK_AND_ASSIGN(const auto listeners, agent_.Call(ListListeners, "parent: 'cart'"));
  EXPECT_EQ(listeners.listeners_size(), 1);
  ASSERT_OK_AND_ASSIGN(const auto none, agent_.Call(ListListeners, "parent: 'pay'"));
  EXPECT_EQ(none.listeners_size(), 0);
}

// --- Updates -------------------------------------------------------------------------------------

TEST_F(MethodsTest, AMaskLimitsAnUpdateToItsFields) {
  ASSERT_OK_AND_ASSIGN(const v1::Rule rule,
                       agent_.Call(UpdateRule,
                                   "rule { name: 'cart/http/stock' priority: 11 "
                                   "  match { http_match { method: 'PUT' } } }"
                                   "update_mask { paths: 'match' }"));
  EXPECT_EQ(rule.priority(), 10);
  EXPECT_EQ(rule.match().http_match().method(), "PUT");
  EXPECT_TRUE(rule.has_action());
}

TEST_F(MethodsTest, WithoutAMaskAbsentFieldsGoBackToTheirDefaults) {
  ASSERT_OK(agent_.Call(UpdateService, "service { name: 'pay' idle_timeout { seconds: 90 } }"));
  ASSERT_OK_AND_ASSIGN(const auto service, agent_.Call(UpdateService, "service { name: 'pay' }"));
  EXPECT_EQ(service.idle_timeout().seconds(), 60);
}

TEST_F(MethodsTest, WhatWasReadCanBeWrittenBack) {
  ASSERT_OK_AND_ASSIGN(const auto read, agent_.Call(GetTargetGroup, "name: 'cart-blue'"));
  v1::UpdateTargetGroupRequest request;
  *request.mutable_target_group() = read;
  ASSERT_OK_AND_ASSIGN(const auto written, agent_.CallWith(UpdateTargetGroup, request));
  EXPECT_TRUE(MessageDifferencer::Equals(written, read));
  EXPECT_FALSE(agent_.written.has_value());
}

TEST_F(MethodsTest, TheCurrentEtagAllowsOneWrite) {
  ASSERT_OK_AND_ASSIGN(const auto read, agent_.Call(GetService, "name: 'pay'"));
  const std::string update = absl::StrCat("service { name: 'pay' etag: '", read.etag(),
                                          "' idle_timeout { seconds: 90 } }");
  ASSERT_OK(agent_.Call(UpdateService, update));
  EXPECT_THAT(agent_.Call(UpdateService, update), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(agent_.Call(DeleteService, absl::StrCat("name: 'pay' etag: '", read.etag(), "'")),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("read it again and decide anew")));
  ASSERT_OK_AND_ASSIGN(const auto now, agent_.Call(GetService, "name: 'pay'"));
  EXPECT_OK(agent_.Call(DeleteService, absl::StrCat("name: 'pay' etag: '", now.etag(), "'")));
}

// --- Request ids, validate_only ------------------------------------------------------------------

TEST_F(MethodsTest, ARepeatedRequestIdGetsTheFirstAnswerAndWritesNothing) {
  const std::string create = "service { display_name: 'new' } request_id: 'r1'";
  ASSERT_OK_AND_ASSIGN(const auto first, agent_.Call(CreateService, create));
  ASSERT_OK_AND_ASSIGN(const auto again, agent_.Call(CreateService, create));
  EXPECT_TRUE(MessageDifferencer::Equals(first, again));
  EXPECT_FALSE(agent_.written.has_value());
  // A delete that is repeated succeeds, although there is nothing left to delete.
  ASSERT_OK(agent_.Call(DeleteService, "name: 'new' request_id: 'r2'"));
  EXPECT_OK(agent_.Call(DeleteService, "name: 'new' request_id: 'r2'"));
}

TEST_F(MethodsTest, ARequestIdBelongsToOneContentAndOneCaller) {
  ASSERT_OK(agent_.Call(CreateService, "service { display_name: 'new' } request_id: 'r1'"));
  EXPECT_THAT(agent_.Call(CreateService, "service { display_name: 'other' } request_id: 'r1'"),
              StatusIs(absl::StatusCode::kAborted,
                       "request_id: \"r1\" was used for a different request within the last day; "
                       "give a new one"));
  EXPECT_OK(
      agent_.Call(CreateService, "service { display_name: 'other' } request_id: 'r1'", "bob"));
}

TEST_F(MethodsTest, ARequestIdIsFreeAgainAfterARefusalAndAfterADay) {
  EXPECT_FALSE(
      agent_.Call(CreateService, "service { display_name: 'cart' } request_id: 'r1'").ok());
  ASSERT_OK(agent_.Call(CreateService, "service { display_name: 'new' } request_id: 'r1'"));
  agent_.sim.RunFor(RequestLog::kMaxAge + absl::Seconds(1));
  EXPECT_OK(agent_.Call(CreateService, "service { display_name: 'newer' } request_id: 'r1'"));
}

TEST(RequestLogTest, ForgetsTheOldestPastItsBounds) {
  RequestLog log;
  v1::GetServiceRequest request;
  v1::Service answer;
  for (size_t i = 0; i <= RequestLog::kMaxRequests; ++i) {
    log.Remember("ann", absl::StrCat(i), request, absl::UnixEpoch(), answer);
  }
  EXPECT_EQ(log.size(), RequestLog::kMaxRequests);
  EXPECT_THAT(*log.Recall("ann", "0", request, absl::UnixEpoch(), &answer), false);
  EXPECT_THAT(*log.Recall("ann", "1", request, absl::UnixEpoch(), &answer), true);
}

TEST_F(MethodsTest, ValidateOnlyWritesNothingAndShowsNoInventedId) {
  const storage::Root before = agent_.catalog->root();
  ASSERT_OK_AND_ASSIGN(
      const auto service,
      agent_.Call(CreateService, "service { display_name: 'new' } validate_only: true"));
  EXPECT_THAT(service.name(), IsEmpty());
  EXPECT_THAT(service.arn(), IsEmpty());
  EXPECT_THAT(service.domain(), IsEmpty());
  EXPECT_EQ(service.idle_timeout().seconds(), 60) << "defaults are shown";
  ASSERT_OK_AND_ASSIGN(const auto vpc,
                       agent_.Call(CreateVpc,
                                   "vpc { name: 'vpc-33333333' display_name: 'new' }"
                                   "validate_only: true"));
  EXPECT_EQ(vpc.name(), "vpcs/vpc-33333333") << "chosen, not invented";
  ASSERT_OK_AND_ASSIGN(const auto updated,
                       agent_.Call(UpdateService,
                                   "service { name: 'pay' idle_timeout { seconds: 90 } }"
                                   "validate_only: true"));
  EXPECT_EQ(updated.idle_timeout().seconds(), 90);
  ASSERT_OK(agent_.Call(DeleteService, "name: 'pay' validate_only: true"));
  ASSERT_OK(agent_.Call(RegisterTargets,
                        "parent: 'cart-blue' targets { id: '10.1.0.9' } validate_only: true"));
  EXPECT_FALSE(agent_.written.has_value());
  EXPECT_EQ(agent_.catalog->root(), before);
}

// --- Targets -------------------------------------------------------------------------------------

TEST_F(MethodsTest, TargetsAreRegisteredOneByOneInOneWrite) {
  ASSERT_OK_AND_ASSIGN(const auto answer, agent_.Call(RegisterTargets, R"(
    parent: 'cart-blue'
    targets { id: '10.1.0.5' }
    targets { id: '10.1.0.6' port: 9090 }
    targets { id: 'fd00::1' }
    targets { id: '10.1.0.7' port: 70000 }
    targets { id: '10.1.0.8' address: '10.1.0.8' }
  )"));
  ASSERT_EQ(answer.successful_size(), 2);
  EXPECT_EQ(answer.successful(0).port(), 8080) << "the group's";
  EXPECT_EQ(answer.successful(1).name(), agent_.Expand("{cart-blue}/targets/10.1.0.6:9090"));
  ASSERT_EQ(answer.unsuccessful_size(), 3);
  EXPECT_EQ(answer.unsuccessful(0).failure_code(), "INVALID_ARGUMENT");
  EXPECT_EQ(answer.unsuccessful(0).failure_message(),
            "target.id: \"fd00::1\" does not fit its group; give an IPv4 address");
  EXPECT_EQ(answer.unsuccessful(1).failure_message(),
            "target.port: 70000 is out of range; give 0 to 65535");
  EXPECT_EQ(answer.unsuccessful(2).failure_message(),
            "target.address: not allowed here: only a group of type INSTANCE needs one; leave it "
            "out");
  ASSERT_OK_AND_ASSIGN(const auto listed, agent_.Call(ListTargets, "parent: 'cart-blue'"));
  EXPECT_EQ(listed.targets_size(), 2);
}

TEST_F(MethodsTest, ATargetThatFailsTakesNoEarlierOneBack) {
  ASSERT_OK_AND_ASSIGN(const auto answer, agent_.Call(RegisterTargets, R"(
    parent: 'cart-blue'
    targets { id: '10.1.0.6' }
    targets { id: '10.1.0.6' address: '10.1.0.6' }
    targets { id: '10.1.0.5' address: '10.1.0.6' }
  )"));
  EXPECT_EQ(answer.successful_size(), 1);
  EXPECT_EQ(answer.unsuccessful_size(), 2);
  ASSERT_OK_AND_ASSIGN(const auto listed, agent_.Call(ListTargets, "parent: 'cart-blue'"));
  ASSERT_EQ(listed.targets_size(), 2);
  EXPECT_THAT(listed.targets(0).address(), IsEmpty());
  EXPECT_THAT(listed.targets(1).address(), IsEmpty());
}

TEST_F(MethodsTest, AnInstancesNewAddressReplacesTheOldAndRepeatsWriteNothing) {
  const std::string old = "parent: 'cart-spare' targets { id: 'i-1' address: '10.1.0.1' }";
  ASSERT_OK(agent_.Call(RegisterTargets, old));
  ASSERT_OK(agent_.Call(RegisterTargets, old));
  EXPECT_FALSE(agent_.written.has_value());
  ASSERT_OK_AND_ASSIGN(
      const auto moved,
      agent_.Call(RegisterTargets,
                  "parent: 'cart-spare' targets { id: 'i-1' address: '10.1.0.2' }"));
  EXPECT_EQ(moved.successful(0).address(), "10.1.0.2");
}

TEST_F(MethodsTest, TargetsAreDeregisteredInAnySpelling) {
  ASSERT_OK(agent_.Call(CreateTargetGroup,
                        "target_group { display_name: 'six' type: IP ip_address_type: IPV6"
                        "  vpc: 'main' port: 8080 }"));
  ASSERT_OK(agent_.Call(RegisterTargets, "parent: 'six' targets { id: 'fd00:0:0::A' }"));
  ASSERT_OK_AND_ASSIGN(const auto answer,
                       agent_.Call(DeregisterTargets,
                                   "parent: 'six' targets { id: 'FD00::a' }"
                                   "targets { id: 'fd00::a' } targets { id: 'fd00::b' }"));
  ASSERT_EQ(answer.successful_size(), 1);
  EXPECT_EQ(answer.successful(0).port(), 8080);
  ASSERT_EQ(answer.unsuccessful_size(), 2);
  EXPECT_EQ(answer.unsuccessful(1).failure_code(), "NOT_FOUND");
  EXPECT_EQ(answer.unsuccessful(1).failure_message(),
            "target: fd00::b is not registered on port 8080");
}

TEST_F(MethodsTest, TargetsShowTheVerdictAndItsReason) {
  const auto shown = [&](const char* group) {
    const auto listed = agent_.Call(ListTargets, absl::StrCat("parent: '", group, "'"));
    const v1::Target& target = listed->targets(0);
    return absl::StrCat(v1::TargetStatus_Name(target.status()), " ", target.reason_code());
  };
  EXPECT_EQ(shown("cart-blue"), "INITIAL NotCheckedByThisAgent");
  health::Verdict& verdict = agent_.verdicts[agent_.Expand("{cart-blue}/targets/10.1.0.5:8080")];
  verdict = {routing::TargetHealth::kUnhealthy, "ResponseCodeMismatch"};
  EXPECT_EQ(shown("cart-blue"), "UNHEALTHY ResponseCodeMismatch");
  verdict = {routing::TargetHealth::kHealthy, ""};
  EXPECT_EQ(shown("cart-blue"), "HEALTHY ");
  verdict = {routing::TargetHealth::kUnavailable, "HealthCheckDisabled"};
  EXPECT_EQ(shown("cart-blue"), "UNAVAILABLE HealthCheckDisabled");
  ASSERT_OK(agent_.Call(RegisterTargets,
                        "parent: 'cart-spare' targets { id: 'i-1' address: '10.1.0.1' }"));
  EXPECT_EQ(shown("cart-spare"), "UNUSED TargetGroupNotInUse");
}

// --- Deletes, owners -----------------------------------------------------------------------------

TEST_F(MethodsTest, AServiceTakesItsListenersAndRulesWithItButNoTargetGroup) {
  ASSERT_OK(agent_.Call(DeleteServiceAssociation, "name: '{shop~cart}'"));
  const std::string rule = agent_.Expand("{cart/http/stock}");
  ASSERT_OK(agent_.Call(DeleteService, "name: 'cart'"));
  EXPECT_EQ(agent_.catalog->Find(rule), nullptr);
  EXPECT_OK(agent_.Call(GetTargetGroup, "name: 'cart-blue'"));
}

TEST_F(MethodsTest, AListenerTakesItsRulesWithIt) {
  const std::string rule = agent_.Expand("{cart/http/stock}");
  ASSERT_OK(agent_.Call(DeleteListener, "name: 'cart/http'"));
  EXPECT_EQ(agent_.catalog->Find(rule), nullptr);
  EXPECT_OK(agent_.Call(GetService, "name: 'cart'"));
}

TEST_F(MethodsTest, DisplayNamesAreThoseOfTheResourcesOwner) {
  ASSERT_OK_AND_ASSIGN(
      const auto service,
      agent_.Call(CreateService, "service { display_name: 'cart' account: '444455556666' }"));
  ASSERT_OK_AND_ASSIGN(const auto group,
                       agent_.Call(CreateTargetGroup,
                                   "target_group { display_name: 'cart-blue' type: IP"
                                   "  account: '444455556666' vpc: 'vpcs/vpc-11111111' }"));
  ASSERT_OK_AND_ASSIGN(
      const auto listener,
      agent_.Call(CreateListener, absl::StrCat("parent: '", service.name(), "'", R"(
    listener {
      display_name: 'http' protocol: LISTENER_HTTP
      default_action { forward { target_groups { target_group: 'cart-blue' } } }
    })")));
  EXPECT_EQ(listener.default_action().forward().target_groups(0).target_group(), group.name());
}

}  // namespace
}  // namespace trellis::api
