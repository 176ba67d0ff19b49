// N agents, one network, one seed: the whole mesh as a pure function.
//
//   SimWorld world({.seed = 7, .nodes = 5});
//   world.Settle();
//   world.Partition({0, 1}, {2, 3, 4});
//   ASSERT_OK(world.Put(0, kCart, "left"));
//   ASSERT_OK(world.Put(4, kCart, "right"));
//   world.Heal();
//   EXPECT_TRUE(world.RunUntilConverged(absl::Minutes(1))) << world.ReplayHint();
//   EXPECT_THAT(world.Violations(), IsEmpty());
#ifndef TRELLIS_TESTS_SIMULATION_SIM_WORLD_H_
#define TRELLIS_TESTS_SIMULATION_SIM_WORLD_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "storage/catalog/version.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/sim_node.h"

namespace trellis::simulation {

// Thread-safety: none.
class SimWorld {
 public:
  struct Options {
    uint64_t seed = 1;
    int nodes = 3;
    NetworkFaults faults;
    absl::Duration latency_least = absl::Microseconds(100);
    absl::Duration latency_most = absl::Milliseconds(20);
    // Each node's wall clock is off by up to this, either way.
    absl::Duration clock_offset_most = absl::Seconds(2);
    int max_neighbours = 8;
  };

  // Node 0 founds the mesh and knows nobody; the others know it alone. All are running.
  explicit SimWorld(const Options& options);

  // Admits and starts one more agent; returns its index.
  int Join();
  size_t size() const { return nodes_.size(); }
  SimNode& node(int i) { return *nodes_[i]; }
  SimNetwork& network() { return network_; }
  SeededRandom& random() { return random_; }
  absl::Duration now() const { return scheduler_.MonotonicNow(); }

  // --- What may happen -------------------------------------------------------------------------

  void Partition(const std::vector<int>& one, const std::vector<int>& other);
  void CutOneWay(int from, int to);
  void Heal() { network_.HealAll(); }
  // Everything mended, everybody running, no faults.
  void MendAll();

  // An admin's write at node `i`, over the version that node holds. Kept in the ledger: what was
  // acknowledged must be found in the end, what was refused must not.
  absl::Status Put(int i, const std::string& name, absl::string_view text);
  absl::Status Delete(int i, const std::string& name);
  // A write whose author read another version than the current one; must be refused.
  absl::Status PutOverStale(int i, const std::string& name);
  absl::Status Evict(int at, int whom);
  // Live services in the opinion of node `i`.
  std::vector<std::string> Names(int i);
  std::string NewName();
  // The text Put gave, or nothing.
  std::optional<std::string> Text(int i, const std::string& name);

  // --- What must hold --------------------------------------------------------------------------

  void RunFor(absl::Duration duration) { scheduler_.RunFor(duration); }
  bool RunUntil(absl::Duration at_most, absl::FunctionRef<bool()> done);
  // Until all running nodes hold equal vectors and roots.
  bool RunUntilConverged(absl::Duration at_most) {
    return RunUntil(at_most, [this] { return Converged(); });
  }
  bool Converged();
  // Joins have spread, everybody hears everybody. A world that does not settle is a CHECK.
  void Settle();

  // Looks for what must never be, at any time: vectors that go back in one process's life.
  void Watch();
  // What was found broken so far, and, for a converged world, what its end state breaks.
  std::vector<std::string> Violations();

  uint64_t trace_hash() const { return network_.trace_hash(); }
  // The line that runs this again.
  std::string ReplayHint() const;

 private:
  struct Write {
    storage::Version version;
    std::optional<std::string> text;  // None: a delete.
  };

  void AddNode(std::vector<gossip::PeerAddress> seeds);
  absl::Status Admit(int at, int whom);
  // Commits at `i`, over `base`, and enters what was acknowledged into the ledger.
  absl::Status Commit(int i, const std::string& name, std::optional<std::string> text,
                      const storage::Version& base);
  void CheckEqual();
  void CheckLedger(int i);
  void Violation(const std::string& what);

  const Options options_;
  SimScheduler scheduler_;
  SeededRandom random_;
  SimNetwork network_;
  const std::shared_ptr<storage::FakeAuthors> authors_ = std::make_shared<storage::FakeAuthors>();
  std::vector<std::unique_ptr<SimNode>> nodes_;

  std::map<std::string, Write> ledger_;  // By name: the newest acknowledged write.
  std::map<gossip::NodeId, storage::Version> newest_issued_;
  std::set<std::string> tokens_;
  std::map<int, storage::VersionVector> watched_;  // By node running since.
  std::vector<std::string> violations_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_WORLD_H_
