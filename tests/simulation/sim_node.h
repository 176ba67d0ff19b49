// One simulated agent: a disk that survives, and a process that may not.
#ifndef TRELLIS_TESTS_SIMULATION_SIM_NODE_H_
#define TRELLIS_TESTS_SIMULATION_SIM_NODE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gossip/gossip.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "tests/simulation/node_scheduler.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/sim_transport.h"

namespace trellis::simulation {

// Thread-safety: none. Begins switched off.
class SimNode {
 public:
  struct Options {
    gossip::Gossip::Options gossip;
    bool admin = true;  // Its certificate's role.
    // Where it runs; 0: the host is known by gossip.node. A clone runs elsewhere.
    NodeId host = 0;
    uint64_t seed = 0;
    SimClock clock;
    // With each new process, before its gossip starts.
    std::function<void(SimNode&)> booted = [](SimNode&) {};
    // The world's, where there are many nodes: what is certified is then kept once.
    std::shared_ptr<storage::FakeAuthors> authors = std::make_shared<storage::FakeAuthors>();
    // From a change of the catalog to the proxy's obeying it; infinite: it never does.
    absl::Duration compile_time = absl::Milliseconds(1);
  };

  // All borrowed.
  SimNode(const Options& options, SimScheduler& scheduler, SimNetwork& network)
      : options_(options),
        scheduler_(scheduler),
        network_(network),
        authorship_({.node = options.gossip.node, .admin = options.admin}, options.authors) {}

  // Starts the process over what the disk holds. A disk whose data cannot be read is moved aside
  // and replaced by an empty one, as the agent does; anything else is a CHECK.
  void Boot();
  // SIGKILL: what was written stays, synced or not.
  void Kill();
  // The power goes: peers hear nothing, and the disk keeps the first `unsynced_kept` of the writes
  // it had not synced.
  void CutPower(size_t unsynced_kept);
  // SIGSTOP, and SIGCONT when the time is over. Monotonic and wall clocks go on.
  void Freeze(absl::Duration duration);

  bool running() const { return process_ != nullptr; }
  absl::Duration booted_at() const { return booted_at_; }
  bool frozen() const { return scheduler_.MonotonicNow() < frozen_until_; }
  gossip::NodeId id() const { return options_.gossip.node; }
  // What the network knows its host by.
  NodeId host() const { return options_.host != 0 ? options_.host : id(); }
  // Of the running process.
  storage::Catalog& catalog() { return *process_->catalog; }
  gossip::Gossip& gossip() { return *process_->gossip; }
  gossip::Transport& transport() { return *process_->transport; }
  Runtime runtime() { return {process_->scheduler, process_->random}; }
  // Everything its proxy ever obeyed, over restarts.
  const storage::VersionVector& ever_enforced() const { return ever_enforced_; }
  // Liveness of `peer` as this node sees it.
  gossip::Liveness LivenessOf(gossip::NodeId peer) const;

  absl::Time WallNow() const { return options_.clock.At(scheduler_); }

  // An empty catalog of this agent's, apart from the one it runs with.
  struct Replica {
    std::unique_ptr<storage::MemoryEngine> engine;
    std::unique_ptr<storage::Catalog> catalog;
  };
  Replica MakeReplica();

  storage::MemoryEngine& engine() { return *engine_; }
  int disks_lost() const { return disks_lost_; }
  // Of gossip, changes count from the next Boot; the others' at once.
  Options& options() { return options_; }

 private:
  struct Process;
  void EnforceSoon(Process& process);

  struct Process {
    Process(const SimNode& node, SimScheduler& world)
        : scheduler(world, node.options_.clock), random(node.options_.seed + node.boots_) {}

    NodeScheduler scheduler;
    SeededRandom random;
    std::unique_ptr<storage::Catalog> catalog;
    std::unique_ptr<SimTransport> transport;
    std::unique_ptr<gossip::Gossip> gossip;
    bool enforcing_soon = false;
  };

  absl::StatusOr<std::unique_ptr<storage::Catalog>> OpenCatalog(storage::Engine& engine,
                                                                Runtime runtime);

  Options options_;
  SimScheduler& scheduler_;
  SimNetwork& network_;
  std::unique_ptr<storage::MemoryEngine> engine_ = std::make_unique<storage::MemoryEngine>();
  storage::FakeAuthorship authorship_;
  storage::VersionVector ever_enforced_;
  uint64_t boots_ = 0;
  int disks_lost_ = 0;
  absl::Duration booted_at_;
  absl::Duration frozen_until_;
  std::unique_ptr<Process> process_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_NODE_H_
