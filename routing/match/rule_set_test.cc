#include "routing/match/rule_set.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/runtime/random.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/trellis/v1/rule.pb.h"

namespace trellis::routing {
namespace {

v1::Rule MakeRule(absl::string_view text) {
  v1::Rule rule;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &rule)) << text;
  return rule;
}

std::vector<const v1::Rule*> Pointers(const std::vector<v1::Rule>& rules) {
  std::vector<const v1::Rule*> pointers;
  for (const v1::Rule& rule : rules) pointers.push_back(&rule);
  return pointers;
}

http::RequestHead Request(absl::string_view method, absl::string_view path,
                          const std::vector<http::Header>& headers = {}) {
  http::RequestHead request;
  request.method = method;
  request.target = request.path = path;
  for (const http::Header& header : headers) request.headers.Add(header.name, header.value);
  return request;
}

struct MatchCase {
  const char* name;
  absl::string_view match;  // HttpMatch in text format.
  http::RequestHead request;
  bool expected;
};
class RuleMatchTest : public testing::TestWithParam<MatchCase> {};

TEST_P(RuleMatchTest, FollowsListenerRuleSpec) {
  const std::vector<v1::Rule> rules = {
      MakeRule(absl::StrCat("match { http_match { ", GetParam().match, " } }"))};
  EXPECT_EQ(RuleSet(Pointers(rules)).Match(GetParam().request), GetParam().expected ? 0 : -1);
}

constexpr absl::string_view kTeam =
    "header_matches { name: 'X-Team' exact: 'Blue' }"
    "header_matches { name: 'user-agent' contains: 'mobile' case_sensitive: true }";

INSTANTIATE_TEST_SUITE_P(
    Spec, RuleMatchTest,
    testing::ValuesIn(std::vector<MatchCase>{
        {"MethodEqual", "method: 'GET'", Request("GET", "/"), true},
        {"MethodIsCaseSensitive", "method: 'GET'", Request("get", "/"), false},
        {"MethodCustom", "method: 'BREW'", Request("BREW", "/"), true},
        {"MethodAbsentMeansAny", "path_match { prefix: '/' }", Request("PATCH", "/"), true},
        {"PathExact", "path_match { exact: '/cart' }", Request("GET", "/Cart"), true},
        {"PathExactCaseSensitive", "path_match { exact: '/cart' case_sensitive: true }",
         Request("GET", "/Cart"), false},
        {"PathPrefixIgnoresSegments", "path_match { prefix: '/api' }", Request("GET", "/apix"),
         true},
        {"GrpcService", "method: 'POST' path_match { prefix: '/shop.Cart/' case_sensitive: true }",
         Request("POST", "/shop.Cart/Add"), true},
        {"BothHeadersHold", kTeam,
         Request("GET", "/", {{"x-team", "BLUE"}, {"User-Agent", "a mobile"}}), true},
        {"OneHeaderDoesNot", kTeam,
         Request("GET", "/", {{"x-team", "BLUE"}, {"User-Agent", "a Mobile"}}), false},
        {"OneHeaderIsAbsent", kTeam, Request("GET", "/", {{"x-team", "BLUE"}}), false},
        {"RepeatedHeaderMatchesByOneValue", "header_matches { name: 'a' exact: '2' }",
         Request("GET", "/", {{"A", "1"}, {"a", "2"}, {"A", "3"}}), true},
        {"RepeatedHeaderIsNotJoined", "header_matches { name: 'a' exact: '1, 2' }",
         Request("GET", "/", {{"A", "1"}, {"a", "2"}}), false},
        {"EmptyHeaderValueHasEmptyPrefix", "header_matches { name: 'a' prefix: '' }",
         Request("GET", "/", {{"a", ""}}), true},
        {"AllConditionsMustHold", "method: 'GET' path_match { prefix: '/b' }", Request("GET", "/a"),
         false},
    }),
    [](const auto& info) { return info.param.name; });

