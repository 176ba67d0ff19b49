#include "routing/balance/opinion_list.h"

#include "gtest/gtest.h"

namespace trellis::routing {
namespace {

std::vector<net::Endpoint> Targets(const std::vector<std::string>& texts) {
  std::vector<net::Endpoint> targets;
  for (const std::string& text : texts) targets.push_back(*net::Endpoint::Parse(text));
  return targets;
}

TEST(ListIdentityTest, IsFixedForEver) {
  EXPECT_EQ(ListIdentity("targetGroups/tg-1", Targets({"10.0.0.1:80", "[fd00::1]:8080"})),
            0xfc1c6ac59c00fb73u);
}

TEST(ListIdentityTest, IsAnothersWithEachTargetAndGroup) {
  const uint64_t one = ListIdentity("targetGroups/tg-1", Targets({"10.0.0.1:80"}));
  EXPECT_NE(one, ListIdentity("targetGroups/tg-2", Targets({"10.0.0.1:80"})));
  EXPECT_NE(one, ListIdentity("targetGroups/tg-1", Targets({"10.0.0.1:81"})));
  EXPECT_NE(one, ListIdentity("targetGroups/tg-1", Targets({"10.0.0.1:80", "10.0.0.2:80"})));
  EXPECT_NE(one, ListIdentity("targetGroups/tg-1", {}));
}

TEST(OpinionListTest, HoldsWhatWasSaid) {
  OpinionList list(7, 20);
  EXPECT_TRUE(list.empty());
  list.Say(0, Opinion::kHealthy);
  list.Say(9, Opinion::kUnhealthy);
  list.Say(10, Opinion::kNone);
  list.Say(19, Opinion::kHealthy);
  EXPECT_EQ(list.Of(0), Opinion::kHealthy);
  EXPECT_EQ(list.Of(1), Opinion::kNone);
  EXPECT_EQ(list.Of(9), Opinion::kUnhealthy);
  EXPECT_EQ(list.Of(10), Opinion::kNone);
  EXPECT_EQ(list.Of(19), Opinion::kHealthy);
  EXPECT_EQ(list.Of(1000), Opinion::kNone);
  EXPECT_TRUE(list.IsWellFormed());
  EXPECT_EQ(list.healthy(), std::string("\x01\x00\x08", 3));
  EXPECT_EQ(list.unhealthy(), std::string("\x00\x02", 2));
}

TEST(OpinionListTest, AHundredThousandTargetsAreTwelveKilobytes) {
  OpinionList list(7, 100000);
  for (uint32_t i = 0; i < 100000; ++i) list.Say(i, Opinion::kHealthy);
  EXPECT_EQ(list.healthy().size() + list.unhealthy().size(), 12500u);
}

TEST(OpinionListTest, BitmapsThatFitAreWellFormed) {
  EXPECT_TRUE(OpinionList(7, 0).IsWellFormed());
  EXPECT_TRUE(OpinionList(7, 3, "\x05", "\x02").IsWellFormed());
  EXPECT_TRUE(OpinionList(7, 8, "\xff").IsWellFormed());
  EXPECT_FALSE(OpinionList(7, 8, std::string("\x01\x01", 2)).IsWellFormed()) << "beyond the end";
  EXPECT_FALSE(OpinionList(7, 3, "\x08").IsWellFormed()) << "beyond the end, in the last byte";
  EXPECT_FALSE(OpinionList(7, 3, "\x05", "\x04").IsWellFormed()) << "healthy and unhealthy";
  EXPECT_FALSE(OpinionList(7, 20, std::string("\x01\x00", 2)).IsWellFormed()) << "zeros at the end";
  EXPECT_FALSE(OpinionList(7, 0, "\x01").IsWellFormed());
}

struct MergeCase {
  const char* name;
  std::vector<Opinion> opinions;
  Opinion previous;
  Opinion merged;
};
class MergeTest : public testing::TestWithParam<MergeCase> {};

TEST_P(MergeTest, FollowsTheRule) {
  EXPECT_EQ(Merge(GetParam().opinions, GetParam().previous), GetParam().merged);
}

constexpr Opinion kNone = Opinion::kNone;
constexpr Opinion kGood = Opinion::kHealthy;
constexpr Opinion kBad = Opinion::kUnhealthy;

INSTANTIATE_TEST_SUITE_P(Decision16, MergeTest,
                         testing::ValuesIn(std::vector<MergeCase>{
                             {"NobodyKnows", {}, kNone, kNone},
                             {"NobodyKnowsSoItStays", {kNone, kNone}, kBad, kBad},
                             {"AllSayUnhealthy", {kBad, kBad}, kGood, kBad},
                             {"WhoDoesNotKnowSaysNothing", {kBad, kNone}, kGood, kBad},
                             {"OneSaysHealthy", {kBad, kGood, kBad}, kBad, kGood},
                             {"OneKnows", {kNone, kGood}, kBad, kGood},
                         }),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis::routing
