#include "node/snapshot/compiler.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "node/snapshot/fake_catalog.h"
#include "node/snapshot/snapshot_text.h"

namespace trellis {
namespace {

constexpr char kCart[] = "services/svc-cart";
constexpr char kCartListener[] = "services/svc-cart/listeners/listener-1";
constexpr char kCartRule[] = "services/svc-cart/listeners/listener-1/rules/rule-1";
constexpr char kPay[] = "services/svc-pay";
constexpr char kBlue[] = "targetGroups/tg-blue";
constexpr char kGreen[] = "targetGroups/tg-green";
constexpr char kBlueTarget[] = "targetGroups/tg-blue/targets/10.0.0.1:8080";

// Two services in one network, which vpc-a is associated with. Cart: a rule to blue, by default
// green; pay: green.
class CompilerTest : public testing::Test {
 protected:
  CompilerTest() {
    catalog_.Put("vpcs/vpc-a", R"(vpc { arn: "arn:vpc-a" })");
    catalog_.Put("serviceNetworks/sn-1", R"(service_network { arn: "arn:sn-1" })");
    catalog_.Put("vpcAssociations/snva-1", VpcAssociation("sn-1", "vpc-a", 1));
    catalog_.Put("serviceAssociations/snsa-1", ServiceAssociation("sn-1", "svc-cart"));
    catalog_.Put("serviceAssociations/snsa-2", ServiceAssociation("sn-1", "svc-pay"));
    catalog_.Put(kCart,
                 R"(service { arn: "arn:cart" domain: "cart-1.mesh" custom_domain: "Cart.Example"
                                     idle_timeout { seconds: 90 } create_time { seconds: 10 } })");
    catalog_.Put(kCartListener, R"(listener { protocol: LISTENER_HTTP port: 8080
        default_action { forward { target_groups { target_group: "targetGroups/tg-green" } } } })");
    catalog_.Put(kCartRule, R"(rule { priority: 10
        action { forward { target_groups { target_group: "targetGroups/tg-blue" weight: 90 }
                           target_groups { target_group: "targetGroups/tg-green" weight: 10 } } } })");
    catalog_.Put(kPay, R"(service { domain: "pay-1.mesh" create_time { seconds: 20 } })");
    catalog_.Put("services/svc-pay/listeners/listener-1", R"(listener { protocol: LISTENER_HTTP
        default_action { forward { target_groups { target_group: "targetGroups/tg-green" } } } })");
    catalog_.Put(kBlue,
                 R"(target_group { arn: "arn:blue" type: IP port: 8080 vpc: "vpcs/vpc-b" })");
    catalog_.Put(kBlueTarget, R"(target { id: "10.0.0.1" })");
    catalog_.Put(kGreen, R"(target_group { type: IP })");
  }

  static std::string VpcAssociation(const std::string& network, const std::string& vpc, int time) {
    return absl::StrCat("vpc_association { service_network: 'serviceNetworks/", network,
                        "' vpc: 'vpcs/", vpc, "' create_time { seconds: ", time, " } }");
  }
  static std::string ServiceAssociation(const std::string& network, const std::string& service) {
    return absl::StrCat("service_association { service_network: 'serviceNetworks/", network,
                        "' service: 'services/", service, "' }");
  }

  std::shared_ptr<const Snapshot> CompileAll() {
    catalog_.TakeChanges();
    return compiler_.Compile(catalog_, nullptr);
  }
  std::shared_ptr<const Snapshot> CompileChanges() {
    const storage::Applied changes = catalog_.TakeChanges();
    return compiler_.Compile(catalog_, &changes);
  }
  bool HasProblem(const std::string& name, const std::string& words) const {
    const std::set<std::string> problems = compiler_.problems();
    return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
      return absl::StartsWith(problem, name + ": ") && absl::StrContains(problem, words);
    });
  }

  FakeCatalog catalog_;
  health::Registry registry_;
  const Naming naming_{.account = "123456789012",
                       .region = "eu-1",
                       .mesh_id = std::string(16, '\xab'),
                       .mesh_domain = "on.trellis"};
  SnapshotCompiler compiler_{{.vpc = "vpcs/vpc-a", .naming = naming_}, registry_};
};

