#include "routing/match/text_match.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/runtime/random.h"
#include "gtest/gtest.h"

namespace trellis::routing {
namespace {

using Kind = TextMatch::Kind;

struct TextMatchCase {
  const char* name;
  Kind kind;
  absl::string_view text;
  bool case_sensitive;
  absl::string_view value;
  bool expected;
};
class TextMatchTest : public testing::TestWithParam<TextMatchCase> {};

TEST_P(TextMatchTest, FollowsListenerRuleSpec) {
  const TextMatchCase& c = GetParam();
  EXPECT_EQ(TextMatch(c.kind, c.text, c.case_sensitive).Matches(c.value), c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Spec, TextMatchTest,
    testing::ValuesIn(std::vector<TextMatchCase>{
        {"AnyMatchesAll", Kind::kAny, "", false, "/x", true},
        {"AnyMatchesEmpty", Kind::kAny, "", false, "", true},
        {"ExactEqual", Kind::kExact, "/cart", false, "/cart", true},
        {"ExactCaseFoldsByDefault", Kind::kExact, "/Cart", false, "/cART", true},
        {"ExactCaseSensitive", Kind::kExact, "/Cart", true, "/cart", false},
        {"ExactLonger", Kind::kExact, "/cart", false, "/cart/", false},
        {"ExactShorter", Kind::kExact, "/cart/", false, "/cart", false},
        {"ExactIsNotDecoded", Kind::kExact, "/a b", false, "/a%20b", false},
        {"PrefixIsPlainText", Kind::kPrefix, "/api", false, "/apix", true},
        {"PrefixEqual", Kind::kPrefix, "/api", false, "/api", true},
        {"PrefixCaseFoldsByDefault", Kind::kPrefix, "/API", false, "/api/v1", true},
        {"PrefixCaseSensitive", Kind::kPrefix, "/API", true, "/api/v1", false},
        {"PrefixShorterValue", Kind::kPrefix, "/api", false, "/ap", false},
        {"ContainsInTheMiddle", Kind::kContains, "mobile", false, "a mobile b", true},
        {"ContainsAtTheEnd", Kind::kContains, "mobile", false, "a mobile", true},
        {"ContainsCaseFoldsByDefault", Kind::kContains, "MoBile", false, "a mObile b", true},
        {"ContainsCaseSensitive", Kind::kContains, "MoBile", true, "a mObile b", false},
        {"ContainsCaseSensitiveEqual", Kind::kContains, "MoBile", true, "a MoBile b", true},
        {"ContainsAfterFalseStart", Kind::kContains, "aab", false, "aaab", true},
        {"ContainsOnlyPieces", Kind::kContains, "aab", false, "aacab", false},
        {"ContainsLongerThanValue", Kind::kContains, "aab", false, "aa", false},
        {"OtherBytesDoNotFold", Kind::kExact, "\xc9", false, "\xe9", false},
        {"NeighboursOfLettersDoNotFold", Kind::kExact, "@[`{", false, "`{@[", false},
    }),
    [](const auto& info) { return info.param.name; });

TEST(TextMatch, AgreesWithPlainSearchOverRandomTextsOfFewLetters) {
  SeededRandom random(7);
  const auto text = [&random](size_t size_max) {
    std::string text(random.Uniform(size_max + 1), ' ');
    for (char& c : text) c = "aAbB"[random.Uniform(4)];
    return text;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string needle = text(5);
    const std::string value = text(12);
    const std::string low_needle = absl::AsciiStrToLower(needle);
    const std::string low_value = absl::AsciiStrToLower(value);
    EXPECT_EQ(TextMatch(Kind::kContains, needle, true).Matches(value),
              absl::StrContains(value, needle));
    EXPECT_EQ(TextMatch(Kind::kContains, needle, false).Matches(value),
              absl::StrContains(low_value, low_needle));
    EXPECT_EQ(TextMatch(Kind::kPrefix, needle, false).Matches(value),
              absl::StartsWith(low_value, low_needle));
    EXPECT_EQ(TextMatch(Kind::kExact, needle, false).Matches(value), low_value == low_needle);
  }
}

}  // namespace
}  // namespace trellis::routing
