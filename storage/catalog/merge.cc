#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

// How far the persisted bound runs ahead of the clock: a write a second pays for extending it.
constexpr absl::Duration kHlcBoundAhead = absl::Seconds(1);

}  // namespace

absl::StatusOr<bool> CatalogImpl::ApplyRemote(const v1::Delta& delta) {
  ASSIGN_OR_RETURN(std::vector<ResourcePtr> resources,
                   CheckDelta(delta, runtime_.scheduler.WallNow()));
  RETURN_IF_ERROR(HearOfCollections(delta));
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = vector_.head(origin);
  if (delta.after() > head) {
    return absl::OutOfRangeError(absl::StrCat("delta of ", resource::AgentName(origin.node),
                                              ": begins after ", delta.after(), "; held up to ",
                                              head));
  }
  if (const auto fence = FenceOf(origin); fence.has_value() && delta.up_to() > *fence) {
    return absl::FailedPreconditionError(
        absl::StrCat("delta of ", resource::AgentName(origin.node), ": up to ", delta.up_to(),
                     "; it was evicted, and what it wrote counts up to ", *fence, " only"));
  }
  if (head == 0 && vector_.heads().size() >= kMaxOrigins) {
    return absl::InvalidArgumentError(absl::StrCat("delta of ", resource::AgentName(origin.node),
                                                   ": more than ", kMaxOrigins, " origins"));
  }
  RETURN_IF_ERROR(CheckFloor(delta));
  ASSIGN_OR_RETURN(const Verified verified, Verify(delta, std::move(resources)));
  for (const v1::Entry& entry : delta.entries()) {
    if (entry.operation() == v1::COLLECT) RETURN_IF_ERROR(ReviewIfBehind(entry));
  }
  if (delta.after() > vector_.head(origin)) {
    return absl::OutOfRangeError(
        absl::StrCat("delta of ", resource::AgentName(origin.node), ": a review began with it"));
  }
  if (origin == origin_ && delta.up_to() > head) {
    LOG(ERROR) << "a peer holds " << delta.up_to() << " writes of this agent, its own folder "
               << head << ": it was restored from an old copy. Writing on as another incarnation";
    RETURN_IF_ERROR(StartIncarnation());
  }
  return Merge(delta, verified, /*local=*/false);
}

CatalogImpl::Touched& CatalogImpl::Touch(const std::string& name, Plan& plan) const {
  const auto [it, first] = plan.touched.try_emplace(name);
  if (first) it->second.after = it->second.before = Held(name);
  return it->second;
}

CatalogImpl::Plan CatalogImpl::MergeEntries(const v1::Delta& delta,
                                            const Verified& verified) const {
  Plan plan;
  for (int i = 0; i < delta.entries_size(); ++i) {
    const v1::Entry& entry = delta.entries(i);
    Touched& touched = Touch(entry.key(), plan);
    Stored write = MakeStored(entry, verified.hashes[i]);
    if (CameTooLate(entry.key(), write, touched.after)) continue;
    const OriginKey key = write.origin_key();
    if (!MergeInto(std::move(write), touched.after)) continue;
    plan.fresh[key] = {&entry, verified.resources[i]};
    if (!std::exchange(touched.changed, true)) plan.names.push_back(entry.key());
  }
  return plan;
}

