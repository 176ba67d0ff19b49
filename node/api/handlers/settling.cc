#include "node/api/handlers/settling.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

// What agents write of themselves and of their keys has no status to become ACTIVE, and each of
// them writes it when it joins: their barriers together would hold up the mesh that forms.
bool HasStatus(const storage::Applied::Item& item) {
  return !absl::StartsWith(item.name, resource::CollectionPrefix(resource::Kind::kAgent)) &&
         !absl::StartsWith(item.name, resource::CollectionPrefix(resource::Kind::kSealingKey));
}

}  // namespace

Settling::Settling(storage::Catalog& catalog, gossip::Gossip& gossip, Runtime runtime)
    : catalog_(catalog), gossip_(gossip), runtime_(runtime), settled_(catalog.vector()) {
  catalog.Subscribe([this, alive = alive_](const storage::Applied& applied) {
    if (*alive && applied.local && absl::c_any_of(applied.items, HasStatus)) OnWanted();
  });
}

Settling::~Settling() {
  *alive_ = false;
  runtime_.scheduler.Cancel(timer_);
  if (barrier_ != 0) gossip_.CancelQuery(barrier_);
}

bool Settling::IsCreated(const storage::Catalog::Record& record) {
  if (settled_.head(record.origin) >= record.sequence) return true;
  // Somebody who reads again and again does not put it off.
  others_wanted_ |= record.origin != catalog_.origin();
  if (!wanted_) OnWanted();
  // An update changes what was created long ago.
  return record.create_time != record.version.time();
}

void Settling::OnEnforced(const storage::VersionVector& writes) {
  for (const auto& [origin, head] : writes.heads()) settled_.Advance(origin, head);
}

void Settling::OnWanted() {
  wanted_last_ = runtime_.scheduler.MonotonicNow();
  if (!std::exchange(wanted_, true)) wanted_since_ = wanted_last_;
  ArmTimer();
}

void Settling::ArmTimer() {
  if (!wanted_ || barrier_ != 0 || timer_ != Scheduler::TimerId::kNone) return;
  const absl::Duration left = Due() - runtime_.scheduler.MonotonicNow();
  timer_ = runtime_.scheduler.RunAfter(std::max(left, absl::ZeroDuration()), [this] {
    timer_ = Scheduler::TimerId::kNone;
    // More may have been written meanwhile.
    Due() <= runtime_.scheduler.MonotonicNow() ? Begin() : ArmTimer();
  });
}

absl::Duration Settling::Due() const {
  // Not before writes pause, but for the one each interval.
  const absl::Duration due =
      std::min(wanted_last_ + kPause, std::max(wanted_since_, began_) + kInterval);
  return std::max(due, began_ + kLeastInterval);
}

void Settling::Begin() {
  wanted_ = false;
  const bool others = std::exchange(others_wanted_, false);
  gossip::BarrierRequest request;
  for (const auto& [origin, head] : catalog_.vector().heads()) {
    if (!others && origin != catalog_.origin()) continue;
    if (settled_.head(origin) < head) request.wanted.Advance(origin, head);
  }
  if (request.wanted.heads().empty()) return;
  request.reachable_is_enough = true;
  request.timeout = kTimeout;
  began_ = runtime_.scheduler.MonotonicNow();
  barrier_ = gossip_.Barrier(request,
                             [this, wanted = request.wanted](const gossip::BarrierResult& result) {
                               barrier_ = 0;
                               if (result.outcome != gossip::BarrierResult::Outcome::kIncomplete) {
                                 OnEnforced(wanted);
                               }
                               ArmTimer();
                             });
}

}  // namespace trellis::api
