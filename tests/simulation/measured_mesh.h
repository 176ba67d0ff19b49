// A large mesh that has found itself, for measuring: all agents run the real protocol over a model
// of a network.
//
// 0.25 ms one way, 1.5 ms of work for a frame with entries, a lost packet holds its connection back
// for 200 ms; between regions 75 ms one way more.
#ifndef TRELLIS_TESTS_SIMULATION_MEASURED_MESH_H_
#define TRELLIS_TESTS_SIMULATION_MEASURED_MESH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "storage/catalog/catalog.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/sim_node.h"

namespace trellis::simulation {

// Thread-safety: none.
class MeasuredMesh {
 public:
  struct Options {
    uint64_t seed = 1;
    int nodes = 500;
    double loss = 0;  // Of frames.
    int regions = 1;
    // What node `i` applies.
    std::function<void(size_t i, const storage::v1::Delta& delta)> applied =
        [](size_t, const storage::v1::Delta&) {};
  };

  static constexpr absl::Duration kSettle = absl::Seconds(10);

  // All nodes run, and kSettle has passed.
  explicit MeasuredMesh(const Options& options);
  MeasuredMesh(const MeasuredMesh&) = delete;
  MeasuredMesh& operator=(const MeasuredMesh&) = delete;

  // Whether each node knows all others. Beyond 600 nodes each knows only its neighbours, which are
  // those it would choose among all.
  bool full_rosters() const;
  size_t size() const { return nodes_.size(); }
  size_t running() const;
  SimNode& node(size_t i) { return *nodes_[i]; }
  SimNetwork& network() { return network_; }
  SeededRandom& random() { return random_; }
  absl::Duration now() const { return scheduler_.MonotonicNow(); }

  void RunFor(absl::Duration duration) { scheduler_.RunFor(duration); }
  // One event; false if there is none.
  bool Step() { return scheduler_.Step(); }
  // Boots what does not run, and lets kSettle pass.
  void Revive();
  // Has node `i` write a new service.
  storage::MeshToken Write(size_t i);

 private:
  void AddNode();
  void WriteRosters();
  void NameNeighbours();

  const Options options_;
  SimScheduler scheduler_;
  const std::shared_ptr<storage::FakeAuthors> authors_ = std::make_shared<storage::FakeAuthors>();
  SeededRandom random_;
  SimNetwork network_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_MEASURED_MESH_H_
