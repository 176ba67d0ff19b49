#include "tools/trellisctl/manifest.h"

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tools/trellisctl/schema.h"
#include "tools/trellisctl/server_words.h"

namespace trellis::ctl {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

v1::Manifest FromText(const std::string& text) {
  v1::Manifest manifest;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &manifest)) << text;
  return manifest;
}

struct GoodCase {
  const char* name;
  const char* yaml;
  std::vector<const char*> manifests;  // Text format.
};
class GoodManifest : public testing::TestWithParam<GoodCase> {};

TEST_P(GoodManifest, IsRead) {
  ASSERT_OK_AND_ASSIGN(const auto manifests, ReadManifests(GetParam().yaml, "f.yaml"));
  ASSERT_EQ(manifests.size(), GetParam().manifests.size());
  for (size_t i = 0; i < manifests.size(); ++i) {
    const v1::Manifest wanted = FromText(GetParam().manifests[i]);
    EXPECT_TRUE(MessageDifferencer::Equals(manifests[i], wanted)) << manifests[i].DebugString();
  }
}

constexpr char kStockRule[] = R"(
  source: "f.yaml:1:1" parent: "inventory/http"
  resource { rule { display_name: "stock" priority: 10
    match { http_match { method: "GET" path_match { prefix: "/stock" }
      header_matches { name: "x-tier" exact: "gold" case_sensitive: true } } }
    action { forward { target_groups { target_group: "blue" weight: 90 }
                       target_groups { target_group: "green" weight: 0 } } } } })";

INSTANTIATE_TEST_SUITE_P(
    Kinds, GoodManifest,
    testing::ValuesIn(std::vector<GoodCase>{
        {"ShortRule",
         "kind: Rule\nservice: inventory\nlistener: http\nname: stock\npriority: 10\n"
         "match: {method: GET, path: {prefix: /stock},\n"
         "        headers: [{name: x-tier, exact: gold, caseSensitive: true}]}\n"
         "action: {forward: [{targetGroup: blue, weight: 90}, {targetGroup: green, weight: 0}]}\n",
         {kStockRule}},
        {"LongRuleOfTheReference",
         "kind: Rule\nservice: inventory\nlistener: http\nname: stock\npriority: 10\n"
         "match: {httpMatch: {method: GET, pathMatch: {match: {prefix: /stock}}, headerMatches:\n"
         "  [{name: x-tier, match: {exact: gold}, caseSensitive: true}]}}\n"
         "action: {forward: {targetGroups: [{targetGroupIdentifier: blue, weight: 90},\n"
         "                                  {targetGroupIdentifier: green, weight: 0}]}}\n",
         {kStockRule}},
        {"JsonIsYaml",
         R"({"kind": "Listener", "service": "order", "name": "http", "protocol": "HTTP", "port": 80,
             "defaultAction": {"fixedResponse": {"statusCode": 404}}})",
         {R"(source: "f.yaml:1:1" parent: "order" resource { listener { display_name: "http"
             protocol: LISTENER_HTTP port: 80
             default_action { fixed_response { status_code: 404 } } } })"}},
        {"AListOfDocuments",
         R"([{"kind": "Vpc", "name": "a"}, {"kind": "Vpc", "name": "b"}])",
         {R"(source: "f.yaml:1:2" resource { vpc { display_name: "a" } })",
          R"(source: "f.yaml:1:32" resource { vpc { display_name: "b" } })"}},
        {"TargetGroupWithInlineTargets",
         "# A comment.\n---\nkind: TargetGroup\nname: blue\ntype: IP\nprotocol: HTTP\nport: 8080\n"
         "vpc: warehouse\nhealthCheck: {enabled: false, protocol: HTTP, path: /health, port: 81,\n"
         "  intervalSeconds: 5, timeoutSeconds: 1.5, healthyThreshold: 2, unhealthyThreshold: 3,\n"
         "  matcher: 200}\n"
         "targets:\n  - {id: 10.1.0.11, port: 8080}\n  - id: fd00::1\n",
         {R"(source: "f.yaml:3:1" resource { target_group { display_name: "blue" type: IP
             protocol: TARGET_HTTP port: 8080 vpc: "warehouse" health_check { enabled: false
             protocol: TARGET_HTTP path: "/health" port: 81 interval { seconds: 5 }
             timeout { seconds: 1 nanos: 500000000 } healthy_threshold: 2 unhealthy_threshold: 3
             matcher: "200" } } })",
          R"(source: "f.yaml:13:5" parent: "blue" resource { target { id: "10.1.0.11" port: 8080 } })",
          R"(source: "f.yaml:14:5" parent: "blue" resource { target { id: "fd00::1" } })"}},
        {"EveryOtherKind",
         "kind: Account\nid: 011122223333\nname: shop\n---\n---\nkind: Vpc\nname: storefront\n"
         "cidrBlocks: [10.31.0.0/16]\n---\nkind: ServiceNetwork\nname: shop\nauthType: "
         "AWS_IAM\n---\n"
         "kind: Service\nname: order\ncustomDomainName: order.example\nidleTimeoutSeconds: "
         "60\n---\n"
         "kind: VpcAssociation\nserviceNetwork: shop\nvpc: storefront\n---\n"
         "kind: ServiceAssociation\nserviceNetwork: shop\nservice: order\n---\n"
         "kind: Target\ntargetGroup: blue\nid: 10.1.0.12\n",
         {R"(source: "f.yaml:1:1" resource { account { name: "accounts/011122223333"
             display_name: "shop" } })",
          R"(source: "f.yaml:6:1" resource { vpc { display_name: "storefront"
             cidr_blocks: "10.31.0.0/16" } })",
          R"(source: "f.yaml:10:1" resource { service_network { display_name: "shop"
             auth_type: AWS_IAM } })",
          R"(source: "f.yaml:14:1" resource { service { display_name: "order"
             custom_domain: "order.example" idle_timeout { seconds: 60 } } })",
          R"(source: "f.yaml:19:1" resource { vpc_association { service_network: "shop"
             vpc: "storefront" } })",
          R"(source: "f.yaml:23:1" resource { service_association { service_network: "shop"
             service: "order" } })",
          R"(source: "f.yaml:27:1" parent: "blue" resource { target { id: "10.1.0.12" } })"}},
        {"NothingAtAll", "# Only a comment.\n", {}},
    }),
    [](const auto& info) { return info.param.name; });

