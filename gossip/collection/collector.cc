#include "gossip/collection/collector.h"

#include <utility>

#include "base/log/log.h"

namespace trellis::gossip {

Collector::Collector(storage::Catalog& catalog, Scheduler& scheduler, Barriers& barriers,
                     absl::AnyInvocable<bool()> leads, absl::Duration rest)
    : catalog_(catalog),
      scheduler_(scheduler),
      barriers_(barriers),
      leads_(std::move(leads)),
      rest_(rest) {}

Collector::~Collector() {
  scheduler_.Cancel(timer_);
  if (asked_.has_value()) barriers_.Cancel(*asked_);
}

void Collector::Start() {
  timer_ = scheduler_.RunAfter(rest_ / 4, [this] { Tick(); });
}

void Collector::Tick() {
  Start();
  if (catalog_.tombstone_count() == 0 || !leads_()) {
    proof_.reset();
  } else if (!proof_.has_value()) {
    Ask();
  } else if (scheduler_.MonotonicNow() - proof_->since >= rest_) {
    Collect();
  }
}

void Collector::Ask() {
  if (asked_.has_value()) return;
  BarrierRequest request;
  request.wanted = catalog_.vector();
  request.timeout = kBarrierTimeout;
  asked_ = barriers_.Barrier(request, [this, wanted = request.wanted](const BarrierResult& result) {
    asked_.reset();
    if (result.outcome != BarrierResult::Outcome::kAll) return;
    proof_ = {wanted, scheduler_.MonotonicNow()};
  });
}

void Collector::Collect() {
  const size_t before = catalog_.tombstone_count();
  const auto token = catalog_.CollectTombstones(proof_->everywhere);
  proof_.reset();
  if (!token.ok()) {
    LOG(WARNING) << "tombstones: not collected: " << token.status();
  } else if (const size_t gone = before - catalog_.tombstone_count(); gone > 0) {
    LOG(INFO) << "tombstones: " << gone << " collected";
  }
}

}  // namespace trellis::gossip
