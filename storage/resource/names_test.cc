#include "storage/resource/names.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::resource {
namespace {

struct NameCase {
  const char* label;
  std::string text;
  Name name;
  std::string parent;
};
class NamesTest : public testing::TestWithParam<NameCase> {};

TEST_P(NamesTest, ParsesAndPrintsTheSame) {
  const NameCase& c = GetParam();
  ASSERT_OK_AND_ASSIGN(const Name name, ParseName(c.text));
  EXPECT_EQ(name, c.name);
  EXPECT_EQ(name.ToString(), c.text);
  EXPECT_EQ(KindOf(c.text), c.name.kind);
  EXPECT_EQ(ParentOf(c.text), c.parent);
  EXPECT_EQ(c.text.find(CollectionPrefix(c.name.kind, c.parent)), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, NamesTest,
    testing::ValuesIn(std::vector<NameCase>{
        {"Account", "accounts/123456789012", {Kind::kAccount, {"123456789012"}}, ""},
        {"ShortVpc", "vpcs/vpc-0a1b2c3d", {Kind::kVpc, {"vpc-0a1b2c3d"}}, ""},
        {"Vpc", "vpcs/vpc-0123456789abcdefz", {Kind::kVpc, {"vpc-0123456789abcdefz"}}, ""},
        {"Network",
         "serviceNetworks/sn-0123456789abcdefg",
         {Kind::kServiceNetwork, {"sn-0123456789abcdefg"}},
         ""},
        {"Service",
         "services/svc-0123456789abcdefg",
         {Kind::kService, {"svc-0123456789abcdefg"}},
         ""},
        {"Listener",
         "services/svc-0123456789abcdefg/listeners/listener-0123456789abcdefg",
         {Kind::kListener, {"svc-0123456789abcdefg", "listener-0123456789abcdefg"}},
         "services/svc-0123456789abcdefg"},
        {"Rule",
         "services/svc-0123456789abcdefg/listeners/listener-0123456789abcdefg/rules/"
         "rule-0123456789abcdefg",
         {Kind::kRule,
          {"svc-0123456789abcdefg", "listener-0123456789abcdefg", "rule-0123456789abcdefg"}},
         "services/svc-0123456789abcdefg/listeners/listener-0123456789abcdefg"},
        {"TargetGroup",
         "targetGroups/tg-0123456789abcdefg",
         {Kind::kTargetGroup, {"tg-0123456789abcdefg"}},
         ""},
        {"Ipv4Target",
         "targetGroups/tg-0123456789abcdefg/targets/10.1.0.9:8080",
         {Kind::kTarget, {"tg-0123456789abcdefg", "10.1.0.9"}, 8080},
         "targetGroups/tg-0123456789abcdefg"},
        {"Ipv6Target",
         "targetGroups/tg-0123456789abcdefg/targets/[fd00::1]:80",
         {Kind::kTarget, {"tg-0123456789abcdefg", "fd00::1"}, 80},
         "targetGroups/tg-0123456789abcdefg"},
        {"InstanceTarget",
         "targetGroups/tg-0123456789abcdefg/targets/i-0123:443",
         {Kind::kTarget, {"tg-0123456789abcdefg", "i-0123"}, 443},
         "targetGroups/tg-0123456789abcdefg"},
        {"LoadBalancerTarget",
         "targetGroups/tg-0123456789abcdefg/targets/arn:aws:x:loadbalancer%2Fapp%2525:80",
         {Kind::kTarget, {"tg-0123456789abcdefg", "arn:aws:x:loadbalancer/app%25"}, 80},
         "targetGroups/tg-0123456789abcdefg"},
        {"FunctionTarget",
         "targetGroups/tg-0123456789abcdefg/targets/arn:aws:lambda:eu:1:function:f:0",
         {Kind::kTarget, {"tg-0123456789abcdefg", "arn:aws:lambda:eu:1:function:f"}, 0},
         "targetGroups/tg-0123456789abcdefg"},
        {"VpcAssociation",
         "vpcAssociations/snva-0123456789abcdefg",
         {Kind::kVpcAssociation, {"snva-0123456789abcdefg"}},
         ""},
        {"ServiceAssociation",
         "serviceAssociations/snsa-0123456789abcdefg",
         {Kind::kServiceAssociation, {"snsa-0123456789abcdefg"}},
         ""},
        {"Agent", "agents/00000000deadbeef", {Kind::kAgent, {"00000000deadbeef"}}, ""},
        {"JoinToken",
         "joinTokens/0123456789abcdefg",
         {Kind::kJoinToken, {"0123456789abcdefg"}},
         ""},
        {"SealingKey",
         "sealingKeys/0123456789abcdefg",
         {Kind::kSealingKey, {"0123456789abcdefg"}},
         ""},
        {"SealingShare",
         "sealingKeys/0123456789abcdefg/shares/00000000deadbeef",
         {Kind::kSealingShare, {"0123456789abcdefg", "00000000deadbeef"}},
         "sealingKeys/0123456789abcdefg"},
    }),
    [](const auto& info) { return info.param.label; });

TEST(NamesTest, TextOfAnotherFormIsRefused) {
  const std::string group = "targetGroups/tg-0123456789abcdefg/targets/";
  for (const std::string& text :
       std::vector<std::string>{"",
                                "/",
                                "services",
                                "services/",
                                "/services/svc-0123456789abcdefg",
                                "services/svc-0123456789abcdef",
                                "services/svc-0123456789abcdefG",
                                "services/sn-0123456789abcdefg",
                                "services/svc-0123456789abcdefg/",
                                "services/svc-0123456789abcdefg/listeners",
                                "listeners/listener-0123456789abcdefg",
                                "services/svc-0123456789abcdefg/rules/rule-0123456789abcdefg",
                                "accounts/12345678901",
                                "agents/00000000DEADBEEF",
                                "vpcs/vpc-012345678",
                                group + "10.1.0.9",
                                group + "10.1.0.9:",
                                group + ":80",
                                group + "10.1.0.9:080",
                                group + "10.1.0.9:65536",
                                group + "10.1.0.9:-1",
                                group + "fd00::1:80",
                                group + "[10.1.0.9]:80",
                                group + "a%2fb:80",
                                group + "a%41:80",
                                group + "a b:80",
                                group + std::string(201, 'a') + ":80",
                                std::string(5000, 'a')}) {
    EXPECT_THAT(ParseName(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
    EXPECT_EQ(KindOf(text), Kind::kUnknown);
    EXPECT_EQ(ParentOf(text), "");
  }
}

TEST(NamesTest, NoTextAtAllIsRefused) {
  EXPECT_THAT(ParseName(absl::string_view()), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(NamesTest, RefusalSaysWhatWouldDo) {
  EXPECT_THAT(ParseName("services/cart"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("give services/svc-{17 of 0-9a-z}")));
}

TEST(NamesTest, NewIdsHaveTheReferencesFormAndFollowTheDice) {
  SeededRandom random(1), same(1);
  for (const Kind kind :
       {Kind::kVpc, Kind::kServiceNetwork, Kind::kService, Kind::kListener, Kind::kRule,
        Kind::kTargetGroup, Kind::kVpcAssociation, Kind::kServiceAssociation, Kind::kJoinToken}) {
    const std::string id = NewId(kind, random);
    EXPECT_TRUE(IsId(kind, id)) << id;
    EXPECT_EQ(id, NewId(kind, same));
    EXPECT_NE(id, NewId(kind, random));
    NewId(kind, same);
  }
}

TEST(NamesTest, AgentNameIsTheNodeIdInHex) {
  EXPECT_EQ(AgentName(0xabc), "agents/0000000000000abc");
  EXPECT_EQ(IdOf(AgentName(0xabc)), "0000000000000abc");
}

TEST(NamesTest, WhatAgentsKeepForThemselvesIsInternal) {
  const std::string key = "sealingKeys/0123456789abcdefg";
  EXPECT_EQ(ShareName(key, 0xabc), key + "/shares/0000000000000abc");
  EXPECT_TRUE(IsInternal(key) && IsInternal(ShareName(key, 0xabc)));
  EXPECT_FALSE(IsInternal(AgentName(0xabc)) || IsInternal("sealingKeys/") || IsInternal(""));
}

}  // namespace
}  // namespace trellis::resource
