// 200 random histories. A failure prints the line that runs it again.
#include "base/log/log.h"
#include "gtest/gtest.h"
#include "tests/simulation/scenario.h"

namespace trellis::simulation {
namespace {

// Links that break and peers that are refused are what these tests are about.
[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

constexpr int kSeeds = 200;
constexpr int kShares = 20;  // Test cases, so that shards and progress come in pieces.

class GossipSim : public testing::TestWithParam<int> {};

TEST_P(GossipSim, RandomHistoriesEndEqualWithNothingLost) {
  for (int seed = 1 + GetParam(); seed <= kSeeds; seed += kShares) {
    const ScenarioResult result = RunScenario(seed, NodesFor(seed));
    EXPECT_GT(result.acknowledged_writes, 0u);
    for (const std::string& violation : result.violations) {
      ADD_FAILURE() << violation << "\n" << result.replay_hint;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GossipSim, testing::Range(0, kShares));

TEST(GossipSimDeterminism, OneSeedGivesOneHistory) {
  const ScenarioResult first = RunScenario(11, 5);
  const ScenarioResult again = RunScenario(11, 5);
  const ScenarioResult other = RunScenario(12, 5);
  EXPECT_EQ(first.trace_hash, again.trace_hash);
  EXPECT_EQ(first.frames, again.frames);
  EXPECT_EQ(first.acknowledged_writes, again.acknowledged_writes);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

}  // namespace
}  // namespace trellis::simulation