struct BadCase {
  const char* name;
  const char* yaml;
  const char* message;
};
class BadManifest : public testing::TestWithParam<BadCase> {};

TEST_P(BadManifest, IsRefusedWithPlaceFieldAndRemedy) {
  EXPECT_THAT(ReadManifests(GetParam().yaml, "f.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BadManifest,
    testing::ValuesIn(std::vector<BadCase>{
        {"NoKind", "name: a\n",
         "f.yaml:1:1: kind: missing. Kinds: Account, Vpc, ServiceNetwork, TargetGroup, Target, "
         "Service, Listener, Rule, VpcAssociation, ServiceAssociation"},
        {"UnknownKind", "kind: service\n",
         "f.yaml:1:7: kind: \"service\" is not a kind that can be applied; did you mean "
         "\"Service\"? Kinds: Account, Vpc, ServiceNetwork, TargetGroup, Target, Service, "
         "Listener, Rule, VpcAssociation, ServiceAssociation"},
        {"KindThatOthersMake", "kind: Agent\nname: agents/0000000000000001\n",
         "f.yaml:1:7: kind: \"Agent\" cannot be applied: an agent makes itself known by joining; "
         "leave this document out"},
        {"UnknownFieldLikeNoOther", "kind: Target\ntargetGroup: a\nid: b\nzzzzzzzz: 1\n",
         "f.yaml:4:1: zzzzzzzz: unknown field. Accepted: kind, targetGroup, resourceName, id, "
         "port, "
         "address, status, reasonCode, createdAt, lastUpdatedAt, etag"},
        {"UnknownField", "kind: Vpc\nname: a\ncidrBlock: []\n",
         "f.yaml:3:1: cidrBlock: unknown field; did you mean \"cidrBlocks\"? Accepted: kind, "
         "resourceName, name, arn, account, cidrBlocks, createdAt, lastUpdatedAt, conflict, etag"},
        {"UnknownFieldDeepInside",
         "kind: Rule\nservice: a\nlistener: b\nname: c\npriority: 1\nmatch: {method: GET}\n"
         "action:\n  forward:\n    - {targetGroup: d, wieght: 1}\n",
         "f.yaml:9:24: action.forward[0].wieght: unknown field; did you mean \"weight\"? Accepted: "
         "targetGroup, weight"},
        {"MissingParent", "kind: Listener\nname: http\n",
         "f.yaml:1:1: service: missing: which service this listener belongs to"},
        {"ParentOfAnotherType", "kind: Listener\nservice: [a]\nname: http\n",
         "f.yaml:2:10: service: a list is not a name"},
        {"MissingRequired", "kind: Service\ncustomDomain: a.example\n",
         "f.yaml:1:1: name: missing; it is required"},
        {"NotANumber", "kind: Target\ntargetGroup: a\nid: b\nport: http\n",
         "f.yaml:4:7: port: \"http\"; expected a whole number"},
        {"ANumberInQuotes", "kind: Target\ntargetGroup: a\nid: b\nport: \"80\"\n",
         "f.yaml:4:7: port: \"80\"; expected a whole number"},
        {"OctalOrNot", "kind: Target\ntargetGroup: a\nid: b\nport: 010\n",
         "f.yaml:4:7: port: \"010\"; expected a whole number"},
        {"BeyondInt32", "kind: Target\ntargetGroup: a\nid: b\nport: 99999999999\n",
         "f.yaml:4:7: port: \"99999999999\"; expected a whole number"},
        {"NotAnEnumWord", "kind: ServiceNetwork\nname: a\nauthType: aws_iam\n",
         "f.yaml:3:11: authType: \"aws_iam\"; expected NONE, AWS_IAM; did you mean \"AWS_IAM\"?"},
        {"UnspecifiedIsNoWord", "kind: ServiceNetwork\nname: a\nauthType: AUTH_TYPE_UNSPECIFIED\n",
         "f.yaml:3:11: authType: \"AUTH_TYPE_UNSPECIFIED\"; expected NONE, AWS_IAM"},
        {"NotADuration", "kind: Service\nname: a\nidleTimeoutSeconds: 1m\n",
         "f.yaml:3:21: idleTimeoutSeconds: \"1m\"; expected seconds, such as 30"},
        {"NegativeDuration", "kind: Service\nname: a\nidleTimeoutSeconds: -1\n",
         "f.yaml:3:21: idleTimeoutSeconds: \"-1\"; expected seconds, such as 30"},
        {"NotATime", "kind: Service\nname: a\ncreatedAt: today\n",
         "f.yaml:3:12: createdAt: \"today\"; expected a time such as 2026-01-02T03:04:05Z"},
        {"NotABool", "kind: TargetGroup\nname: a\ntype: IP\nhealthCheck: {enabled: yes}\n",
         "f.yaml:4:24: healthCheck.enabled: \"yes\"; expected true or false"},
        {"NoValue", "kind: Vpc\nname:\n", "f.yaml:2:1: name: no value; expected one value"},
        {"NotAList", "kind: Vpc\nname: a\ncidrBlocks: 10.0.0.0/8\n",
         "f.yaml:3:13: cidrBlocks: \"10.0.0.0/8\"; expected a list"},
        {"NotAMapping", "kind: Listener\nservice: a\nname: b\nprotocol: HTTP\ndefaultAction: 404\n",
         "f.yaml:5:16: defaultAction: \"404\"; expected a mapping with forward, fixedResponse"},
        {"EmptyUnion", "kind: Listener\nservice: a\nname: b\nprotocol: HTTP\ndefaultAction: {}\n",
         "f.yaml:5:16: defaultAction: missing one of forward, fixedResponse"},
        {"TwoOfAUnion",
         "kind: Rule\nservice: a\nlistener: b\nname: c\npriority: 1\n"
         "match: {path: {exact: /a, prefix: /b}}\naction: {fixedResponse: {statusCode: 404}}\n",
         "f.yaml:6:27: match.path.prefix: given together with exact; give one of them"},
        {"ShortAndLongSpelling",
         "kind: Service\nname: a\ncustomDomain: a.example\ncustomDomainName: a.example\n",
         "f.yaml:4:1: customDomainName: given together with customDomain; give one of them"},
        {"TargetsNotAList", "kind: TargetGroup\nname: a\ntype: IP\ntargets: 10.1.0.1\n",
         "f.yaml:4:10: targets: \"10.1.0.1\"; expected a list such as "
         "[{id: 10.1.0.11, port: 8080}]"},
        {"TargetWithoutId", "kind: TargetGroup\nname: a\ntype: IP\ntargets: [{port: 80}]\n",
         "f.yaml:4:11: targets[0].id: missing; it is required"},
        {"RepeatedKey", "kind: Vpc\nname: a\nname: b\n",
         "f.yaml:3:1: name: repeats the key of line 2; give it once"},
        {"Scalar", "hello\n",
         "f.yaml:1:1: document: \"hello\"; expected a mapping that begins with kind:"},
        {"NotYaml", "kind: [\n", "f.yaml:2:1: not YAML: end of sequence flow not found"},
        {"Alias", "kind: Vpc\nname: &n a\naccount: *n\n",
         "f.yaml:2:7: anchor \"&n\": anchors and aliases are not accepted; write the value out"},
        {"Tag", "kind: Vpc\nname: !!str a\n",
         "f.yaml:2:7: tag \"tag:yaml.org,2002:str\": tags are not accepted; leave it out"},
        {"KeyThatIsNoText", "? [a]\n: b\n",
         "f.yaml:1:3: a key that is not plain text; keys are field names"},
        {"NotUtf8", "kind: Vpc\nname: \xc3(\n",
         "f.yaml:2:7: byte 16 is not UTF-8; save the file as UTF-8"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(ManifestTest, CharactersThatYamlForbidsAreRefusedWithTheirPlace) {
  const auto with = [](absl::string_view text) {
    return ReadManifests(absl::StrCat("kind: Service\nname: ab", text, "63de\n"), "f");
  };
  const std::pair<absl::string_view, const char*> kForbidden[] = {
      {absl::string_view("\0x", 2), "0000"},
      {"\x04", "0004"},
      {"\x1b", "001B"},
      {"\x7f", "007F"},
      {"\xc2\x80", "0080"},
      {"\xef\xbf\xbf", "FFFF"},
  };
  for (const auto& [text, code] : kForbidden) {
    EXPECT_THAT(
        with(text),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("f:2:9: the character U+", code,
                              " may not stand in YAML; leave it out, or write \"\\u", code, "\"")));
  }
  // Tab, next line, no-break space, byte order mark, the last of the Basic Multilingual Plane.
  for (const char* text : {"\t", "\xc2\x85", "\xc2\xa0", "\xef\xbb\xbf", "\xef\xbf\xbd"}) {
    EXPECT_FALSE(absl::StrContains(with(text).status().message(), "may not stand in YAML"));
  }
  // Written as escapes they are text; the server decides about it. They are printed as escapes.
  ASSERT_OK_AND_ASSIGN(const auto manifests,
                       ReadManifests("kind: Service\nname: \"a\\u0080\\ufffe\"\n", "f"));
  const Node document = ToDocument(manifests[0].resource());
  EXPECT_THAT(EmitYaml(document), HasSubstr("\"a\\u0080\\ufffe\""));
  EXPECT_THAT(EmitJson(document), HasSubstr("\"a\\u0080\\ufffe\""));
}

TEST(ManifestLimits, ABombOfAliasesIsRefusedAtItsFirstAnchor) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i)
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
  EXPECT_THAT(ReadManifests(bomb, "f"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not accepted")));
}

TEST(ManifestLimits, DeepNestingIsRefusedWithoutDeepRecursion) {
  for (const char* open : {"[", "{a: ", "- ", "? "}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += open;
    EXPECT_FALSE(ReadManifests(deep, "f").ok()) << open;
    if (*open == '?') continue;  // Keys that are mappings: their innermost is the first complaint.
    for (const char* key : {"", "a: "}) {
      EXPECT_THAT(ReadManifests(absl::StrCat(*key == 'a' && *open == '-' ? "" : key, deep), "f"),
                  StatusIs(absl::StatusCode::kResourceExhausted,
                           HasSubstr(": nested deeper than 32 levels")))
          << key << open;
    }
  }
  EXPECT_THAT(
      ReadManifests(std::string(40, '[') + std::string(40, ']'), "f"),
      StatusIs(absl::StatusCode::kResourceExhausted, "f:1:33: nested deeper than 32 levels"));
}

TEST(ManifestLimits, SizesAreBounded) {
  EXPECT_THAT(ReadManifests(std::string(kMaxDocumentBytes + 1, ' '), "f"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("split it")));
  std::string many;
  for (int i = 0; i <= kMaxDocuments; ++i) absl::StrAppend(&many, "---\nkind: Vpc\nname: a\n");
  EXPECT_THAT(ReadManifests(many, "f"), StatusIs(absl::StatusCode::kResourceExhausted,
                                                 HasSubstr("more than 1000 documents")));
  std::string wide;
  for (size_t i = 0; i <= kMaxKeysOfMapping; ++i) absl::StrAppend(&wide, "k", i, ": 1\n");
  EXPECT_THAT(ReadManifests(wide, "f"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 256 keys")));
  std::string values = "[";
  for (size_t i = 0; i <= kMaxNodes; ++i) values += "1,";
  EXPECT_THAT(ReadManifests(values + "1]", "f"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 100000 values")));
}

struct WordsCase {
  const char* name;
  const char* server;
  const char* shown;
};
class ServerWords : public testing::TestWithParam<WordsCase> {};

// The rule begins in line 1, the group in line 16, its inline target in line 21.
constexpr char kApplied[] = R"(kind: Rule
service: inventory
listener: http
name: stock
priority: 200
match:
  path: {prefix: stock}
  headers:
    - name: x-tier
      match: {exact: gold}
action:
  forward:
    - targetGroup: blue
      weight: 1
---
kind: TargetGroup
name: blue
type: IP
healthCheck: {intervalSeconds: 1}
targets:
  - {id: 10.1.0.11, port: 8080}
---
kind: Account
id: 12
)";

TEST_P(ServerWords, BecomeTheFiles) {
  ManifestPlaces places;
  ASSERT_OK_AND_ASSIGN(const auto manifests, ReadManifests(kApplied, "f.yaml", &places));
  v1::ApplyRequest request;
  for (const v1::Manifest& manifest : manifests) *request.add_manifests() = manifest;
  EXPECT_EQ(InManifestWords(GetParam().server, request, places), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ServerWords,
    testing::ValuesIn(std::vector<WordsCase>{
        {"Scalar", "f.yaml:1:1: rule.priority: 200", "f.yaml:5:11: priority: 200"},
        {"Shorthand",
         "f.yaml:1:1: rule.match.http_match.path_match.prefix: \"stock\" is no path: no",
         "f.yaml:7:18: match.path.prefix: \"stock\" is no path: no"},
        {"UnionWrapper", "f.yaml:1:1: rule.match.http_match.header_matches[0].exact: no",
         "f.yaml:10:22: match.headers[0].match.exact: no"},
        {"FieldsBesideIt",
         "f.yaml:1:1: rule.match.http_match: missing; give at least one of method, path_match and "
         "header_matches",
         "f.yaml:7:3: match: missing; give at least one of method, path and headers"},
        {"WhatWasGivenStays", "f.yaml:1:1: rule.priority: \"path_match TARGET_TCP\" is no priority",
         "f.yaml:5:11: priority: \"path_match TARGET_TCP\" is no priority"},
        {"EnumValue",
         "f.yaml:16:1: target_group.health_check.protocol: \"TARGET_TCP\" cannot be checked; give "
         "HTTP or HTTPS",
         "f.yaml:19:14: healthCheck.protocol: \"TCP\" cannot be checked; give HTTP or HTTPS"},
        {"AccountId", "f.yaml:23:1: account.name: \"accounts/12\" is not accounts/{12 digits}",
         "f.yaml:24:5: id: \"12\" is not 12 digits"},
        {"ItemOfAShortList", "f.yaml:1:1: rule.action.forward.target_groups[0].weight: no",
         "f.yaml:14:15: action.forward[0].weight: no"},
        {"ShortList", "f.yaml:1:1: rule.action.forward.target_groups: no",
         "f.yaml:13:5: action.forward: no"},
        {"LeftOut", "f.yaml:1:1: rule.match.http_match.method: missing",
         "f.yaml:7:3: match.method: missing"},
        {"WithoutTheKind", "f.yaml:1:1: display_name: a rule named \"stock\" exists already",
         "f.yaml:4:7: name: a rule named \"stock\" exists already"},
        {"Parent", "f.yaml:1:1: parent: there is no listener",
         "f.yaml:3:11: listener: there is no "
         "listener"},
        {"Duration", "f.yaml:16:1: target_group.health_check.interval: 1s",
         "f.yaml:19:32: healthCheck.intervalSeconds: 1s"},
        {"InlineTarget", "f.yaml:21:5: target.id: no", "f.yaml:21:10: targets[0].id: no"},
        {"LeftOutOfAnInlineTarget", "f.yaml:21:5: target.address: no",
         "f.yaml:21:5: targets[0].address: no"},
        {"NoFieldOfIt", "f.yaml:1:1: rule.colour: no", "f.yaml:1:1: rule.colour: no"},
        {"NoSuchItem", "f.yaml:1:1: rule.action.forward.target_groups[7].weight: no",
         "f.yaml:13:5: action.forward[7].weight: no"},
        {"BadIndex", "f.yaml:1:1: rule.action.forward.target_groups[x]: no",
         "f.yaml:1:1: rule.action.forward.target_groups[x]: no"},
        {"NoField", "f.yaml:1:1: the same resource as f.yaml:16:1; keep one",
         "f.yaml:1:1: the same resource as f.yaml:16:1; keep one"},
        {"NoManifest", "g.yaml:1:1: rule.priority: no", "g.yaml:1:1: rule.priority: no"},
        {"NothingButAField", "rule.priority: no", "rule.priority: no"},
        {"Empty", "", ""},
    }),
    [](const auto& info) { return info.param.name; });

// Every appliable kind's fields are of types that manifests have.
TEST(ManifestSchema, EveryFieldOfEveryKindCanBeWritten) {
  for (const KindInfo& info : Kinds()) {
    if (!info.appliable) continue;
    v1::Resource resource;
    const auto& type = *MutableUnwrap(info.kind, &resource)->GetDescriptor();
    EXPECT_EQ(type.name(), info.document);
    for (int i = 0; i < type.field_count(); ++i) {
      EXPECT_EQ(FieldOf(type, KeyOf(*type.field(i))), type.field(i)) << type.field(i)->full_name();
    }
    for (const char* key : info.required) EXPECT_NE(FieldOf(type, key), nullptr) << key;
  }
}

TEST(ManifestPrint, OfAResourceShowsItsWordsAndTakesParentsFromItsName) {
  v1::Resource resource = FromText(kStockRule).resource();
  resource.mutable_rule()->set_name("services/svc-1/listeners/listener-2/rules/rule-3");
  resource.mutable_rule()->mutable_create_time()->set_seconds(1);
  EXPECT_EQ(EmitYaml(ToDocument(resource)), R"(kind: Rule
service: svc-1
listener: listener-2
name: stock
priority: 10
match:
  method: GET
  path:
    prefix: /stock
  headers:
    - name: x-tier
      exact: gold
      caseSensitive: true
action:
  forward:
    - targetGroup: blue
      weight: 90
    - targetGroup: green
      weight: 0
resourceName: services/svc-1/listeners/listener-2/rules/rule-3
createdAt: "1970-01-01T00:00:01+00:00"
)");
}

TEST(ManifestPrint, OfJsonIsJson) {
  v1::Resource resource;
  resource.mutable_vpc()->set_display_name("a\"b\n\x01");
  resource.mutable_vpc()->add_cidr_blocks("10.0.0.0/8");
  EXPECT_EQ(EmitJson(ToDocument(resource)),
            "{\n  \"kind\": \"Vpc\",\n  \"name\": \"a\\\"b\\n\\u0001\",\n"
            "  \"cidrBlocks\": [\n    \"10.0.0.0/8\"\n  ]\n}\n");
}

TEST(ManifestExamples, OfTheShopAreRead) {
  for (const char* name :
       {"network", "inventory", "delivery", "payment", "order", "steps/shift-green"}) {
    std::ifstream file(absl::StrCat("examples/shop/", name, ".yaml"));
    ASSERT_TRUE(file.good()) << name;
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_OK(ReadManifests(text, name));
  }
}

}  // namespace
}  // namespace trellis::ctl