TEST_F(CompilerTest, EverythingIsWhereARequestLooksForIt) {
  const auto snapshot = CompileAll();
  EXPECT_EQ(snapshot->generation, 1u);
  EXPECT_EQ(snapshot->vector, catalog_.vector());
  EXPECT_EQ(snapshot->source_vpc_id, "vpc-a");
  EXPECT_EQ(snapshot->source_vpc_arn, "arn:vpc-a");
  EXPECT_EQ(snapshot->ports, (std::vector<uint16_t>{80, 8080}));
  EXPECT_EQ(compiler_.target_groups().size(), 2u);
  EXPECT_TRUE(compiler_.problems().empty());

  const CompiledService* cart = snapshot->FindService("cart.example");
  ASSERT_NE(cart, nullptr);
  EXPECT_EQ(cart, snapshot->FindService("cart-1.mesh"));
  EXPECT_EQ(cart->name, kCart);
  EXPECT_EQ(cart->arn, "arn:cart");
  EXPECT_EQ(cart->service_network, "serviceNetworks/sn-1");
  EXPECT_EQ(cart->service_network_arn, "arn:sn-1");
  EXPECT_EQ(cart->idle_timeout, absl::Seconds(90));

  const CompiledListener* listener = cart->FindListener(8080);
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->name, kCartListener);
  EXPECT_EQ(listener->rules.size(), 1u);
  EXPECT_EQ(listener->rule_names, (std::vector<std::string>{kCartRule}));
  ASSERT_EQ(listener->default_action.forward.size(), 1u);
  EXPECT_EQ(listener->default_action.total_weight, 100u);
  const CompiledAction& action = listener->actions.at(0);
  EXPECT_EQ(action.total_weight, 100u);
  ASSERT_EQ(action.forward.size(), 2u);
  EXPECT_EQ(action.forward[0].weight, 90u);
  EXPECT_EQ(action.forward[1].group, listener->default_action.forward[0].group);

  const CompiledTargetGroup& blue = *action.forward[0].group;
  EXPECT_EQ(blue.name, kBlue);
  EXPECT_EQ(blue.arn, "arn:blue");
  EXPECT_EQ(blue.vpc_id, "vpc-b");
  ASSERT_EQ(blue.targets.size(), 1u);
  EXPECT_EQ(blue.targets[0].id, "10.0.0.1");
  EXPECT_EQ(blue.targets[0].endpoint.ToString(), "10.0.0.1:8080");
  EXPECT_EQ(blue.targets[0].health->Get(), routing::TargetHealth::kInitial);
}

// The catalog stores neither ARNs nor generated host names.
TEST_F(CompilerTest, ArnsAndGeneratedHostsFollowFromTheMesh) {
  const std::string vpc = "vpcs/vpc-0a1b2c3d";
  const std::string service = "services/svc-0123456789abcdef0";
  const std::string network = "serviceNetworks/sn-0123456789abcdef1";
  catalog_.Put(network, "service_network { account: '222222222222' }");
  catalog_.Put(service, "service { display_name: 'cart' }");
  catalog_.Put("vpcAssociations/snva-1", VpcAssociation("sn-0123456789abcdef1", "vpc-0a1b2c3d", 1));
  catalog_.Put("serviceAssociations/snsa-1",
               ServiceAssociation("sn-0123456789abcdef1", "svc-0123456789abcdef0"));

  SnapshotCompiler compiler({.vpc = vpc, .naming = naming_}, registry_);
  const auto snapshot = compiler.Compile(catalog_, nullptr);

  EXPECT_EQ(snapshot->source_vpc_arn, "arn:aws:ec2:eu-1:123456789012:vpc/vpc-0a1b2c3d");
  const CompiledService* cart =
      snapshot->FindService("cart-0123456789abcdef0.abababa.vpc-lattice-svcs.eu-1.on.trellis");
  ASSERT_NE(cart, nullptr);
  EXPECT_EQ(cart->arn, "arn:aws:vpc-lattice:eu-1:123456789012:service/svc-0123456789abcdef0");
  EXPECT_EQ(cart->service_network_arn,
            "arn:aws:vpc-lattice:eu-1:222222222222:servicenetwork/sn-0123456789abcdef1");
}

// --- Which services a VPC sees -----------------------------------------------------------------

TEST_F(CompilerTest, VpcWithoutAssociationSeesNothing) {
  catalog_.Put("vpcAssociations/snva-1", VpcAssociation("sn-1", "vpc-b", 1));
  const auto snapshot = CompileAll();
  EXPECT_TRUE(snapshot->services_by_host.empty());
  EXPECT_TRUE(snapshot->ports.empty());
  EXPECT_TRUE(compiler_.target_groups().empty());
}