absl::StatusOr<bool> CatalogImpl::Merge(const v1::Delta& delta, const Verified& verified,
                                        bool local) {
  CHECK(!notifying_) << "a listener wrote to the catalog";
  const Origin origin = Origin::FromProto(delta.origin());
  Plan plan = MergeEntries(delta, verified);
  if (plan.names.empty() && delta.up_to() <= vector_.head(origin)) return false;
  RETURN_IF_ERROR(PlanFences(plan));
  PlanCollections(plan);
  RETURN_IF_ERROR(PlanReview(delta, plan));
  PlanRemembered(plan);
  RETURN_IF_ERROR(PlanRows(plan));
  PlanMeta(delta, plan);
  PlanSeals(delta, plan);
  uint64_t bound = hlc_bound_;
  if (local) {
    // Issued from here on, even if the engine should fail: a version never names two contents.
    hlc_ = delta.entries(0).version().hlc();
    if (hlc_ > bound) {
      bound = std::max(hlc_, HlcAt(runtime_.scheduler.WallNow() + kHlcBoundAhead));
      plan.batch.Put(Table::kMeta, kHlcBoundKey, EncodeNumber(bound));
    }
  }
  RETURN_IF_ERROR(engine_.Write(plan.batch, local ? Durability::kSynced : Durability::kBuffered));

  hlc_bound_ = bound;
  const std::optional<v1::Delta> part = MakePassedOn(delta, plan);
  vector_.Advance(origin, delta.up_to());
  for (const auto& [moved, head] : plan.heads) vector_.Reset(moved, head);
  RememberAuthor(origin, verified.author);
  Applied applied = Adopt(plan);
  AdoptReview(plan);
  AdoptForgotten(plan);
  if (plan.ends_review || plan.touched.contains(kCollectionKey)) SetFloor();
  if (plan.touched.contains(kClaimsKey)) {
    const uint64_t before = settled_.Hash();
    SetSettled();
    applied.claims_settled = settled_.Hash() != before;
  }
  applied.local = local;
  Notify(applied, part.has_value() ? *part : delta);
  return true;
}

ResourcePtr CatalogImpl::ResourceOf(const Stored& winner, const Plan& plan) {
  const auto fresh = plan.fresh.find(winner.origin_key());
  return fresh == plan.fresh.end() ? winner.ParseResource() : fresh->second.resource;
}

Applied CatalogImpl::Adopt(Plan& plan) {
  for (const auto& [key, transaction] : plan.transactions) {
    if (transaction.has_value()) {
      transactions_[key] = *transaction;
    } else {
      transactions_.erase(key);
    }
  }
  const uint64_t trusted = HlcAt(runtime_.scheduler.WallNow() + options_.max_drift) | 0xffff;
  Applied applied;
  for (const std::string& name : plan.names) {
    Touched& touched = plan.touched.at(name);
    for (const Stored& write : touched.after) {
      if (write.version.hlc <= trusted) hlc_ = std::max(hlc_, write.version.hlc);
      RecallVersion(write.version);
      if (write.ancestry != nullptr) {
        for (const Version& elder : write.ancestry->context) RecallVersion(elder);
      }
    }
    const bool same = !touched.before.empty() && !touched.after.empty() &&
                      touched.before.front().digest == touched.after.front().digest;
    const bool was = !touched.before.empty() && touched.before.front().live();
    const bool is = !touched.after.empty() && touched.after.front().live();
    if (!same && (was || is)) {
      applied.items.push_back({name, was ? touched.before.front().ParseResource() : nullptr,
                               is ? ResourceOf(touched.after.front(), plan) : nullptr});
    }
    Install(name, std::move(touched.after));
  }
  return applied;
}

// Its own count whatever the clock says: those it has forgotten come back from peers, as entries or
// as what others wrote over.
void CatalogImpl::RecallVersion(const Version& version) {
  if (version.node == options_.node) hlc_ = std::max(hlc_, version.hlc);
}

void CatalogImpl::Install(const std::string& name, std::vector<Stored> after) {
  for (const Stored& write : Held(name)) {
    root_ -= write.digest;
    conflicts_ -= write.listed ? 1 : 0;
  }
  for (const Stored& write : after) {
    root_ += write.digest;
    conflicts_ += write.listed ? 1 : 0;
  }
  const auto [it, added] = records_.try_emplace(name);
  if (!added && it->second.deleted()) --tombstones_;
  if (after.empty()) {
    records_.erase(it);
    losers_.erase(name);
    return;
  }
  it->second = std::move(after.front());
  if (it->second.deleted()) ++tombstones_;
  if (after.size() == 1) {
    losers_.erase(name);
  } else {
    losers_[name].assign(std::make_move_iterator(after.begin() + 1),
                         std::make_move_iterator(after.end()));
  }
}

void CatalogImpl::Notify(const Applied& applied, const v1::Delta& delta) {
  notifying_ = true;
  if (!applied.items.empty() || applied.claims_settled) {
    for (auto& listener : listeners_) listener(applied);
  }
  if (delta.up_to() > delta.after()) {
    for (auto& listener : delta_listeners_) listener(delta);
  }
  notifying_ = false;
}

}  // namespace trellis::storage
