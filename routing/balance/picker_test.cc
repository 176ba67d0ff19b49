#include "routing/balance/picker.h"

#include <cmath>
#include <string>
#include <vector>

#include "base/runtime/random.h"
#include "gtest/gtest.h"

namespace trellis::routing {
namespace {

// One letter a target: Healthy, Initial, Unhealthy (x), unavailable (?).
TargetHealth HealthOf(char letter) {
  switch (letter) {
    case 'h':
      return TargetHealth::kHealthy;
    case 'i':
      return TargetHealth::kInitial;
    case 'x':
      return TargetHealth::kUnhealthy;
    default:
      return TargetHealth::kUnavailable;
  }
}

int Pick(const std::string& targets, uint32_t* cursor, const TriedTargets& tried = {}) {
  return PickTarget(targets, HealthOf, tried, cursor);
}

struct RoundRobinCase {
  const char* name;
  const char* targets;
  std::vector<int> expected;  // The choices from a cursor of 0 on.
};

class RoundRobinTest : public testing::TestWithParam<RoundRobinCase> {};

TEST_P(RoundRobinTest, TakesTurnsInTheBestClass) {
  uint32_t cursor = 0;
  for (const int expected : GetParam().expected) {
    EXPECT_EQ(Pick(GetParam().targets, &cursor), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Spec, RoundRobinTest,
                         testing::ValuesIn(std::vector<RoundRobinCase>{
                             {"NoTargetNoChoice", "", {-1, -1}},
                             {"OneTarget", "h", {0, 0}},
                             {"AllHealthy", "hhh", {0, 1, 2, 0}},
                             {"UnhealthySkippedAndTurnsStayEqual", "hxh", {0, 2, 0, 2}},
                             {"UnavailableGetsTraffic", "h?x", {0, 1, 0}},
                             {"InitialWaitsWhileOthersAreHealthy", "ihi", {1, 1}},
                             {"InitialWaitsWhileOthersAreUnavailable", "i?", {1, 1}},
                             {"InitialBeforeUnhealthy", "xix", {1, 1}},
                             {"OnlyInitialTakesTurns", "xiix", {1, 2, 1}},
                             {"AllUnhealthyFailsOpen", "xxx", {0, 1, 2, 0}},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(PickTargetTest, CursorBeyondTheTargetsIsTakenAround) {
  uint32_t cursor = 4294967295u;  // 0 modulo 3.
  EXPECT_EQ(Pick("hhh", &cursor), 0);
  EXPECT_EQ(Pick("hhh", &cursor), 1);
}

TEST(PickTargetTest, TriedTargetsArePassedOverClassByClass) {
  uint32_t cursor = 0;
  TriedTargets tried;
  std::vector<int> order;
  for (int target; (target = Pick("xhi?x", &cursor, tried)) >= 0; tried.Add(target)) {
    order.push_back(target);
  }
  EXPECT_EQ(order, (std::vector<int>{1, 3, 2, 4, 0}));
}

TEST(PickTargetTest, TriedTargetsAreBounded) {
  TriedTargets tried;
  for (int i = 0; i < TriedTargets::kMax - 1; ++i) EXPECT_TRUE(tried.Add(i));
  EXPECT_FALSE(tried.Add(99));
  EXPECT_FALSE(tried.Add(100));
  EXPECT_TRUE(tried.Contains(99));
  EXPECT_FALSE(tried.Contains(100));
}

int Share(const std::vector<uint32_t>& weights, uint64_t random) {
  uint32_t total = 0;
  for (const uint32_t weight : weights) total += weight;
  return PickShare(total, random, weights, [](uint32_t weight) { return weight; });
}

TEST(PickShareTest, EndsOfTheRangeFallOnFirstAndLastShare) {
  EXPECT_EQ(Share({1, 998, 1}, 0), 0);
  EXPECT_EQ(Share({1, 998, 1}, UINT64_MAX), 2);
}

TEST(PickShareTest, WeightZeroIsNeverDrawn) {
  SeededRandom random(11);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Share({0, 5, 0}, random.Next64()), 1);
  EXPECT_EQ(Share({0, 5, 0}, 0), 1);
  EXPECT_EQ(Share({0, 5, 0}, UINT64_MAX), 1);
}

TEST(PickShareTest, AllZeroDrawsNone) {
  EXPECT_EQ(Share({0, 0}, 123), -1);
  EXPECT_EQ(Share({}, 123), -1);
}

TEST(PickShareTest, SplitOf90To10HoldsOver100000Choices) {
  constexpr int kChoices = 100'000;
  // Five standard deviations of a binomial with p = 0.1.
  const double bound = 5 * std::sqrt(kChoices * 0.1 * 0.9);
  SeededRandom random(7);
  int second = 0;
  for (int i = 0; i < kChoices; ++i) second += Share({90, 10}, random.Next64());
  EXPECT_NEAR(second, kChoices * 0.1, bound);
}

}  // namespace
}  // namespace trellis::routing
