#include "node/snapshot/explain.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "node/snapshot/compiler.h"
#include "node/snapshot/fake_catalog.h"

namespace trellis {
namespace {

v1::ExplainRequestRequest Request(const std::string& text) {
  v1::ExplainRequestRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
  return request;
}

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    catalog_.Put("serviceNetworks/sn-1", "service_network {}");
    catalog_.Put("vpcAssociations/snva-1",
                 "vpc_association { service_network: 'serviceNetworks/sn-1' vpc: 'vpcs/vpc-a' }");
    catalog_.Put("serviceAssociations/snsa-1",
                 "service_association { service_network: 'serviceNetworks/sn-1'"
                 "                      service: 'services/svc-1' }");
    catalog_.Put("services/svc-1", "service { custom_domain: 'shop.example' }");
    catalog_.Put("services/svc-1/listeners/listener-1",
                 "listener { protocol: LISTENER_HTTP port: 8080"
                 "           default_action { fixed_response { status_code: 404 } } }");
    PutRule("/stock",
            "target_groups { target_group: 'targetGroups/tg-1' weight: 3 }"
            "target_groups { target_group: 'targetGroups/tg-x' weight: 1 }");
    catalog_.Put("targetGroups/tg-1", "target_group { type: IP }");
    catalog_.Put("targetGroups/tg-1/targets/10.0.0.1:80", "target { id: '10.0.0.1' }");
    catalog_.Put("targetGroups/tg-1/targets/10.0.0.2:80", "target { id: '10.0.0.2' }");
  }

  void PutRule(const std::string& prefix, const std::string& forward) {
    catalog_.Put("services/svc-1/listeners/listener-1/rules/rule-1",
                 "rule { display_name: 'stock' priority: 10"
                 "       match { http_match { path_match { prefix: '" +
                     prefix +
                     "' } } }"
                     "       action { forward { " +
                     forward + " } } }");
  }
  v1::ExplainRequestResponse Answer(const std::string& request) {
    snapshot_ = compiler_.Compile(catalog_, nullptr);
    for (const auto& group : compiler_.target_groups()) {
      for (const CompiledTarget& target : group->targets) target.health->Set(health_);
    }
    absl::StatusOr<v1::ExplainRequestResponse> response = Explain(*snapshot_, Request(request));
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }
  static std::string Steps(const v1::ExplainRequestResponse& response) {
    return absl::StrJoin(response.steps(), "\n");
  }

  FakeCatalog catalog_;
  health::Registry registry_;
  SnapshotCompiler compiler_{{.vpc = "vpcs/vpc-a"}, registry_};
  routing::TargetHealth health_ = routing::TargetHealth::kHealthy;
  std::shared_ptr<const Snapshot> snapshot_;
};

TEST_F(ExplainTest, ForwardShowsEveryStepAndShare) {
  const v1::ExplainRequestResponse response =
      Answer("authority: 'Shop.Example:8080' path: '/stock/7?full=1'");
  EXPECT_EQ(response.status_code(), 0);
  EXPECT_EQ(response.reason(), "forward");
  EXPECT_EQ(response.service(), "services/svc-1");
  EXPECT_EQ(response.service_network(), "serviceNetworks/sn-1");
  EXPECT_EQ(response.listener(), "services/svc-1/listeners/listener-1");
  EXPECT_EQ(response.rule(), "services/svc-1/listeners/listener-1/rules/rule-1");
  ASSERT_EQ(response.target_groups_size(), 2);
  EXPECT_EQ(response.target_groups(0).target_group(), "targetGroups/tg-1");
  EXPECT_DOUBLE_EQ(response.target_groups(0).share(), 0.75);
  ASSERT_EQ(response.target_groups(0).targets_size(), 2);
  EXPECT_EQ(response.target_groups(0).targets(0).target(), "10.0.0.1:80");
  EXPECT_EQ(response.target_groups(0).targets(0).status(), "HEALTHY");
  EXPECT_EQ(response.target_groups(1).target_group(), "targetGroups/tg-x");
  EXPECT_EQ(response.target_groups(1).targets_size(), 0);
  const std::string steps = Steps(response);
  EXPECT_TRUE(absl::StrContains(steps, "75.0% to targetGroups/tg-1: 2 of 2 targets in turn"));
  EXPECT_TRUE(absl::StrContains(steps, "25.0% to targetGroups/tg-x, which does not exist"));
}

TEST_F(ExplainTest, NoRuleMeansDefaultAction) {
  const v1::ExplainRequestResponse response =
      Answer("authority: 'shop.example:8080' path: '/cart'");
  EXPECT_EQ(response.status_code(), 404);
  EXPECT_EQ(response.reason(), "fixed_response");
  EXPECT_EQ(response.rule(), "");
  EXPECT_TRUE(absl::StrContains(Steps(response), "no rule matches"));
}

