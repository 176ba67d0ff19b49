// How long a write takes to be applied everywhere, and what it costs: gossip-design 4.3, T3 to T5,
// T10 and T12.
#ifndef TRELLIS_TESTS_SIMULATION_CONVERGENCE_H_
#define TRELLIS_TESTS_SIMULATION_CONVERGENCE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/measured_mesh.h"

namespace trellis::simulation {

struct ConvergenceOptions {
  MeasuredMesh::Options mesh;
  int writes = 100;
  double crashed = 0;  // Of nodes, whose power goes an instant before a writer's write.
};

struct ConvergenceResult {
  std::vector<absl::Duration> to_all;  // From each write until all running nodes had applied it.
  int incomplete = 0;                  // Writes that some node lacked after ten seconds.
  // For each node and write; the bytes without those of idling.
  double copies = 0;
  double bytes = 0;
  double idle_bytes_per_second = 0;  // Received by each node.
  bool full_rosters = true;
  absl::Duration simulated;
};

ConvergenceResult MeasureConvergence(const ConvergenceOptions& options);

// For people, or as one line of JSON.
std::string Describe(const ConvergenceOptions& options, const ConvergenceResult& result);
std::string ToJson(const ConvergenceOptions& options, const ConvergenceResult& result);

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_CONVERGENCE_H_