TEST(RuleSet, QueryTakesNoPart) {
  const std::vector<v1::Rule> rules = {
      MakeRule("match { http_match { path_match { exact: '/a' } } }")};
  http::RequestHead request = Request("GET", "/a");
  request.target = "/a?b=c";
  request.query = "b=c";
  EXPECT_EQ(RuleSet(Pointers(rules)).Match(request), 0);
}

TEST(RuleSet, LowestPriorityNumberWinsAndIndexIsOfTheGivenOrder) {
  const std::vector<v1::Rule> rules = {
      MakeRule("priority: 20 match { http_match { path_match { prefix: '/a/b' } } }"),
      MakeRule("priority: 5 match { http_match { path_match { prefix: '/c' } } }"),
      MakeRule("priority: 10 match { http_match { path_match { prefix: '/a' } } }"),
  };
  const RuleSet set(Pointers(rules));
  EXPECT_EQ(set.size(), 3u);
  EXPECT_EQ(set.Match(Request("GET", "/a/b")), 2) << "not the most specific, the first";
  EXPECT_EQ(set.Match(Request("GET", "/c")), 1);
  EXPECT_EQ(set.Match(Request("GET", "/d")), -1);
}

TEST(RuleSet, EqualPrioritiesAreOrderedByName) {
  const std::vector<v1::Rule> rules = {MakeRule("name: 'rule-b' priority: 10"),
                                       MakeRule("name: 'rule-a' priority: 10")};
  EXPECT_EQ(RuleSet(Pointers(rules)).Match(Request("GET", "/")), 1);
}

TEST(RuleSet, EmptySetMatchesNothing) { EXPECT_EQ(RuleSet().Match(Request("GET", "/")), -1); }

TEST(RuleSet, ExplainSaysWhyEachRuleTriedDoesNotMatch) {
  const std::vector<v1::Rule> rules = {
      MakeRule("display_name: 'stock' priority: 10 match { http_match { method: 'GET' } }"),
      MakeRule("display_name: 'cart' priority: 20"
               " match { http_match { path_match { prefix: '/Cart' } } }"),
      MakeRule("display_name: 'exact' priority: 30 match { http_match {"
               " path_match { exact: '/Pay' case_sensitive: true } } }"),
      MakeRule("display_name: 'keyed' priority: 40"
               " match { http_match { header_matches { name: 'x-key' contains: 'abc' } } }"),
      MakeRule("display_name: 'team' priority: 50"
               " match { http_match { header_matches { name: 'x-team' exact: 'red' } } }"),
      MakeRule("display_name: 'rest' priority: 60"),
      MakeRule("display_name: 'never' priority: 70"),
  };
  std::vector<std::string> steps;
  EXPECT_EQ(
      RuleSet(Pointers(rules)).Explain(Request("POST", "/pay", {{"X-Key", "a secret"}}), &steps),
      5);
  EXPECT_EQ(steps, (std::vector<std::string>{
                       "rule stock (10): method POST is not GET",
                       "rule cart (20): path /pay does not begin with /cart",
                       "rule exact (30): path /pay does not equal /Pay (case-sensitive)",
                       "rule keyed (40): header x-key does not contain abc",
                       "rule team (50): header x-team is absent",
                       "rule rest (60): matches",
                   }));
}

// The reference in the plainest words, to hold the fast one against.
bool TextHolds(absl::string_view value, bool exact, bool prefix, absl::string_view text,
               bool case_sensitive) {
  const std::string a = case_sensitive ? std::string(value) : absl::AsciiStrToLower(value);
  const std::string b = case_sensitive ? std::string(text) : absl::AsciiStrToLower(text);
  if (exact) return a == b;
  return prefix ? absl::StartsWith(a, b) : absl::StrContains(a, b);
}

