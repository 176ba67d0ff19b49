#include "storage/resource/validate.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::resource {
namespace {

constexpr char kVpc[] = "vpcs/vpc-0a1b2c3d";
constexpr char kGroup[] = "targetGroups/tg-0123456789abcdefg";
constexpr char kNetwork[] = "serviceNetworks/sn-0123456789abcdefg";
constexpr char kService[] = "services/svc-0123456789abcdefg";

// A resource that passes, a change to it, and the beginning of the refusal; empty: it still passes.
template <typename Message>
struct FieldCase {
  const char* name;
  std::function<void(Message&)> change;
  std::string refusal;
};

template <typename Message>
void Expect(const std::vector<FieldCase<Message>>& cases, const Message& good,
            absl::Status (*validate)(const Message&)) {
  EXPECT_OK(validate(good));
  for (const FieldCase<Message>& c : cases) {
    SCOPED_TRACE(c.name);
    Message message = good;
    c.change(message);
    if (c.refusal.empty()) {
      EXPECT_OK(validate(message));
    } else {
      EXPECT_THAT(validate(message),
                  StatusIs(absl::StatusCode::kInvalidArgument, testing::StartsWith(c.refusal)));
    }
  }
}

v1::WeightedTargetGroup* AddGroup(v1::RuleAction* action) {
  v1::WeightedTargetGroup* share = action->mutable_forward()->add_target_groups();
  share->set_target_group(kGroup);
  return share;
}

v1::Rule GoodRule() {
  v1::Rule rule;
  rule.set_display_name("cart-rule");
  rule.set_priority(10);
  rule.mutable_match()->mutable_http_match()->set_method("GET");
  AddGroup(rule.mutable_action())->set_weight(1);
  return rule;
}
v1::HttpMatch* Match(v1::Rule& rule) { return rule.mutable_match()->mutable_http_match(); }

TEST(ValidateTest, Rule) {
  Expect<v1::Rule>(
      {
          {"NameMissing", [](auto& r) { r.clear_display_name(); }, "rule.display_name: missing"},
          {"NameShort", [](auto& r) { r.set_display_name("ab"); }, "rule.display_name: \"ab\""},
          {"NameLongest", [](auto& r) { r.set_display_name(std::string(63, 'a')); }, ""},
          {"NameLong", [](auto& r) { r.set_display_name(std::string(64, 'a')); },
           "rule.display_name"},
          {"NameUpper", [](auto& r) { r.set_display_name("Cart"); }, "rule.display_name"},
          {"NameHyphens", [](auto& r) { r.set_display_name("a--b"); }, "rule.display_name"},
          {"NameEndsInHyphen", [](auto& r) { r.set_display_name("ab-"); }, "rule.display_name"},
          {"NameLikeAnId", [](auto& r) { r.set_display_name("rule-1"); }, "rule.display_name"},
          {"PriorityZero", [](auto& r) { r.set_priority(0); },
           "rule.priority: 0 is out of range; give 1 to 100"},
          {"PriorityMax", [](auto& r) { r.set_priority(100); }, ""},
          {"PriorityAbove", [](auto& r) { r.set_priority(101); }, "rule.priority: 101"},
          {"NoCondition", [](auto& r) { r.clear_match(); }, "rule.match.http_match: missing"},
          {"MethodLong", [](auto& r) { Match(r)->set_method(std::string(17, 'A')); },
           "rule.match.http_match.method"},
          {"MethodNoToken", [](auto& r) { Match(r)->set_method("GE T"); },
           "rule.match.http_match.method: \"GE T\""},
          {"PathEmpty", [](auto& r) { Match(r)->mutable_path_match(); },
           "rule.match.http_match.path_match: missing"},
          {"PathExact", [](auto& r) { Match(r)->mutable_path_match()->set_exact("/a?b=%20&c"); },
           ""},
          {"PathNoSlash", [](auto& r) { Match(r)->mutable_path_match()->set_prefix("a"); },
           "rule.match.http_match.path_match.prefix: \"a\""},
          {"PathCharset", [](auto& r) { Match(r)->mutable_path_match()->set_exact("/a*"); },
           "rule.match.http_match.path_match.exact"},
          {"PathLongest",
           [](auto& r) { Match(r)->mutable_path_match()->set_exact("/" + std::string(199, 'a')); },
           ""},
          {"PathLong",
           [](auto& r) { Match(r)->mutable_path_match()->set_exact("/" + std::string(200, 'a')); },
           "rule.match.http_match.path_match.exact"},
          {"HeaderFine",
           [](auto& r) {
             auto* header = Match(r)->add_header_matches();
             header->set_name("x-version");
             header->set_contains("2");
           },
           ""},
          {"HeaderNoName", [](auto& r) { Match(r)->add_header_matches()->set_exact("2"); },
           "rule.match.http_match.header_matches[0].name"},
          {"HeaderNoValue", [](auto& r) { Match(r)->add_header_matches()->set_name("x"); },
           "rule.match.http_match.header_matches[0]: missing"},
          {"HeaderLineBreak",
           [](auto& r) {
             auto* header = Match(r)->add_header_matches();
             header->set_name("x");
             header->set_exact("a\r\nb");
           },
           "rule.match.http_match.header_matches[0]"},
          {"HeadersSix",
           [](auto& r) {
             for (int i = 0; i < 6; ++i) Match(r)->add_header_matches()->set_name("x");
           },
           "rule.match.http_match.header_matches: 6 is out of range; give 0 to 5"},
          {"NoAction", [](auto& r) { r.clear_action(); },
           "rule.action: missing; give forward or fixed_response"},
          {"Fixed404",
           [](auto& r) { r.mutable_action()->mutable_fixed_response()->set_status_code(404); }, ""},
          {"Fixed403",
           [](auto& r) { r.mutable_action()->mutable_fixed_response()->set_status_code(403); },
           "rule.action.fixed_response.status_code: \"403\" is not offered; give 404 or 500"},
          {"NoGroup", [](auto& r) { r.mutable_action()->mutable_forward()->clear_target_groups(); },
           "rule.action.forward.target_groups: 0 is out of range; give 1 to 10"},
          {"ElevenGroups",
           [](auto& r) {
             for (int i = 0; i < 10; ++i) AddGroup(r.mutable_action())->set_weight(1);
           },
           "rule.action.forward.target_groups: 11"},
          {"GroupNoName",
           [](auto& r) { AddGroup(r.mutable_action())->set_target_group("services/x"); },
           "rule.action.forward.target_groups[1].target_group"},
          {"WeightMissing", [](auto& r) { AddGroup(r.mutable_action()); },
           "rule.action.forward.target_groups[1].weight: missing"},
          {"WeightAbove", [](auto& r) { AddGroup(r.mutable_action())->set_weight(1000); },
           "rule.action.forward.target_groups[1].weight: 1000"},
          {"WeightZeroBesideAnother", [](auto& r) { AddGroup(r.mutable_action())->set_weight(0); },
           ""},
          {"WeightsAllZero",
           [](auto& r) {
             r.mutable_action()->mutable_forward()->mutable_target_groups(0)->set_weight(0);
             AddGroup(r.mutable_action())->set_weight(0);
           },
           "rule.action.forward.target_groups: \"0\" as every weight"},
      },
      GoodRule(), ValidateRule);
}

TEST(ValidateTest, Listener) {
  v1::Listener good;
  good.set_display_name("http");
  good.set_protocol(v1::LISTENER_HTTP);
  good.set_port(80);
  AddGroup(good.mutable_default_action())->set_weight(100);
  Expect<v1::Listener>(
      {
          {"NameLikeAnId", [](auto& l) { l.set_display_name("listener-1"); },
           "listener.display_name"},
          {"NoProtocol", [](auto& l) { l.clear_protocol(); }, "listener.protocol: missing"},
          {"Https", [](auto& l) { l.set_protocol(v1::LISTENER_HTTPS); }, ""},
          {"PortZero", [](auto& l) { l.set_port(0); }, "listener.port: 0"},
          {"PortAbove", [](auto& l) { l.set_port(65536); }, "listener.port: 65536"},
          {"NoAction", [](auto& l) { l.clear_default_action(); },
           "listener.default_action: missing"},
          {"PassthroughForwards", [](auto& l) { l.set_protocol(v1::LISTENER_TLS_PASSTHROUGH); },
           ""},
          {"PassthroughAnswersItself",
           [](auto& l) {
             l.set_protocol(v1::LISTENER_TLS_PASSTHROUGH);
             l.mutable_default_action()->mutable_fixed_response()->set_status_code(404);
           },
           "listener.default_action.fixed_response: not allowed"},
      },
      good, ValidateListener);
}

TEST(ValidateTest, ServiceAndNetwork) {
  v1::Service service;
  service.set_display_name("cart");
  ApplyDefaultsService(&service);
  EXPECT_EQ(service.auth_type(), v1::NONE);
  EXPECT_EQ(service.idle_timeout().seconds(), 60);
  Expect<v1::Service>(
      {
          {"NameLongest", [](auto& s) { s.set_display_name(std::string(40, 'a')); }, ""},
          {"NameLong", [](auto& s) { s.set_display_name(std::string(41, 'a')); },
           "service.display_name"},
          {"NameLikeAnId", [](auto& s) { s.set_display_name("svc-a"); }, "service.display_name"},
          {"Account", [](auto& s) { s.set_account("12345678901"); }, "service.account"},
          {"Domain", [](auto& s) { s.set_custom_domain("cart.example.com"); }, ""},
          {"DomainOneLabel", [](auto& s) { s.set_custom_domain("cart"); }, "service.custom_domain"},
          {"DomainEmptyLabel", [](auto& s) { s.set_custom_domain("a..b"); },
           "service.custom_domain"},
          {"DomainLong", [](auto& s) { s.set_custom_domain(std::string(256, 'a') + ".b"); },
           "service.custom_domain"},
          {"AuthTypeUnknown", [](auto& s) { s.set_auth_type(static_cast<v1::AuthType>(9)); },
           "service.auth_type"},
          {"IdleLongest", [](auto& s) { s.mutable_idle_timeout()->set_seconds(600); }, ""},
          {"IdleShort", [](auto& s) { s.mutable_idle_timeout()->set_seconds(59); },
           "service.idle_timeout: 59s is out of range; give 60s to 600s"},
          {"IdleFraction", [](auto& s) { s.mutable_idle_timeout()->set_nanos(1); },
           "service.idle_timeout"},
      },
      service, ValidateService);

  v1::ServiceNetwork network;
  network.set_display_name("svc-is-fine-here");
  Expect<v1::ServiceNetwork>(
      {{"NameShort", [](auto& n) { n.set_display_name("ab"); }, "service_network.display_name"},
       {"Account", [](auto& n) { n.set_account("x"); }, "service_network.account"}},
      network, ValidateServiceNetwork);
}

v1::TargetGroup GoodGroup(v1::TargetGroupType type = v1::IP) {
  v1::TargetGroup group;
  group.set_display_name("cart-group");
  group.set_type(type);
  if (type != v1::LAMBDA) group.set_vpc(kVpc);
  ApplyDefaultsTargetGroup(&group);
  return group;
}
v1::HealthCheck* Health(v1::TargetGroup& group) { return group.mutable_health_check(); }

TEST(ValidateTest, TargetGroup) {
  Expect<v1::TargetGroup>(
      {
          {"NameLongest", [](auto& g) { g.set_display_name(std::string(128, 'a')); }, ""},
          {"NameLikeAnId", [](auto& g) { g.set_display_name("tg-a"); },
           "target_group.display_name"},
          {"NoType", [](auto& g) { g.clear_type(); }, "target_group.type: missing"},
          {"NoVpc", [](auto& g) { g.clear_vpc(); }, "target_group.vpc: missing"},
          {"PortAbove", [](auto& g) { g.set_port(65536); }, "target_group.port"},
          {"Grpc", [](auto& g) { g.set_protocol_version(v1::GRPC); }, ""},
          {"FamilyOfInstances", [](auto& g) { g.set_type(v1::INSTANCE); },
           "target_group.ip_address_type: not allowed"},
          {"TcpWithVersion", [](auto& g) { g.set_protocol(v1::TARGET_TCP); },
           "target_group.protocol_version: not allowed"},
          {"IntervalShort", [](auto& g) { Health(g)->mutable_interval()->set_seconds(4); },
           "target_group.health_check.interval: 4s is out of range; give 5s to 300s"},
          {"TimeoutLong", [](auto& g) { Health(g)->mutable_timeout()->set_seconds(121); },
           "target_group.health_check.timeout"},
          {"ThresholdOne", [](auto& g) { Health(g)->set_healthy_threshold(1); },
           "target_group.health_check.healthy_threshold"},
          {"ThresholdEleven", [](auto& g) { Health(g)->set_unhealthy_threshold(11); },
           "target_group.health_check.unhealthy_threshold"},
          {"Matcher", [](auto& g) { Health(g)->set_matcher("200-500"); },
           "target_group.health_check.matcher: \"200-500\""},
          {"Path", [](auto& g) { Health(g)->set_path("health"); },
           "target_group.health_check.path"},
          {"ProtocolTcp", [](auto& g) { Health(g)->set_protocol(v1::TARGET_TCP); },
           "target_group.health_check.protocol"},
          {"VersionGrpc", [](auto& g) { Health(g)->set_protocol_version(v1::GRPC); },
           "target_group.health_check.protocol_version"},
      },
      GoodGroup(), ValidateTargetGroup);
}

TEST(ValidateTest, LambdaAndLoadBalancerGroups) {
  Expect<v1::TargetGroup>(
      {
          {"Protocol", [](auto& g) { g.set_protocol(v1::TARGET_HTTP); }, "target_group.protocol"},
          {"Port", [](auto& g) { g.set_port(80); }, "target_group.port: not allowed"},
          {"Vpc", [](auto& g) { g.set_vpc(kVpc); }, "target_group.vpc"},
          {"Health", [](auto& g) { Health(g); }, "target_group.health_check"},
      },
      GoodGroup(v1::LAMBDA), ValidateTargetGroup);
  Expect<v1::TargetGroup>(
      {
          {"Health", [](auto& g) { Health(g); }, "target_group.health_check"},
          {"Http2", [](auto& g) { g.set_protocol_version(v1::HTTP2); },
           "target_group.protocol_version"},
      },
      GoodGroup(v1::ALB), ValidateTargetGroup);
}

TEST(ValidateTest, TargetVpcAndAssociations) {
  v1::Target target;
  target.set_id("10.0.0.1");
  Expect<v1::Target>(
      {{"NoId", [](auto& t) { t.clear_id(); }, "target.id"},
       {"IdLong", [](auto& t) { t.set_id(std::string(201, 'a')); }, "target.id"},
       {"IdSpace", [](auto& t) { t.set_id("a b"); }, "target.id"},
       {"Port", [](auto& t) { t.set_port(65536); }, "target.port"},
       {"Address", [](auto& t) { t.set_address("host"); }, "target.address"},
       {"Unspecified", [](auto& t) { t.set_id("0.0.0.0"); },
        "target.id: \"0.0.0.0\" is unspecified, which no target can be"},
       {"Multicast", [](auto& t) { t.set_id("224.0.0.1"); }, "target.id"},
       {"Broadcast", [](auto& t) { t.set_id("255.255.255.255"); }, "target.id"},
       {"Metadata", [](auto& t) { t.set_id("169.254.169.254"); },
        "target.id: \"169.254.169.254\" is link-local"},
       {"MetadataMapped", [](auto& t) { t.set_id("::ffff:169.254.169.254"); }, "target.id"},
       {"MetadataOverIpv6", [](auto& t) { t.set_id("fd00:ec2::254"); },
        "target.id: \"fd00:ec2::254\" is where a host asks for its own metadata"},
       {"OurOwnAddress", [](auto& t) { t.set_id("169.254.171.1"); }, "target.id"},
       {"LinkLocalIpv6", [](auto& t) { t.set_id("fe80::1"); }, "target.id"},
       {"OfAnInstance", [](auto& t) { t.set_address("169.254.169.254"); },
        "target.address: \"169.254.169.254\" is link-local"},
       {"Public", [](auto& t) { t.set_id("8.8.8.8"); }, ""},
       {"Loopback", [](auto& t) { t.set_id("127.0.0.1"); }, ""}},
      target, ValidateTarget);

  v1::Vpc vpc;
  vpc.set_display_name("storefront");
  Expect<v1::Vpc>(
      {{"Ranges", [](auto& v) { v.add_cidr_blocks("fd00::/8"); }, ""},
       {"RangeBits", [](auto& v) { v.add_cidr_blocks("10.0.0.0/33"); },
        "vpc.cidr_blocks: \"10.0.0.0/33\""},
       {"RangeText", [](auto& v) { v.add_cidr_blocks("10.0.0.0"); }, "vpc.cidr_blocks"}},
      vpc, ValidateVpc);

  v1::VpcAssociation vpc_association;
  vpc_association.set_vpc(kVpc);
  vpc_association.set_service_network(kNetwork);
  Expect<v1::VpcAssociation>(
      {{"NoVpc", [](auto& a) { a.clear_vpc(); }, "vpc_association.vpc: missing"},
       {"Swapped", [](auto& a) { a.set_vpc(kNetwork); }, "vpc_association.vpc"}},
      vpc_association, ValidateVpcAssociation);

  v1::ServiceAssociation association;
  association.set_service(kService);
  association.set_service_network(kNetwork);
  Expect<v1::ServiceAssociation>({{"NoNetwork", [](auto& a) { a.clear_service_network(); },
                                   "service_association.service_network: missing"}},
                                 association, ValidateServiceAssociation);
}

TEST(ValidateTest, AgentAndJoinToken) {
  v1::Agent agent;
  agent.set_role(v1::ADMIN);
  agent.set_vpc(kVpc);
  agent.set_mesh_address("host.example:7950");
  Expect<v1::Agent>(
      {{"NoRole", [](auto& a) { a.clear_role(); }, "agent.role"},
       {"LongName", [](auto& a) { a.set_display_name(std::string(64, 'a')); },
        "agent.display_name"},
       {"NoPort", [](auto& a) { a.set_mesh_address("host"); }, "agent.mesh_address"},
       {"PortZero", [](auto& a) { a.set_mesh_address("host:0"); }, "agent.mesh_address"},
       {"ShortKey", [](auto& a) { a.set_sealing_key("short"); }, "agent.sealing_key"}},
      agent, ValidateAgent);
  v1::JoinToken token;
  token.set_role(v1::WORKER);
  token.set_vpc(kVpc);
  token.mutable_expire_time()->set_seconds(1);
  Expect<v1::JoinToken>(
      {{"NoEnd", [](auto& t) { t.clear_expire_time(); }, "join_token.expire_time"}}, token,
      ValidateJoinToken);
}

TEST(ValidateTest, SealingKeyAndShare) {
  v1::SealingKey key;
  key.set_group("admins");
  key.set_generation(2);
  key.set_public_key(std::string(32, 'k'));
  key.add_previous()->set_key("sealingKeys/0123456789abcdefg");
  Expect<v1::SealingKey>(
      {{"NoGroup", [](auto& k) { k.clear_group(); }, "sealing_key.group"},
       {"OtherGroup", [](auto& k) { k.set_group("agents"); }, "sealing_key.group"},
       {"NoGeneration", [](auto& k) { k.clear_generation(); }, "sealing_key.generation"},
       {"ShortKey", [](auto& k) { k.set_public_key("k"); }, "sealing_key.public_key"},
       {"ManyBefore",
        [](auto& k) {
          while (k.previous_size() < 17) *k.add_previous() = k.previous(0);
        },
        "sealing_key.previous"},
       {"NoKeyBefore", [](auto& k) { k.mutable_previous(0)->set_key("vpcs/vpc-11111111"); },
        "sealing_key.previous.key"},
       {"NoBox", [](auto& k) { k.mutable_previous(0)->set_sealed_private_key("box"); },
        "sealing_key.previous.sealed_private_key"}},
      key, ValidateSealingKey);
  key.set_group("vpcs/vpc-11111111");
  key.mutable_previous(0)->set_sealed_private_key(std::string(80, 's'));
  EXPECT_OK(ValidateSealingKey(key));
  v1::SealingShare share;
  share.set_recipient_key(std::string(32, 'k'));
  share.set_sealed_private_key(std::string(80, 's'));
  Expect<v1::SealingShare>(
      {{"NoKey", [](auto& s) { s.clear_recipient_key(); }, "sealing_share.recipient_key"},
       {"LongBox", [](auto& s) { s.mutable_sealed_private_key()->push_back('x'); },
        "sealing_share.sealed_private_key"}},
      share, ValidateSealingShare);
}

TEST(DefaultsTest, ListenerPortFollowsTheProtocolAndALoneGroupWeighs100) {
  v1::Listener listener;
  listener.set_protocol(v1::LISTENER_HTTPS);
  AddGroup(listener.mutable_default_action());
  ApplyDefaultsListener(&listener);
  EXPECT_EQ(listener.port(), 443);
  EXPECT_EQ(listener.default_action().forward().target_groups(0).weight(), 100);
  listener.set_protocol(v1::LISTENER_TLS_PASSTHROUGH);
  listener.set_port(0);
  ApplyDefaultsListener(&listener);
  EXPECT_EQ(listener.port(), 0);
}

TEST(DefaultsTest, HealthCheckFollowsTheReferencesTable) {
  const v1::TargetGroup http = GoodGroup();
  const v1::HealthCheck& check = http.health_check();
  EXPECT_TRUE(check.enabled());
  EXPECT_EQ(check.protocol(), v1::TARGET_HTTP);
  EXPECT_EQ(check.protocol_version(), v1::HTTP1);
  EXPECT_EQ(check.path(), "/");
  EXPECT_EQ(check.interval().seconds(), 30);
  EXPECT_EQ(check.timeout().seconds(), 5);
  EXPECT_EQ(check.healthy_threshold(), 5);
  EXPECT_EQ(check.unhealthy_threshold(), 2);
  EXPECT_EQ(check.matcher(), "200");
  EXPECT_EQ(http.port(), 80);
  EXPECT_EQ(http.ip_address_type(), v1::IPV4);

  v1::TargetGroup grpc;
  grpc.set_type(v1::INSTANCE);
  grpc.set_protocol(v1::TARGET_HTTPS);
  grpc.set_protocol_version(v1::GRPC);
  ApplyDefaultsTargetGroup(&grpc);
  EXPECT_FALSE(grpc.health_check().enabled());
  EXPECT_EQ(grpc.health_check().protocol(), v1::TARGET_HTTP);
  EXPECT_EQ(grpc.health_check().protocol_version(), v1::HTTP1);
  EXPECT_EQ(grpc.port(), 443);

  v1::TargetGroup lambda = GoodGroup(v1::LAMBDA);
  EXPECT_FALSE(lambda.has_health_check());
  EXPECT_EQ(lambda.port(), 0);
}

TEST(DefaultsTest, ChecksOverTcpMustSayWhatTheTargetsSpeak) {
  v1::TargetGroup group;
  group.set_display_name("cart-group");
  group.set_type(v1::IP);
  group.set_protocol(v1::TARGET_TCP);
  group.set_port(9000);
  group.set_vpc(kVpc);
  ApplyDefaultsTargetGroup(&group);
  EXPECT_OK(ValidateTargetGroup(group));
  Health(group)->set_enabled(true);
  EXPECT_THAT(ValidateTargetGroup(group),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("target_group.health_check.protocol")));
}

