#include "storage/resource/references.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "storage/resource/fields.h"
#include "tests/support/status_matchers.h"

namespace trellis::resource {
namespace {

using testing::HasSubstr;

constexpr char kAccount[] = "123456789012";

class MapView final : public View {
 public:
  std::shared_ptr<const v1::Resource> Find(absl::string_view name) const override {
    const auto it = resources.find(std::string(name));
    return it == resources.end() ? nullptr : it->second;
  }
  void Visit(absl::string_view prefix, absl::string_view after,
             absl::FunctionRef<bool(const std::string& name, const v1::Resource& resource)> visit)
      const override {
    for (const auto& [name, resource] : resources) {
      if (absl::StartsWith(name, prefix) && name > after && !visit(name, *resource)) return;
    }
  }
  std::vector<std::string> Related(Relation relation, absl::string_view key) const override {
    Relations relations;
    for (const auto& [name, resource] : resources) relations.Change(name, nullptr, resource.get());
    const Relations::Names& names = relations.Find(relation, key);
    return {names.begin(), names.end()};
  }
  std::map<std::string, std::shared_ptr<const v1::Resource>> resources;
};

std::string Id(Kind kind, int i) { return absl::StrFormat("%s%017d", IdPrefix(kind), i); }
std::string NameOf(Kind kind, int i) { return Join("", kind, Id(kind, i)); }
std::string ListenerName(int service, int i) {
  return Join(NameOf(Kind::kService, service), Kind::kListener, Id(Kind::kListener, i));
}
std::string RuleName(int service, int listener, int i) {
  return Join(ListenerName(service, listener), Kind::kRule, Id(Kind::kRule, i));
}

// A mesh that stands: two services, two groups, a network, a VPC, one association of each kind.
class ReferencesTest : public testing::Test {
 protected:
  ReferencesTest() {
    v1::Resource account;
    account.mutable_account()->set_name(Join("", Kind::kAccount, kAccount));
    Put(account);
    Put(Vpc(1));
    Put(Network(1));
    for (const int i : {1, 2}) {
      Put(Service(i));
      Put(Group(i));
      Put(Listener(i, 1, 80, i));
    }
    Put(Rule(1, 1, 1, 10, 1));
    Put(Target(1, "10.0.0.1", 80));
    Put(VpcAssociation(1, 1, 1));
    Put(ServiceAssociation(1, 1, 1));
  }

