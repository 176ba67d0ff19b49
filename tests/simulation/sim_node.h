// One simulated agent: a disk that survives, and a process that may not.
#ifndef TRELLIS_TESTS_SIMULATION_SIM_NODE_H_
#define TRELLIS_TESTS_SIMULATION_SIM_NODE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "base/runtime/scheduler.h"
#include "base/runtime/sim_scheduler.h"
#include "gossip/gossip.h"
#include "storage/catalog/catalog.h"
#include "storage/engine/memory_engine.h"
#include "tests/simulation/sim_network.h"

namespace trellis::simulation {

// The world's scheduler as one process sees it: its wall clock is off, and its timers die with it.
class NodeScheduler final : public Scheduler {
 public:
  NodeScheduler(SimScheduler& world, absl::Duration clock_offset)
      : world_(world), clock_offset_(clock_offset) {}
  ~NodeScheduler() override { *alive_ = false; }

  absl::Time WallNow() const override { return world_.WallNow() + clock_offset_; }
  absl::Duration MonotonicNow() const override { return world_.MonotonicNow(); }
  TimerId RunAfter(absl::Duration delay, Task task) override;
  bool Cancel(TimerId timer) override { return world_.Cancel(timer); }
  void Post(Task task) override { RunAfter(absl::ZeroDuration(), std::move(task)); }

 private:
  SimScheduler& world_;
  const absl::Duration clock_offset_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Thread-safety: none. Begins switched off.
class SimNode {
 public:
  struct Options {
    gossip::Gossip::Options gossip;
    uint64_t seed = 0;
    absl::Duration clock_offset;
  };

  // All borrowed.
  SimNode(const Options& options, SimScheduler& scheduler, SimNetwork& network)
      : options_(options), scheduler_(scheduler), network_(network) {}

  // Starts the process over what the disk holds. A disk that cannot be read is a CHECK.
  void Boot();
  // SIGKILL: what was written stays, synced or not.
  void Kill();
  // The power goes: peers hear nothing, and the disk keeps the first `unsynced_kept` of the writes
  // it had not synced.
  void CutPower(size_t unsynced_kept);

  bool running() const { return process_ != nullptr; }
  gossip::NodeId id() const { return options_.gossip.node; }
  // Of the running process.
  storage::Catalog& catalog() { return *process_->catalog; }
  gossip::Gossip& gossip() { return *process_->gossip; }
  gossip::Transport& transport() { return *process_->transport; }
  // Liveness of `peer` as this node sees it.
  gossip::Liveness LivenessOf(gossip::NodeId peer) const;

  storage::MemoryEngine& engine() { return engine_; }
  Options& options() { return options_; }  // Changes count from the next Boot.

 private:
  struct Process {
    Process(const SimNode& node, SimScheduler& world)
        : scheduler(world, node.options_.clock_offset), random(node.options_.seed + node.boots_) {}

    NodeScheduler scheduler;
    SeededRandom random;
    std::unique_ptr<storage::Catalog> catalog;
    std::unique_ptr<SimTransport> transport;
    std::unique_ptr<gossip::Gossip> gossip;
  };

  Options options_;
  SimScheduler& scheduler_;
  SimNetwork& network_;
  storage::MemoryEngine engine_;
  uint64_t boots_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_NODE_H_