TEST_F(CompilerTest, ServiceOfAnotherNetworkIsNotSeen) {
  catalog_.Put("serviceNetworks/sn-2", "service_network {}");
  catalog_.Put("serviceAssociations/snsa-2", ServiceAssociation("sn-2", "svc-pay"));
  const auto snapshot = CompileAll();
  EXPECT_NE(snapshot->FindService("cart.example"), nullptr);
  EXPECT_EQ(snapshot->FindService("pay-1.mesh"), nullptr);
}

TEST_F(CompilerTest, NetworkThatDoesNotExistConnectsNothing) {
  catalog_.Delete("serviceNetworks/sn-1");
  EXPECT_TRUE(CompileAll()->services_by_host.empty());
}

TEST_F(CompilerTest, OfTwoNetworksOfOneVpcTheFirstCounts) {
  catalog_.Put("serviceNetworks/sn-0", "service_network {}");
  catalog_.Put("vpcAssociations/snva-0", VpcAssociation("sn-0", "vpc-a", 2));
  EXPECT_NE(CompileAll()->FindService("cart.example"), nullptr);
  EXPECT_TRUE(HasProblem("vpcAssociations/snva-0", "serviceNetworks/sn-0 is not used"));
  catalog_.Delete("serviceNetworks/sn-1");
  EXPECT_EQ(CompileChanges()->FindService("cart.example"), nullptr);
  EXPECT_TRUE(compiler_.problems().empty());
}

TEST_F(CompilerTest, AssociationBeforeItsServiceWaitsForIt) {
  catalog_.Delete(kPay);
  EXPECT_EQ(CompileAll()->FindService("pay-1.mesh"), nullptr);
  catalog_.Put(kPay, R"(service { domain: "pay-1.mesh" })");
  EXPECT_NE(CompileChanges()->FindService("pay-1.mesh"), nullptr);
}

// --- Hosts -------------------------------------------------------------------------------------

TEST_F(CompilerTest, OfTwoServicesWithOneHostTheFirstCreatedHasIt) {
  catalog_.Put(kPay, R"(service { domain: "pay-1.mesh" custom_domain: "cart.example"
                                  create_time { seconds: 5 } })");
  const auto snapshot = CompileAll();
  EXPECT_EQ(snapshot->FindService("cart.example")->name, kPay);
  EXPECT_EQ(snapshot->FindService("cart-1.mesh")->name, kCart);
  EXPECT_TRUE(HasProblem(kCart, "cart.example"));
}

TEST_F(CompilerTest, HostGoesToTheOtherClaimantWhenTheFirstIsDeleted) {
  catalog_.Put(kPay, R"(service { custom_domain: "cart.example" create_time { seconds: 20 } })");
  EXPECT_EQ(CompileAll()->FindService("cart.example")->name, kCart);
  catalog_.Delete(kCart);
  EXPECT_EQ(CompileChanges()->FindService("cart.example")->name, kPay);
  EXPECT_TRUE(compiler_.problems().empty());
}

TEST_F(CompilerTest, ServicesCreatedAtOnceAreOrderedByName) {
  catalog_.Put(kPay, R"(service { custom_domain: "cart.example" create_time { seconds: 10 } })");
  EXPECT_EQ(CompileAll()->FindService("cart.example")->name, kCart);
}

TEST_F(CompilerTest, ASettledClaimHoldsAgainstAnEarlierOne) {
  catalog_.Put(kPay, R"(service { domain: "pay-1.mesh" custom_domain: "cart.example"
                                  create_time { seconds: 5 } })");
  EXPECT_EQ(CompileAll()->FindService("cart.example")->name, kPay);
  catalog_.Settle({kCart, "serviceAssociations/snsa-1"});
  const auto snapshot = CompileChanges();
  EXPECT_EQ(snapshot->FindService("cart.example")->name, kCart);
  EXPECT_EQ(snapshot->FindService("pay-1.mesh")->name, kPay);
  EXPECT_TRUE(HasProblem(kPay, "cart.example"));
}

TEST_F(CompilerTest, AGeneratedDomainIsNobodyElses) {
  catalog_.Put(kPay, R"(service { domain: "pay-1.mesh" custom_domain: "cart-1.mesh"
                                  create_time { seconds: 5 } })");
  EXPECT_EQ(CompileAll()->FindService("cart-1.mesh")->name, kCart);
  EXPECT_TRUE(HasProblem(kPay, "cart-1.mesh"));
}