  static v1::Resource Vpc(int i) {
    v1::Resource resource;
    auto* vpc = resource.mutable_vpc();
    vpc->set_name(NameOf(Kind::kVpc, i));
    vpc->set_display_name(absl::StrFormat("vpc%d", i));
    vpc->set_account(kAccount);
    return resource;
  }
  static v1::Resource Network(int i) {
    v1::Resource resource;
    auto* network = resource.mutable_service_network();
    network->set_name(NameOf(Kind::kServiceNetwork, i));
    network->set_display_name(absl::StrFormat("network%d", i));
    network->set_account(kAccount);
    return resource;
  }
  static v1::Resource Service(int i, const std::string& domain = "") {
    v1::Resource resource;
    auto* service = resource.mutable_service();
    service->set_name(NameOf(Kind::kService, i));
    service->set_display_name(absl::StrFormat("service%d", i));
    service->set_account(kAccount);
    service->set_custom_domain(domain);
    return resource;
  }
  static void Forward(v1::RuleAction* action, int group) {
    action->mutable_forward()->add_target_groups()->set_target_group(
        NameOf(Kind::kTargetGroup, group));
  }
  static v1::Resource Listener(int service, int i, int port, int group) {
    v1::Resource resource;
    auto* listener = resource.mutable_listener();
    listener->set_name(ListenerName(service, i));
    listener->set_display_name(absl::StrFormat("listen%d", i));
    listener->set_protocol(v1::LISTENER_HTTP);
    listener->set_port(port);
    Forward(listener->mutable_default_action(), group);
    return resource;
  }
  static v1::Resource Rule(int service, int listener, int i, int priority, int group) {
    v1::Resource resource;
    auto* rule = resource.mutable_rule();
    rule->set_name(RuleName(service, listener, i));
    rule->set_display_name(absl::StrFormat("order%d", i));
    rule->set_priority(priority);
    Forward(rule->mutable_action(), group);
    return resource;
  }
  static v1::Resource Group(int i, v1::TargetGroupType type = v1::IP) {
    v1::Resource resource;
    auto* group = resource.mutable_target_group();
    group->set_name(NameOf(Kind::kTargetGroup, i));
    group->set_display_name(absl::StrFormat("group%d", i));
    group->set_account(kAccount);
    group->set_type(type);
    group->set_protocol_version(v1::HTTP1);
    group->set_protocol(v1::TARGET_HTTP);
    if (type != v1::LAMBDA) group->set_vpc(NameOf(Kind::kVpc, 1));
    return resource;
  }
  static v1::Resource Target(int group, const std::string& id, int port) {
    v1::Resource resource;
    auto* target = resource.mutable_target();
    target->set_name(TargetName(NameOf(Kind::kTargetGroup, group), id, port));
    target->set_id(id);
    target->set_port(port);
    return resource;
  }
  static v1::Resource VpcAssociation(int i, int network, int vpc) {
    v1::Resource resource;
    auto* association = resource.mutable_vpc_association();
    association->set_name(NameOf(Kind::kVpcAssociation, i));
    association->set_service_network(NameOf(Kind::kServiceNetwork, network));
    association->set_vpc(NameOf(Kind::kVpc, vpc));
    return resource;
  }
  static v1::Resource ServiceAssociation(int i, int network, int service) {
    v1::Resource resource;
    auto* association = resource.mutable_service_association();
    association->set_name(NameOf(Kind::kServiceAssociation, i));
    association->set_service_network(NameOf(Kind::kServiceNetwork, network));
    association->set_service(NameOf(Kind::kService, service));
    return resource;
  }

  void Put(const v1::Resource& resource) {
    view_.resources[ResourceName(resource)] = std::make_shared<const v1::Resource>(resource);
  }
  void Erase(const std::string& name) { ASSERT_EQ(view_.resources.erase(name), 1u) << name; }
  // Puts it into the view, as a transaction does, and checks it.
  absl::Status PutAndCheck(const v1::Resource& resource) {
    Put(resource);
    return CheckReferences(view_, resource);
  }
  absl::Status CheckDelete(const std::string& name) { return CheckUnused(view_, name); }

