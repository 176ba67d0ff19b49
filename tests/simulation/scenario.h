// A random history from one seed: writes, and everything that may go wrong meanwhile; then peace.
#ifndef TRELLIS_TESTS_SIMULATION_SCENARIO_H_
#define TRELLIS_TESTS_SIMULATION_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace trellis::simulation {

struct ScenarioResult {
  std::vector<std::string> violations;  // Empty: all invariants held.
  std::string replay_hint;
  absl::Duration simulated;    // The whole history.
  absl::Duration convergence;  // From the last mending until all were equal.
  uint64_t acknowledged_writes = 0;
  uint64_t frames = 0;
  uint64_t trace_hash = 0;
};

// How many nodes the histories of the test have: 3 to 12.
inline int NodesFor(uint64_t seed) { return 3 + static_cast<int>(seed % 10); }

ScenarioResult RunScenario(uint64_t seed, int nodes);

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SCENARIO_H_
