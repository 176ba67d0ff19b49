#include "node/health/settings.h"

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace trellis::health {
namespace {

v1::TargetGroup Group(const std::string& text) {
  v1::TargetGroup group;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &group)) << text;
  return group;
}

struct ModeCase {
  const char* name;
  const char* group;
  Settings::Mode expected;
};

class ModeTest : public testing::TestWithParam<ModeCase> {};

TEST_P(ModeTest, FollowsReference) {
  EXPECT_EQ(SettingsOf(Group(GetParam().group)).mode, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Spec, ModeTest,
    testing::ValuesIn(std::vector<ModeCase>{
        {"Http1IsCheckedByDefault", "type: IP protocol_version: HTTP1", Settings::Mode::kChecked},
        {"InstanceIsCheckedByDefault", "type: INSTANCE", Settings::Mode::kChecked},
        {"HttpsGroupIsCheckedInHttp", "type: IP protocol: TARGET_HTTPS", Settings::Mode::kChecked},
        {"Http2IsOffByDefault", "type: IP protocol_version: HTTP2", Settings::Mode::kOff},
        {"GrpcIsOffByDefault", "type: IP protocol_version: GRPC", Settings::Mode::kOff},
        {"TcpIsOffByDefault", "type: IP protocol: TARGET_TCP", Settings::Mode::kOff},
        {"SwitchedOff", "type: IP health_check { enabled: false }", Settings::Mode::kOff},
        {"GrpcIsCheckedInHttp1",
         "type: IP protocol_version: GRPC health_check { enabled: true protocol_version: HTTP1 }",
         Settings::Mode::kChecked},
        {"Http2CheckIsUnsupported",
         "type: IP protocol_version: HTTP2 health_check { enabled: true }",
         Settings::Mode::kUnsupported},
        {"HttpsCheckIsUnsupported", "type: IP health_check { protocol: TARGET_HTTPS }",
         Settings::Mode::kUnsupported},
        {"LambdaIsUnsupported", "type: LAMBDA", Settings::Mode::kUnsupported},
        {"AlbIsUnsupported", "type: ALB health_check { enabled: true }",
         Settings::Mode::kUnsupported},
        {"UnknownTypeIsUnsupported", "", Settings::Mode::kUnsupported},
    }),
    [](const auto& info) { return info.param.name; });

TEST(SettingsTest, BlanksAreTheReferencesDefaults) {
  const Settings settings = SettingsOf(Group("type: IP"));
  EXPECT_EQ(settings.port, 0);
  EXPECT_EQ(settings.path, "/");
  EXPECT_EQ(settings.interval, absl::Seconds(30));
  EXPECT_EQ(settings.timeout, absl::Seconds(5));
  EXPECT_EQ(settings.thresholds.healthy, 5);
  EXPECT_EQ(settings.thresholds.unhealthy, 2);
  EXPECT_EQ(settings.matcher.ToString(), "200");
}

TEST(SettingsTest, GivenValuesAreKept) {
  const Settings settings = SettingsOf(Group(R"pb(
    type: IP
    health_check {
      port: 9000
      path: "/healthz?full=1"
      interval { seconds: 10 }
      timeout { seconds: 2 }
      healthy_threshold: 3
      unhealthy_threshold: 4
      matcher: "200-299"
    })pb"));
  EXPECT_EQ(settings.port, 9000);
  EXPECT_EQ(settings.path, "/healthz?full=1");
  EXPECT_EQ(settings.interval, absl::Seconds(10));
  EXPECT_EQ(settings.timeout, absl::Seconds(2));
  EXPECT_EQ(settings.thresholds.healthy, 3);
  EXPECT_EQ(settings.thresholds.unhealthy, 4);
  EXPECT_EQ(settings.matcher.ToString(), "200-299");
}

TEST(SettingsTest, ValuesOutOfRangeComeToTheNearestBound) {
  const Settings low = SettingsOf(Group(R"pb(
    type: IP
    health_check {
      port: -1
      interval { nanos: 1 }
      timeout { seconds: -3 }
      healthy_threshold: 1
      unhealthy_threshold: -7
    })pb"));
  EXPECT_EQ(low.port, 0);
  EXPECT_EQ(low.interval, absl::Seconds(5));
  EXPECT_EQ(low.timeout, absl::Seconds(1));
  EXPECT_EQ(low.thresholds.healthy, 2);
  EXPECT_EQ(low.thresholds.unhealthy, 2);
  const Settings high = SettingsOf(Group(R"pb(
    type: IP
    health_check {
      port: 65536
      interval { seconds: 9223372036854775807 }
      timeout { seconds: 121 }
      healthy_threshold: 11
      unhealthy_threshold: 2147483647
    })pb"));
  EXPECT_EQ(high.port, 0);
  EXPECT_EQ(high.interval, absl::Seconds(300));
  EXPECT_EQ(high.timeout, absl::Seconds(120));
  EXPECT_EQ(high.thresholds.healthy, 10);
  EXPECT_EQ(high.thresholds.unhealthy, 10);
}

TEST(SettingsTest, MatcherThatCannotBeReadIsTheDefault) {
  EXPECT_EQ(SettingsOf(Group("type: IP health_check { matcher: '99-x' }")).matcher.ToString(),
            "200");
}

TEST(SettingsTest, PathThatCouldEndTheRequestLineIsNotUsed) {
  EXPECT_EQ(SettingsOf(Group(R"(type: IP health_check { path: "/\r\nHost: x" })")).path, "/");
  EXPECT_EQ(SettingsOf(Group(R"(type: IP health_check { path: "/a b" })")).path, "/");
  EXPECT_EQ(SettingsOf(Group(R"(type: IP health_check { path: "x" })")).path, "/");
}

}  // namespace
}  // namespace trellis::health