  MapView view_;
};

TEST_F(ReferencesTest, StandingMeshPassesEveryCheck) {
  for (const auto& [name, resource] : view_.resources)
    EXPECT_OK(CheckReferences(view_, *resource)) << name;
}

TEST_F(ReferencesTest, ReferencesToNothingAreNotFoundAndNameTheField) {
  v1::Resource foreign = Service(3);
  foreign.mutable_service()->set_account("999999999999");
  v1::Resource elsewhere = Group(3);
  elsewhere.mutable_target_group()->set_vpc(NameOf(Kind::kVpc, 9));
  v1::Resource agent;
  agent.mutable_agent()->set_name(AgentName(1));
  agent.mutable_agent()->set_vpc(NameOf(Kind::kVpc, 9));
  const std::vector<std::pair<v1::Resource, std::string>> cases = {
      {foreign, "service.account: \"accounts/999999999999\""},
      {elsewhere, "target_group.vpc: "},
      {agent, "agent.vpc: "},
      {Listener(9, 1, 80, 1), "parent: "},
      {Listener(1, 2, 81, 9), "listener.default_action.forward"},
      {Rule(1, 9, 1, 1, 1), "parent: "},
      {Rule(1, 1, 2, 11, 9), "rule.action.forward.target_groups.target_group: "},
      {Target(9, "10.0.0.1", 80), "parent: "},
      {VpcAssociation(2, 9, 1), "vpc_association.service_network: "},
      {VpcAssociation(2, 1, 9), "vpc_association.vpc: "},
      {ServiceAssociation(2, 9, 1), "service_association.service_network: "},
      {ServiceAssociation(2, 1, 9), "service_association.service: "}};
  for (const auto& [resource, field] : cases) {
    EXPECT_THAT(PutAndCheck(resource),
                StatusIs(absl::StatusCode::kNotFound, testing::StartsWith(field)));
    Erase(ResourceName(resource));
  }
}

TEST_F(ReferencesTest, WhatIsTakenAlreadyExistsAndNamesTheHolder) {
  v1::Resource service = Service(3);
  service.mutable_service()->set_display_name("service1");
  v1::Resource listener = Listener(1, 2, 81, 1);
  listener.mutable_listener()->set_display_name("listen1");
  v1::Resource rule = Rule(1, 1, 2, 11, 1);
  rule.mutable_rule()->set_display_name("order1");
  const std::vector<std::pair<v1::Resource, std::string>> cases = {
      {service, NameOf(Kind::kService, 1)},
      {listener, ListenerName(1, 1)},
      {rule, RuleName(1, 1, 1)},
      {Listener(1, 2, 80, 1), "listener.port: 80 is taken by " + ListenerName(1, 1)},
      {Rule(1, 1, 2, 10, 1), "rule.priority: 10 is taken by " + RuleName(1, 1, 1)},
      {VpcAssociation(2, 1, 1), "VPC has already been associated to a service network."},
      {ServiceAssociation(2, 1, 1), "Association already exists."}};
  for (const auto& [resource, message] : cases) {
    EXPECT_THAT(PutAndCheck(resource),
                StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(message)));
    Erase(ResourceName(resource));
  }
}

TEST_F(ReferencesTest, SameNameInAnotherScopeIsFree) {
  v1::Resource account;
  account.mutable_account()->set_name("accounts/210987654321");
  Put(account);
  v1::Resource service = Service(3);
  service.mutable_service()->set_display_name("service1");
  service.mutable_service()->set_account("210987654321");
  EXPECT_OK(PutAndCheck(service));
  EXPECT_OK(PutAndCheck(Rule(2, 1, 1, 10, 2)));
}

TEST_F(ReferencesTest, PrioritiesMaySwapWithinATransaction) {
  Put(Rule(1, 1, 2, 10, 1));
  Put(Rule(1, 1, 1, 20, 1));
  EXPECT_OK(CheckReferences(view_, Rule(1, 1, 2, 10, 1)));
  EXPECT_OK(CheckReferences(view_, Rule(1, 1, 1, 20, 1)));
}

TEST_F(ReferencesTest, TargetGroupServesOneServiceOnly) {
  EXPECT_THAT(PutAndCheck(Rule(2, 1, 1, 10, 1)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("is used by " + NameOf(Kind::kService, 1))));
  Erase(RuleName(2, 1, 1));
  EXPECT_OK(PutAndCheck(Rule(1, 1, 2, 11, 1)));
}

TEST_F(ReferencesTest, GroupMustFitListenerAndAccount) {
  v1::Resource tcp = Group(3);
  tcp.mutable_target_group()->set_protocol(v1::TARGET_TCP);
  v1::Resource grpc = Group(4);
  grpc.mutable_target_group()->set_protocol_version(v1::GRPC);
  v1::Resource foreign = Group(5);
  foreign.mutable_target_group()->set_account("210987654321");
  for (const v1::Resource& group : {tcp, grpc, foreign}) Put(group);
  for (const int i : {3, 4, 5}) {
    EXPECT_THAT(PutAndCheck(Rule(1, 1, 2, 11, i)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does not fit")));
  }
  v1::Resource passthrough = Listener(1, 2, 443, 3);
  passthrough.mutable_listener()->set_protocol(v1::LISTENER_TLS_PASSTHROUGH);
  EXPECT_OK(PutAndCheck(passthrough));
  EXPECT_THAT(PutAndCheck(Rule(1, 2, 1, 1, 3)), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ReferencesTest, TargetsMustFitTheirGroup) {
  v1::Resource ipv6 = Group(3);
  ipv6.mutable_target_group()->set_ip_address_type(v1::IPV6);
  Put(ipv6);
  Put(Group(4, v1::INSTANCE));
  Put(Group(5, v1::LAMBDA));
  EXPECT_OK(PutAndCheck(Target(1, "10.0.0.2", 80)));
  EXPECT_OK(PutAndCheck(Target(3, "fd00::1", 80)));
  v1::Resource instance = Target(4, "i-1", 80);
  EXPECT_THAT(PutAndCheck(instance),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("target.address")));
  instance.mutable_target()->set_address("10.0.0.9");
  EXPECT_OK(PutAndCheck(instance));
  for (const v1::Resource& target :
       {Target(1, "fd00::1", 80), Target(1, "i-1", 80), Target(3, "10.0.0.1", 80),
        Target(1, "10.0.0.3", 0), Target(5, "function", 80)}) {
    EXPECT_THAT(PutAndCheck(target), StatusIs(absl::StatusCode::kInvalidArgument));
    Erase(ResourceName(target));
  }
  EXPECT_OK(PutAndCheck(Target(5, "function", 0)));
  EXPECT_THAT(PutAndCheck(Target(5, "another", 0)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("LAMBDA has one target")));
}

TEST_F(ReferencesTest, CustomDomainBelongsToOneServiceOfANetwork) {
  Put(Service(1, "cart.example.com"));
  Put(Service(2, "cart.example.com"));
  EXPECT_OK(CheckReferences(view_, Service(2, "cart.example.com")));
  EXPECT_THAT(PutAndCheck(ServiceAssociation(2, 1, 2)),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("service.custom_domain")));
  EXPECT_THAT(CheckReferences(view_, Service(2, "cart.example.com")),
              StatusIs(absl::StatusCode::kAlreadyExists));
  // It has it already, as the other side of a partition let it.
  const v1::Resource before = Service(2, "cart.example.com");
  EXPECT_OK(CheckReferences(view_, before, &before));
  const v1::Resource other = Service(2, "other.example.com");
  EXPECT_THAT(CheckReferences(view_, before, &other),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("service.custom_domain")));
  Put(Network(2));
  EXPECT_OK(PutAndCheck(ServiceAssociation(2, 2, 2)));
}

TEST_F(ReferencesTest, WhatIsInUseIsNotDeleted) {
  const std::string network = NameOf(Kind::kServiceNetwork, 1);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Join("", Kind::kAccount, kAccount), "account"},
      {NameOf(Kind::kVpc, 1), "is in use by " + NameOf(Kind::kTargetGroup, 1)},
      {network, "ServiceNetwork " + Id(Kind::kServiceNetwork, 1) + " has VPC(s) associated"},
      {NameOf(Kind::kService, 1),
       "Service " + Id(Kind::kService, 1) + " has one or more associated service networks."},
      {NameOf(Kind::kTargetGroup, 1), "is in use by " + ListenerName(1, 1)}};
  for (const auto& [name, message] : cases) {
    EXPECT_THAT(CheckDelete(name),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(message)));
  }
  Erase(NameOf(Kind::kVpcAssociation, 1));
  EXPECT_THAT(CheckDelete(network), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             HasSubstr("has service(s) associated")));
  Erase(NameOf(Kind::kServiceAssociation, 1));
  EXPECT_OK(CheckDelete(network));
  EXPECT_OK(CheckDelete(NameOf(Kind::kService, 1)));
  Erase(ListenerName(1, 1));
  Erase(RuleName(1, 1, 1));
  EXPECT_THAT(CheckDelete(NameOf(Kind::kTargetGroup, 1)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("deregister")));
  Erase(TargetName(NameOf(Kind::kTargetGroup, 1), "10.0.0.1", 80));
  EXPECT_OK(CheckDelete(NameOf(Kind::kTargetGroup, 1)));
  Put(Vpc(2));
  EXPECT_OK(CheckDelete(NameOf(Kind::kVpc, 2)));
}

TEST_F(ReferencesTest, CascadeListsChildrenBeforeParents) {
  EXPECT_EQ(CascadeOf(NameOf(Kind::kService, 1), view_),
            (std::vector<std::string>{RuleName(1, 1, 1), ListenerName(1, 1)}));
  EXPECT_EQ(CascadeOf(ListenerName(1, 1), view_), (std::vector<std::string>{RuleName(1, 1, 1)}));
  EXPECT_TRUE(CascadeOf(NameOf(Kind::kTargetGroup, 1), view_).empty());
}

}  // namespace
}  // namespace trellis::resource