// --- Listeners and actions ---------------------------------------------------------------------

TEST_F(CompilerTest, HttpsListenersAreMarked) {
  catalog_.Put("services/svc-pay/listeners/listener-2", "listener { protocol: LISTENER_HTTPS }");
  const auto snapshot = CompileAll();
  EXPECT_TRUE(snapshot->FindService("pay-1.mesh")->FindListener(443)->tls);
  EXPECT_FALSE(snapshot->FindService("pay-1.mesh")->FindListener(80)->tls);
  EXPECT_EQ(snapshot->ports, (std::vector<uint16_t>{80, 443, 8080}));
}

TEST_F(CompilerTest, ListenersOfOtherProtocolsAreSkippedAndTold) {
  catalog_.Put("services/svc-pay/listeners/listener-2",
               "listener { protocol: LISTENER_TLS_PASSTHROUGH port: 443 }");
  const auto snapshot = CompileAll();
  EXPECT_EQ(snapshot->FindService("pay-1.mesh")->FindListener(443), nullptr);
  EXPECT_EQ(snapshot->ports, (std::vector<uint16_t>{80, 8080}));
  EXPECT_TRUE(HasProblem("services/svc-pay/listeners/listener-2", "not served"));
}

TEST_F(CompilerTest, OfTwoListenersOnOnePortTheFirstCreatedServes) {
  catalog_.Put(kCartListener, R"(listener { protocol: LISTENER_HTTP create_time { seconds: 2 } })");
  catalog_.Put("services/svc-cart/listeners/listener-2",
               R"(listener { protocol: LISTENER_HTTP port: 80 create_time { seconds: 1 } })");
  const auto snapshot = CompileAll();
  const CompiledService* cart = snapshot->FindService("cart.example");
  ASSERT_EQ(cart->listeners.size(), 1u);
  EXPECT_EQ(cart->listeners[0].name, "services/svc-cart/listeners/listener-2");
  EXPECT_TRUE(HasProblem(kCartListener, "port 80"));
}

TEST_F(CompilerTest, ListenersAreSortedByPort) {
  catalog_.Put("services/svc-cart/listeners/listener-0",
               "listener { protocol: LISTENER_HTTP port: 9000 }");
  const auto snapshot = CompileAll();
  const CompiledService* cart = snapshot->FindService("cart.example");
  ASSERT_EQ(cart->listeners.size(), 2u);
  EXPECT_EQ(cart->listeners[0].port, 8080);
  EXPECT_EQ(cart->listeners[1].port, 9000);
}

struct ActionCase {
  const char* name;
  const char* action;
  const char* expected;
};

class ActionTest : public CompilerTest, public testing::WithParamInterface<ActionCase> {};

TEST_P(ActionTest, IsNeverAnotherOnesTraffic) {
  catalog_.Put(kCartRule, absl::StrCat("rule { action { ", GetParam().action, " } }"));
  const auto snapshot = CompileAll();
  const CompiledListener& listener = snapshot->FindService("cart.example")->listeners.at(0);
  EXPECT_EQ(ToText(listener.actions.at(0)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Spec, ActionTest,
    testing::ValuesIn(std::vector<ActionCase>{
        {"Fixed404", "fixed_response { status_code: 404 }", "fixed 404"},
        {"Fixed500", "fixed_response { status_code: 500 }", "fixed 500"},
        {"FixedOtherIs500", "fixed_response { status_code: 200 }", "fixed 500"},
        {"WeightOfOneDefaultsTo100",
         "forward { target_groups { target_group: 'targetGroups/tg-x' } }",
         "forward of 100 100:[targetGroups/tg-x missing]"},
        {"DanglingGroupKeepsItsShare",
         "forward { target_groups { target_group: 'targetGroups/tg-x' weight: 1 }"
         "          target_groups { target_group: 'targetGroups/tg-green' weight: 3 } }",
         "forward of 4 1:[targetGroups/tg-x missing] 3:[targetGroups/tg-green  - mode 0]"},
        {"AllWeightsZero",
         "forward { target_groups { target_group: 'targetGroups/tg-x' weight: 0 } }",
         "forward of 0 0:[targetGroups/tg-x missing]"},
        {"NegativeWeightIsZero",
         "forward { target_groups { target_group: 'targetGroups/tg-x' weight: -5 } }",
         "forward of 0 0:[targetGroups/tg-x missing]"},
        {"GreatWeightIsTheGreatestThereIs",
         "forward { target_groups { target_group: 'targetGroups/tg-x' weight: 2147483647 } }",
         "forward of 999 999:[targetGroups/tg-x missing]"},
        {"NoActionIsAMissingGroup", "", "forward of 100 100:[ missing]"},
        {"ForwardToNothingIsAMissingGroup", "forward {}", "forward of 100 100:[ missing]"},
        {"ReferenceToSomethingElseIsAMissingGroup",
         "forward { target_groups { target_group: 'services/svc-cart' } }",
         "forward of 100 100:[services/svc-cart missing]"},
    }),
    [](const auto& info) { return info.param.name; });

// --- Target groups -----------------------------------------------------------------------------

TEST_F(CompilerTest, TargetsAreSortedByEndpointWithoutDuplicates) {
  catalog_.Put(kBlue, "target_group { type: INSTANCE }");
  catalog_.Delete(kBlueTarget);
  catalog_.Put("targetGroups/tg-blue/targets/i-1:80", "target { id: 'i-1' address: '10.0.0.9' }");
  catalog_.Put("targetGroups/tg-blue/targets/i-2:80", "target { id: 'i-2' address: '10.0.0.3' }");
  catalog_.Put("targetGroups/tg-blue/targets/i-3:80", "target { id: 'i-3' address: '10.0.0.9' }");
  catalog_.Put("targetGroups/tg-blue/targets/i-3:81",
               "target { id: 'i-3' port: 81 address: '10.0.0.9' }");
  const auto snapshot = CompileAll();
  EXPECT_EQ(ToText(*compiler_.target_groups().at(0)),
            "targetGroups/tg-blue  - mode 0 i-2=10.0.0.3:80 i-1=10.0.0.9:80 i-3=10.0.0.9:81");
  EXPECT_TRUE(HasProblem("targetGroups/tg-blue/targets/i-3:80", "10.0.0.9:80"));
}

TEST_F(CompilerTest, TargetsThatCannotBeReachedAreLeftOutAndTold) {
  catalog_.Put("targetGroups/tg-blue/targets/a:1", "target { id: 'shop.example' }");
  catalog_.Put("targetGroups/tg-blue/targets/b:1", "target { id: '10.0.0.2' port: 70000 }");
  catalog_.Put("targetGroups/tg-blue/targets/c:1", "service {}");
  const auto snapshot = CompileAll();
  EXPECT_EQ(compiler_.target_groups().at(0)->targets.size(), 1u);
  EXPECT_TRUE(HasProblem("targetGroups/tg-blue/targets/a:1", "shop.example"));
  EXPECT_TRUE(HasProblem("targetGroups/tg-blue/targets/b:1", "70000"));
  EXPECT_TRUE(HasProblem("targetGroups/tg-blue/targets/c:1", ""));
}

TEST_F(CompilerTest, GroupsOfOtherProtocolsGetNoPlainHttp) {
  for (const char* fields : {"type: IP protocol: TARGET_HTTPS", "type: IP protocol: TARGET_TCP",
                             "type: LAMBDA", "type: ALB"}) {
    catalog_.Put(kBlue, absl::StrCat("target_group { ", fields, " }"));
    CompileAll();
    EXPECT_TRUE(compiler_.target_groups().at(0)->targets.empty()) << fields;
    EXPECT_TRUE(HasProblem(kBlue, "gets no traffic")) << fields;
  }
}

TEST_F(CompilerTest, TargetsWithoutChecksAreUnavailable) {
  catalog_.Put(kBlue, "target_group { type: IP health_check { enabled: false } }");
  CompileAll();
  EXPECT_EQ(compiler_.target_groups().at(0)->targets.at(0).health->Get(),
            routing::TargetHealth::kUnavailable);
}

TEST_F(CompilerTest, WorkersTargetCountsWhileItIsAMemberAndItsGroupAdmitsIt) {
  catalog_.author = {
      .node = 7, .admin = false, .vpc = "vpcs/vpc-b", .addresses = {"10.0.0.1"}, .signing_key = {}};
  const auto targets = [&](const std::shared_ptr<const Snapshot>& snapshot) {
    return compiler_.target_groups().at(0)->targets.size();
  };
  const std::string admitting =
      "target_group { type: IP port: 8080 vpc: 'vpcs/vpc-b' admits_workers: true }";
  EXPECT_EQ(targets(CompileAll()), 0u);
  EXPECT_TRUE(HasProblem(kBlueTarget, "gets no traffic: agents/0000000000000007 is a worker"));
  catalog_.Put("agents/0000000000000007", "agent {}");
  EXPECT_EQ(targets(CompileChanges()), 0u);
  catalog_.Put(kBlue, admitting);
  EXPECT_EQ(targets(CompileChanges()), 1u);
  catalog_.Delete("agents/0000000000000007");
  EXPECT_EQ(targets(CompileChanges()), 0u);
  EXPECT_TRUE(HasProblem(kBlueTarget, "no member"));
  catalog_.Put("agents/0000000000000007", "agent {}");
  EXPECT_EQ(targets(CompileChanges()), 1u);
  EXPECT_TRUE(compiler_.problems().empty());
}

// --- What changes cost -------------------------------------------------------------------------

TEST_F(CompilerTest, RuleChangeTouchesItsServiceOnly) {
  const auto before = CompileAll();
  const auto groups_before = compiler_.target_groups();
  catalog_.Put(kCartRule, "rule { action { fixed_response { status_code: 404 } } }");
  const auto after = CompileChanges();
  const auto groups_after = compiler_.target_groups();
  EXPECT_EQ(after->generation, 2u);
  EXPECT_NE(after->FindService("cart.example"), before->FindService("cart.example"));
  EXPECT_EQ(after->FindService("pay-1.mesh"), before->FindService("pay-1.mesh"));
  // Blue is used no more; green is the same one.
  ASSERT_EQ(groups_after.size(), 1u);
  EXPECT_EQ(groups_after[0], groups_before[1]);
}

TEST_F(CompilerTest, TargetChangeTouchesItsGroupAndTheServicesThatUseIt) {
  const auto before = CompileAll();
  const auto groups_before = compiler_.target_groups();
  catalog_.Put("targetGroups/tg-blue/targets/10.0.0.2:8080", "target { id: '10.0.0.2' }");
  const auto after = CompileChanges();
  const auto groups_after = compiler_.target_groups();
  EXPECT_NE(after->FindService("cart.example"), before->FindService("cart.example"));
  EXPECT_EQ(after->FindService("pay-1.mesh"), before->FindService("pay-1.mesh"));
  EXPECT_NE(groups_after[0], groups_before[0]);
  EXPECT_EQ(groups_after[1], groups_before[1]);
}

TEST_F(CompilerTest, OtherChangesTouchNothing) {
  const auto before = CompileAll();
  const auto groups_before = compiler_.target_groups();
  catalog_.Put("agents/1", "agent {}");
  catalog_.Put("targetGroups/tg-unused", "target_group {}");
  catalog_.Put("services/svc-unseen", "service { domain: 'unseen.mesh' }");
  const auto after = CompileChanges();
  const auto groups_after = compiler_.target_groups();
  EXPECT_EQ(after->vector, catalog_.vector());
  EXPECT_EQ(after->FindService("cart.example"), before->FindService("cart.example"));
  EXPECT_EQ(after->FindService("pay-1.mesh"), before->FindService("pay-1.mesh"));
  EXPECT_EQ(groups_after, groups_before);
}

TEST_F(CompilerTest, GroupThatComesLateIsFoundByTheServicesThatWaited) {
  catalog_.Delete(kBlue);
  CompileAll();
  EXPECT_EQ(compiler_.target_groups().size(), 1u);
  EXPECT_TRUE(HasProblem(kCartRule, "targetGroups/tg-blue, which does not exist"));
  catalog_.Put(kBlue, "target_group { type: IP port: 8080 }");
  CompileChanges();
  EXPECT_EQ(compiler_.target_groups().size(), 2u);
  EXPECT_TRUE(compiler_.problems().empty());
}

TEST_F(CompilerTest, HealthOutlivesChanges) {
  const auto health = [this] { return compiler_.target_groups().at(0)->targets.at(0).health; };
  CompileAll();
  const auto cell = health();
  catalog_.Put(kBlueTarget, "target { id: '10.0.0.1' reason_code: 'changed' }");
  CompileChanges();
  EXPECT_EQ(health(), cell);
  CompileAll();
  EXPECT_EQ(health(), cell);
}

TEST_F(CompilerTest, HealthOfTargetsThatAreGoneIsForgotten) {
  auto snapshot = CompileAll();
  EXPECT_EQ(registry_.live(), 1u);
  catalog_.Delete(kBlueTarget);
  snapshot = CompileChanges();
  EXPECT_EQ(registry_.live(), 0u);
}

}  // namespace
}  // namespace trellis
