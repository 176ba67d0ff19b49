// 200 random histories, and every one that ever failed. A failure prints the line that runs it
// again.
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "base/log/log.h"
#include "gtest/gtest.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

// Links that break and peers that are refused are what these tests are about.
[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

constexpr int kSeeds = 200;
constexpr int kShares = 20;  // Test cases, so that progress comes in pieces.
constexpr int kRunTwice = 20;

const char kFailedSeeds[] = "tests/simulation/failed_seeds.txt";

int seeds_run = 0;

void ExpectNoViolations(const ScenarioResult& result) {
  for (const std::string& violation : result.violations) {
    ADD_FAILURE() << violation << "\n" << result.replay_hint;
  }
}

class GossipSim : public testing::TestWithParam<int> {};

TEST_P(GossipSim, RandomHistoriesEndEqualWithNothingLost) {
  for (int seed = 1 + GetParam(); seed <= kSeeds; seed += kShares) {
    const ScenarioResult result = RunScenario(seed, NodesFor(seed));
    EXPECT_GT(result.acknowledged_writes, 0u);
    ExpectNoViolations(result);
    ++seeds_run;
    if (seed % kRunTwice != 0) continue;
    const ScenarioResult again = RunScenario(seed, NodesFor(seed));
    EXPECT_EQ(result.trace_hash, again.trace_hash) << "one seed, two histories\n"
                                                   << result.replay_hint;
    EXPECT_EQ(result.frames, again.frames);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GossipSim, testing::Range(0, kShares));

// Each line: seed, nodes, and what it once found.
std::vector<std::pair<uint64_t, int>> FailedSeeds() {
  std::vector<std::pair<uint64_t, int>> seeds;
  std::ifstream file(kFailedSeeds);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    uint64_t seed = 0;
    int nodes = 0;
    if (line[0] != '#' && words >> seed >> nodes) seeds.emplace_back(seed, nodes);
  }
  return seeds;
}

TEST(GossipSimFailedSeeds, NoneFailsAgain) {
  const auto seeds = FailedSeeds();
  EXPECT_FALSE(seeds.empty()) << "cannot read " << kFailedSeeds;
  for (const auto& [seed, nodes] : seeds) ExpectNoViolations(RunScenario(seed, nodes));
}

// When all seeds have run.
class EverySituationWasMet final : public testing::Environment {
 public:
  void TearDown() override {
    if (seeds_run == kSeeds) {
      EXPECT_EQ(absl::StrJoin(NeverMet(), "; "), "");
    }
  }
};

[[maybe_unused]] testing::Environment* const kCoverage =
    testing::AddGlobalTestEnvironment(new EverySituationWasMet);

}  // namespace
}  // namespace trellis::simulation
