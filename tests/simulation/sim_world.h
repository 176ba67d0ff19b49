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

#include <deque>
#include <functional>
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
#include "storage/catalog/catalog.h"
#include "storage/resource/names.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/sim_node.h"

namespace trellis::simulation {

// Thread-safety: none.
class SimWorld {
 public:
  static constexpr char kMeshId[] = "simulated-mesh-1";

  struct Options {
    uint64_t seed = 1;
    int nodes = 3;
    NetworkFaults faults;
    absl::Duration latency_least = absl::Microseconds(100);
    absl::Duration latency_most = absl::Milliseconds(20);
    // Each node's wall clock is off by up to this, either way.
    absl::Duration clock_offset_most = absl::Seconds(2);
    absl::Duration tombstone_rest = absl::Hours(1);
    absl::Duration claim_interval = absl::Seconds(30);
    int max_neighbours = 8;
  };

  // Node 0 founds the mesh; the others join it. All are running.
  explicit SimWorld(const Options& options);

  // Admits at node `at` and starts one more agent, which is told of all members; returns its index.
  int Join(int at = 0, bool admin = true);
  size_t size() const { return nodes_.size(); }
  SimNode& node(int i) { return *nodes_[i]; }
  // Neither evicted, as far as the admin who did it knows, nor a thief.
  bool member(int i) const { return evicted_.count(i) == 0 && i != stolen_; }
  bool IsMember(gossip::NodeId id) const;
  // Of the node with that id, not of its clone; a CHECK if there is none.
  int IndexOf(gossip::NodeId id) const;
  bool eviction_seen() const { return !evicted_.empty(); }
  int AnyMember();
  std::vector<gossip::PeerAddress> AddressesOfOthers(int i) const;
  SimNetwork& network() { return network_; }
  SeededRandom& random() { return random_; }
  LatencyModel latency() const {
    return {.least = options_.latency_least, .most = options_.latency_most};
  }
  static storage::SealScope seal_scope() { return {.mesh_id = kMeshId}; }
  absl::Time WallNow() const { return scheduler_.WallNow(); }
  absl::Duration now() const { return scheduler_.MonotonicNow(); }

  // --- What may happen -------------------------------------------------------------------------

  void Partition(const std::vector<int>& one, const std::vector<int>& other);
  void CutOneWay(int from, int to);
  void Heal() { network_.HealAll(); }
  // Everything mended, all members running, clocks right, no faults.
  void MendAll();

  // An admin's transaction at node `i`. Kept in the ledger: what was acknowledged must be found in
  // the end, what was refused must not.
  absl::Status Write(int i, std::vector<storage::Change> changes);
  // A service's text, over the version that node holds.
  absl::Status Put(int i, const std::string& name, absl::string_view text);
  absl::Status Delete(int i, const std::string& name);
  // A write whose author read another version than the current one; must be refused.
  absl::Status PutOverStale(int i, const std::string& name);
  absl::Status Evict(int at, int whom);
  // Members of whom the others know no more, as their admission was lost with a disk or voided with
  // its author's eviction: their hosts would have to join anew. Whether there were any.
  bool DropForgotten();
  // From now on somebody else has the key of node `i`, which itself does not run any more.
  gossip::NodeId StealKey(int i);
  // A copy of the disk of node `i` runs beside it from now on, as the same agent, on another host;
  // returns the copy's index. It is no member, and nothing that either writes need last.
  int Clone(int i);
  // Whether two have run as that agent.
  bool IsCloned(gossip::NodeId id) const { return clone_ >= 0 && nodes_[clone_]->id() == id; }
  int clone() const { return clone_; }   // -1: there is none.
  int thief() const { return stolen_; }  // -1: there is none.
  bool IsThief(gossip::NodeId id) const { return stolen_ >= 0 && nodes_[stolen_]->id() == id; }
  // The disk of node `i` lost or may lose what was acknowledged.
  void ExcuseDisk(int i);

  // Whether all that the agent wrote lasts: it is a member, alone under its name, and its disk
  // never lost anything.
  bool WritesLast(gossip::NodeId id) const;

  // Whether the disk of node `i` still knows of all that it acknowledged. If not, and no peer has
  // told it yet, its next write would be numbered like an earlier one.
  bool NumbersAreFree(int i);
  // Whether node `i` lacks anything that it has acknowledged.
  bool HasForgotten(int i);

  // Names of live resources in the opinion of node `i`.
  std::vector<std::string> Names(int i, absl::string_view prefix = "services/");
  std::string NewName(resource::Kind kind = resource::Kind::kService);
  // The text Put gave, or nothing.
  std::optional<std::string> Text(int i, const std::string& name);
  // What tells one write of a resource from another; none of a deleted one.
  static std::optional<std::string> TextOf(const v1::Resource* resource);

  // --- What must hold --------------------------------------------------------------------------

  void RunFor(absl::Duration duration) { scheduler_.RunFor(duration); }
  bool RunUntil(absl::Duration at_most, absl::FunctionRef<bool()> done);
  // Until all running nodes hold equal vectors and roots.
  bool RunUntilConverged(absl::Duration at_most) {
    return RunUntil(at_most, [this] { return Converged(); });
  }
  bool Converged();
  // Which agents hold what others do not, for people.
  std::string Differences();
  // Joins have spread, everybody has everything and hears everybody. A world that does not settle
  // is a CHECK.
  void Settle();

  // Looks for what must never be, at any time.
  void Watch() { invariants_.Watch(); }
  // What was found broken so far, and, for a converged world, what its end state breaks.
  std::vector<std::string> Violations();
  Invariants& invariants() { return invariants_; }
  const Ledger& ledger() const { return ledger_; }
  struct RecentWrite {
    std::string name;
    storage::Version version;
    storage::MeshToken token;
  };
  const std::deque<RecentWrite>& recent_writes() const { return recent_writes_; }

  uint64_t trace_hash() const { return network_.trace_hash(); }
  // The line that runs this again.
  std::string ReplayHint() const;

 private:
  bool IsForgotten(int i);
  // It is no member any more, and nothing it wrote need last.
  void Expel(int i);
  void AddNode(std::vector<gossip::PeerAddress> seeds, bool admin);
  // Of node `i`, which is about to be added.
  std::function<void(SimNode&)> OnBooted(size_t i);
  absl::Status Admit(int at, int whom);
  // Notes a transaction that changed `name`; returns its version.
  storage::Version Acknowledged(int i, const storage::MeshToken& token, const std::string& name);

  const Options options_;
  SimScheduler scheduler_;
  SeededRandom random_;
  SimNetwork network_;
  const std::shared_ptr<storage::FakeAuthors> authors_ = std::make_shared<storage::FakeAuthors>();
  std::vector<std::unique_ptr<SimNode>> nodes_;

  std::set<int> evicted_;
  std::set<int> disks_lost_;
  std::map<int, int> admitted_by_;
  int stolen_ = -1;
  int clone_ = -1;
  Ledger ledger_;
  std::map<storage::Origin, uint64_t> newest_sequences_;  // Acknowledged.
  std::deque<RecentWrite> recent_writes_;
  Invariants invariants_{*this};
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_WORLD_H_