TEST(DefaultsTest, AddressesGetOneSpelling) {
  v1::Target target;
  target.set_id("FD00:0:0::1");
  ApplyDefaultsTarget(&target);
  EXPECT_EQ(target.id(), "fd00::1");
  target.set_id("i-0123456789");
  ApplyDefaultsTarget(&target);
  EXPECT_EQ(target.id(), "i-0123456789");
}

TEST(DefaultsTest, TwiceIsAsOnceForEveryKind) {
  const auto* oneof = v1::Resource::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < oneof->field_count(); ++i) {
    v1::Resource once;
    v1::Resource::GetReflection()->MutableMessage(&once, oneof->field(i));
    ApplyDefaults(&once);
    v1::Resource twice = once;
    ApplyDefaults(&twice);
    EXPECT_EQ(once.SerializeAsString(), twice.SerializeAsString());
  }
}

TEST(ValidateTest, ResourceNeedsAKindAndANameOfIt) {
  EXPECT_THAT(Validate(v1::Resource()), StatusIs(absl::StatusCode::kInvalidArgument));
  v1::Resource resource;
  resource.mutable_service()->set_name(kNetwork);
  resource.mutable_service()->set_display_name("cart");
  EXPECT_THAT(Validate(resource),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::StartsWith("name: ")));
  resource.mutable_service()->set_name(kService);
  EXPECT_OK(Validate(resource));
}

}  // namespace
}  // namespace trellis::resource
