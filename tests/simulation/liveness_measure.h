// How soon all agents know that one is gone, and how often one that is not is thought so:
// gossip-design 4.3, T7 to T9.
#ifndef TRELLIS_TESTS_SIMULATION_LIVENESS_MEASURE_H_
#define TRELLIS_TESTS_SIMULATION_LIVENESS_MEASURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/measured_mesh.h"

namespace trellis::simulation {

struct LivenessOptions {
  MeasuredMesh::Options mesh;  // At most as many nodes as know all others.
  int victims = 20;            // Of either kind, one after the other.
  absl::Duration watched = absl::Minutes(10);
};

struct LivenessResult {
  // From the end of a process, and of a host, until all others thought it down.
  std::vector<absl::Duration> crash, silence;
  int unnoticed = 0;         // Ends that some agent had not seen after ten seconds.
  uint64_t false_downs = 0;  // Verdicts on agents that ran, in all the time.
  absl::Duration simulated;
};

LivenessResult MeasureLiveness(const LivenessOptions& options);

// For people, or as one line of JSON.
std::string Describe(const LivenessOptions& options, const LivenessResult& result);
std::string ToJson(const LivenessOptions& options, const LivenessResult& result);

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_LIVENESS_MEASURE_H_
