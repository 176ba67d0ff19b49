#include "storage/resource/status_matcher.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::resource {
namespace {

struct MatcherCase {
  const char* name;
  const char* text;
  std::vector<int> matched;
  std::vector<int> others;
  const char* canonical;
};
class StatusMatcherTest : public testing::TestWithParam<MatcherCase> {};

TEST_P(StatusMatcherTest, FollowsTheReferencesSyntax) {
  ASSERT_OK_AND_ASSIGN(const StatusMatcher matcher, StatusMatcher::Parse(GetParam().text));
  for (const int code : GetParam().matched) EXPECT_TRUE(matcher.Matches(code)) << code;
  for (const int code : GetParam().others) EXPECT_FALSE(matcher.Matches(code)) << code;
  EXPECT_EQ(matcher.ToString(), GetParam().canonical);
}

INSTANTIATE_TEST_SUITE_P(
    Reference, StatusMatcherTest,
    testing::ValuesIn(std::vector<MatcherCase>{
        {"One", "200", {200}, {0, 199, 201, 500, -1}, "200"},
        {"List", "202,200", {200, 202}, {201, 203}, "200,202"},
        {"Range", "200-299", {200, 250, 299}, {199, 300}, "200-299"},
        {"Mixed", "200,202-204,499", {200, 202, 204, 499}, {201, 205, 498}, "200,202-204,499"},
        {"Overlap", "200-210,205-220", {200, 215, 220}, {221}, "200-220"},
        {"Whole", "200-499", {200, 499}, {199, 500}, "200-499"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(StatusMatcherTest, OtherTextIsRefused) {
  for (const std::string& text : std::vector<std::string>{
           "", ",", "200,", ",200", "199", "500", "200-500", "299-200", "20", "2000", "200-",
           "-200", "200--299", "200 ,201", "2xx", "+20", "200-250-299", std::string(2001, '2')}) {
    EXPECT_THAT(StatusMatcher::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(StatusMatcherTest, NoTextAtAllIsRefused) {
  EXPECT_THAT(StatusMatcher::Parse(absl::string_view()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace trellis::resource