bool RuleHolds(const v1::Rule& rule, const http::RequestHead& request) {
  const v1::HttpMatch& match = rule.match().http_match();
  if (!match.method().empty() && match.method() != request.method) return false;
  if (match.has_path_match()) {
    const v1::PathMatch& path = match.path_match();
    if (!TextHolds(request.path, path.has_exact(), path.has_prefix(),
                   path.has_exact() ? path.exact() : path.prefix(), path.case_sensitive())) {
      return false;
    }
  }
  return std::all_of(
      match.header_matches().begin(), match.header_matches().end(),
      [&request](const v1::HeaderMatch& condition) {
        const std::string& text = condition.has_exact()    ? condition.exact()
                                  : condition.has_prefix() ? condition.prefix()
                                                           : condition.contains();
        return std::any_of(
            request.headers.begin(), request.headers.end(), [&](const http::Header& header) {
              return absl::EqualsIgnoreCase(header.name, condition.name()) &&
                     TextHolds(header.value, condition.has_exact(), condition.has_prefix(), text,
                               condition.case_sensitive());
            });
      });
}

class RandomRules {
 public:
  explicit RandomRules(uint64_t seed) : random_(seed) {}

  std::string Text(size_t size_max) {
    std::string text(1 + random_.Uniform(size_max), ' ');
    for (char& c : text) c = "aAbB"[random_.Uniform(4)];
    return text;
  }

  v1::Rule Rule() {
    v1::Rule rule;
    rule.set_name(absl::StrCat("rule-", random_.Uniform(1000000)));
    rule.set_priority(static_cast<int>(1 + random_.Uniform(5)));
    v1::HttpMatch& match = *rule.mutable_match()->mutable_http_match();
    if (random_.Chance(0.4)) match.set_method(Text(1));
    if (random_.Chance(0.6)) {
      v1::PathMatch& path = *match.mutable_path_match();
      path.set_case_sensitive(random_.Chance(0.5));
      random_.Chance(0.3) ? path.set_exact("/" + Text(2)) : path.set_prefix("/" + Text(2));
    }
    for (uint64_t left = random_.Uniform(3); left > 0; --left) {
      v1::HeaderMatch& header = *match.add_header_matches();
      header.set_name(Text(1));
      header.set_case_sensitive(random_.Chance(0.5));
      switch (random_.Uniform(3)) {
        case 0:
          header.set_exact(Text(2));
          break;
        case 1:
          header.set_prefix(Text(2));
          break;
        default:
          header.set_contains(Text(2));
      }
    }
    return rule;
  }

  SeededRandom& random() { return random_; }

 private:
  SeededRandom random_;
};

TEST(RuleSet, AgreesWithThePlainReadingOfTheSpecOverRandomRules) {
  RandomRules random(11);
  int matched = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<v1::Rule> rules;
    for (uint64_t left = random.random().Uniform(8); left > 0; --left) {
      rules.push_back(random.Rule());
    }
    const RuleSet set(Pointers(rules));
    for (int i = 0; i < 10; ++i) {
      std::vector<std::string> words = {random.Text(1), "/" + random.Text(3)};
      for (uint64_t left = 2 * random.random().Uniform(4); left > 0; --left) {
        words.push_back(random.Text(left % 2 == 0 ? 1 : 3));
      }
      http::RequestHead request = Request(words[0], words[1]);
      for (size_t w = 2; w + 1 < words.size(); w += 2) request.headers.Add(words[w], words[w + 1]);

      int expected = -1;
      for (size_t r = 0; r < rules.size(); ++r) {
        if (!RuleHolds(rules[r], request)) continue;
        const auto key = [&rules](size_t index) {
          return std::make_pair(rules[index].priority(), rules[index].name());
        };
        if (expected < 0 || key(r) < key(expected)) expected = static_cast<int>(r);
      }
      std::vector<std::string> steps;
      ASSERT_EQ(set.Match(request), expected);
      ASSERT_EQ(set.Explain(request, &steps), expected);
      matched += expected >= 0 ? 1 : 0;
    }
  }
  EXPECT_GT(matched, 500) << "the dice favour refusal too much to show anything";
}

}  // namespace
}  // namespace trellis::routing