TEST_F(ExplainTest, UnknownHostIsNoService) {
  const v1::ExplainRequestResponse response = Answer("authority: 'cart.example'");
  EXPECT_EQ(response.status_code(), 404);
  EXPECT_EQ(response.reason(), "unknown_host");
  EXPECT_TRUE(absl::StrContains(Steps(response), "visible in vpc-a"));
}

TEST_F(ExplainTest, OtherPortIsNoListener) {
  for (const char* request :
       {"authority: 'shop.example'", "authority: 'shop.example:8080' port: 81",
        "authority: 'shop.example:81'"}) {
    EXPECT_EQ(Answer(request).reason(), "no_listener") << request;
  }
  EXPECT_EQ(Answer("authority: 'shop.example' port: 8080").listener(),
            "services/svc-1/listeners/listener-1");
}

struct OutcomeCase {
  const char* name;
  const char* forward;
  int status;
  const char* reason;
};

class OutcomeTest : public ExplainTest, public testing::WithParamInterface<OutcomeCase> {};

TEST_P(OutcomeTest, SaysWhatTheProxyWouldAnswer) {
  PutRule("/", GetParam().forward);
  catalog_.Put("targetGroups/tg-empty", "target_group { type: IP }");
  const v1::ExplainRequestResponse response = Answer("authority: 'shop.example:8080'");
  EXPECT_EQ(response.status_code(), GetParam().status);
  EXPECT_EQ(response.reason(), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Spec, OutcomeTest,
    testing::ValuesIn(std::vector<OutcomeCase>{
        {"Forward", "target_groups { target_group: 'targetGroups/tg-1' }", 0, "forward"},
        {"Missing", "target_groups { target_group: 'targetGroups/tg-x' }", 503,
         "target_group_missing"},
        {"Empty", "target_groups { target_group: 'targetGroups/tg-empty' }", 503, "no_target"},
        {"NoWeight", "target_groups { target_group: 'targetGroups/tg-1' weight: 0 }", 503,
         "no_weight"},
        {"OnlyTheOneWithoutTrafficExists",
         "target_groups { target_group: 'targetGroups/tg-1' weight: 0 }"
         "target_groups { target_group: 'targetGroups/tg-x' weight: 1 }",
         503, "target_group_missing"},
    }),
    [](const auto& info) { return info.param.name; });

TEST_F(ExplainTest, FailOpenIsSaid) {
  health_ = routing::TargetHealth::kUnhealthy;
  EXPECT_TRUE(absl::StrContains(Steps(Answer("authority: 'shop.example:8080' path: '/stock'")),
                                "all 2 targets are unhealthy, so all in turn (fail open)"));
}

TEST_F(ExplainTest, OutstandingFirstChecksAreSaid) {
  health_ = routing::TargetHealth::kInitial;
  EXPECT_TRUE(absl::StrContains(Steps(Answer("authority: 'shop.example:8080' path: '/stock'")),
                                "no target is healthy yet"));
}

struct InvalidCase {
  const char* name;
  const char* request;
  const char* field;
};

class InvalidTest : public ExplainTest, public testing::WithParamInterface<InvalidCase> {};

TEST_P(InvalidTest, NamesTheField) {
  const absl::StatusOr<v1::ExplainRequestResponse> response =
      Explain(Snapshot(), Request(GetParam().request));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StartsWith(response.status().message(), GetParam().field)) << response.status();
}

INSTANTIATE_TEST_SUITE_P(
    Fields, InvalidTest,
    testing::ValuesIn(std::vector<InvalidCase>{
        {"NoAuthority", "", "authority: "},
        {"MalformedAuthority", "authority: 'a:b:c'", "authority: "},
        {"NegativePort", "authority: 'a' port: -1", "port: "},
        {"GreatPort", "authority: 'a' port: 65536", "port: "},
        {"MethodWithSpace", "authority: 'a' method: 'GET /'", "method: "},
        {"RelativePath", "authority: 'a' path: 'x'", "path: "},
        {"PathWithSpace", "authority: 'a' path: '/a b'", "path: "},
        {"PathWithLineEnd", "authority: 'a' path: '/\\r\\n'", "path: "},
        {"EmptyHeaderName", "authority: 'a' headers { value: 'x' }", "headers.name: "},
        {"HeaderNameWithColon", "authority: 'a' headers { name: 'x:' }", "headers.name: "},
        {"HeaderValueWithLineEnd", "authority: 'a' headers { name: 'x' value: 'a\\nb' }",
         "headers[x].value: "},
    }),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis
