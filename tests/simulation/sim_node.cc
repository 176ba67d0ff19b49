#include "tests/simulation/sim_node.h"

#include <utility>

#include "base/log/log.h"

namespace trellis::simulation {

absl::StatusOr<std::unique_ptr<storage::Catalog>> SimNode::OpenCatalog(storage::Engine& engine,
                                                                       Runtime runtime) {
  storage::Catalog::Options options;
  options.mesh_id = options_.gossip.mesh_id;
  options.node = id();
  options.authorship = &authorship_;
  return storage::Catalog::Open(options, engine, runtime);
}

void SimNode::Boot() {
  CHECK(!running());
  ++boots_;
  booted_at_ = scheduler_.MonotonicNow();
  frozen_until_ = absl::ZeroDuration();
  process_ = std::make_unique<Process>(*this, scheduler_);
  const Runtime runtime{process_->scheduler, process_->random};
  auto catalog = OpenCatalog(*engine_, runtime);
  if (absl::IsDataLoss(catalog.status())) {
    ++disks_lost_;
    engine_ = std::make_unique<storage::MemoryEngine>();
    catalog = OpenCatalog(*engine_, runtime);
  }
  CHECK(catalog.ok()) << catalog.status();
  process_->catalog = *std::move(catalog);
  process_->transport = network_.Attach(host(), id());
  options_.gossip.authorship = &authorship_;
  process_->gossip =
      gossip::Gossip::Create(options_.gossip, *process_->catalog, *process_->transport, runtime);
  options_.booted(*this);
  process_->catalog->Subscribe([this, process = process_.get()](const storage::Applied& applied) {
    if (applied.whole) EnforceSoon(*process);
  });
  process_->gossip->Start();
  process_->catalog->SubscribeDeltas(
      [this, process = process_.get()](const storage::v1::Delta&) { EnforceSoon(*process); });
  EnforceSoon(*process_);
}

void SimNode::EnforceSoon(Process& process) {
  if (options_.compile_time == absl::InfiniteDuration()) return;
  if (std::exchange(process.enforcing_soon, true)) return;
  process.scheduler.RunAfter(options_.compile_time, [this, &process] {
    process.enforcing_soon = false;
    if (!process.catalog->whole()) return;  // As the data plane does.
    for (const auto& [origin, head] : process.catalog->vector().heads()) {
      ever_enforced_.Advance(origin, head);
    }
    process.gossip->SetEnforced(process.catalog->vector());
  });
}

SimNode::Replica SimNode::MakeReplica() {
  Replica replica{std::make_unique<storage::MemoryEngine>(), nullptr};
  auto catalog = OpenCatalog(*replica.engine, {process_->scheduler, process_->random});
  CHECK_OK(catalog.status());
  replica.catalog = *std::move(catalog);
  return replica;
}

void SimNode::Kill() { process_.reset(); }

void SimNode::CutPower(size_t unsynced_kept) {
  network_.CutPower(host());
  process_.reset();
  engine_->CrashKeeping(unsynced_kept);
}

void SimNode::Freeze(absl::Duration duration) {
  frozen_until_ = scheduler_.MonotonicNow() + duration;
  process_->scheduler.Freeze(frozen_until_);
  network_.Freeze(host(), frozen_until_);
}

gossip::Liveness SimNode::LivenessOf(gossip::NodeId peer) const {
  for (const gossip::MemberView& view : process_->gossip->View()) {
    if (view.node == peer) return view.liveness;
  }
  return gossip::Liveness::kDown;
}

}  // namespace trellis::simulation
