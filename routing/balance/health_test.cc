#include "routing/balance/health.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trellis::routing {
namespace {

struct HealthCase {
  const char* name;
  const char* results;  // "+" passed, "-" failed.
  TargetHealth expected;
};

class HealthStateTest : public testing::TestWithParam<HealthCase> {};

// The reference's default thresholds: 5 passes, 2 failures.
TEST_P(HealthStateTest, FollowsThresholds) {
  HealthState state({.healthy = 5, .unhealthy = 2}, /*checked=*/true);
  for (const char result : std::string(GetParam().results)) {
    const TargetHealth before = state.health();
    const bool changed = state.Record(result == '+');
    EXPECT_EQ(changed, state.health() != before);
  }
  EXPECT_EQ(state.health(), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Spec, HealthStateTest,
                         testing::ValuesIn(std::vector<HealthCase>{
                             {"UncheckedIsInitial", "", TargetHealth::kInitial},
                             {"FirstPassMakesHealthy", "+", TargetHealth::kHealthy},
                             {"OneFailureLeavesInitial", "-", TargetHealth::kInitial},
                             {"FirstPassAfterOneFailureMakesHealthy", "-+", TargetHealth::kHealthy},
                             {"FailuresFromTheStartMakeUnhealthy", "--", TargetHealth::kUnhealthy},
                             {"UnhealthyFromTheStartNeedsAllPasses", "--++++",
                              TargetHealth::kUnhealthy},
                             {"OneFailureLeavesHealthy", "+-", TargetHealth::kHealthy},
                             {"FailuresMustBeConsecutive", "+-+-+-", TargetHealth::kHealthy},
                             {"ConsecutiveFailuresMakeUnhealthy", "+--", TargetHealth::kUnhealthy},
                             {"FourPassesLeaveUnhealthy", "+--++++", TargetHealth::kUnhealthy},
                             {"FivePassesHeal", "+--+++++", TargetHealth::kHealthy},
                             {"PassesMustBeConsecutive", "+--++++-+", TargetHealth::kUnhealthy},
                             {"FlappingStaysUnhealthy", "+--+-+-+-+-", TargetHealth::kUnhealthy},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(HealthStateTest, WithoutChecksIsUnavailableForGood) {
  HealthState state({}, /*checked=*/false);
  EXPECT_FALSE(state.Record(false));
  EXPECT_FALSE(state.Record(false));
  EXPECT_EQ(state.health(), TargetHealth::kUnavailable);
}

}  // namespace
}  // namespace trellis::routing
