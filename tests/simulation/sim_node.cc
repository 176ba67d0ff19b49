#include "tests/simulation/sim_node.h"

#include <utility>

#include "base/log/log.h"

namespace trellis::simulation {

Scheduler::TimerId NodeScheduler::RunAfter(absl::Duration delay, Task task) {
  return world_.RunAfter(delay, [alive = alive_, task = std::move(task)]() mutable {
    if (*alive) task();
  });
}

void SimNode::Boot() {
  CHECK(!running());
  ++boots_;
  process_ = std::make_unique<Process>(*this, scheduler_);
  const Runtime runtime{process_->scheduler, process_->random};
  storage::Catalog::Options options;
  options.mesh_id = options_.gossip.mesh_id;
  options.node = id();
  auto catalog = storage::Catalog::Open(options, engine_, runtime);
  CHECK(catalog.ok()) << catalog.status();
  process_->catalog = *std::move(catalog);
  process_->transport = network_.Attach(id());
  process_->gossip =
      gossip::Gossip::Create(options_.gossip, *process_->catalog, *process_->transport, runtime);
  process_->gossip->Start();
}

void SimNode::Kill() { process_.reset(); }

void SimNode::CutPower(size_t unsynced_kept) {
  network_.CutPower(id());
  process_.reset();
  engine_.CrashKeeping(unsynced_kept);
}

gossip::Liveness SimNode::LivenessOf(gossip::NodeId peer) const {
  for (const gossip::MemberView& view : process_->gossip->View()) {
    if (view.node == peer) return view.liveness;
  }
  return gossip::Liveness::kDown;
}

}  // namespace trellis::simulation
