// How soon two halves of a mesh hold the same again after a cut between them: gossip-design 4.3,
// T15.
#ifndef TRELLIS_TESTS_SIMULATION_HEAL_MEASURE_H_
#define TRELLIS_TESTS_SIMULATION_HEAL_MEASURE_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/measured_mesh.h"

namespace trellis::simulation {

struct HealOptions {
  MeasuredMesh::Options mesh;
  int writes = 1000;  // On either side, during the cut.
  absl::Duration cut = absl::Minutes(10);
};

struct HealResult {
  absl::Duration to_equal;  // From the heal until all vectors and roots are equal.
  bool healed = false;      // Within a minute.
  uint64_t difference = 0;  // Bytes that one side lacked.
  double bytes = 0;         // Received by each node meanwhile.
};

HealResult MeasureHeal(const HealOptions& options);

// For people, or as one line of JSON.
std::string Describe(const HealOptions& options, const HealResult& result);
std::string ToJson(const HealOptions& options, const HealResult& result);

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_HEAL_MEASURE_H_
