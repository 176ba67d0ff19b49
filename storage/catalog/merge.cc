#include <algorithm>
#include <iterator>
#include <map>
#include <set>
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

bool Contains(const std::vector<Stored>& writes, const OriginKey& key) {
  return absl::c_any_of(writes, [&](const Stored& write) { return write.origin_key() == key; });
}

}  // namespace

absl::StatusOr<bool> CatalogImpl::ApplyRemote(const v1::Delta& delta) {
  ASSIGN_OR_RETURN(std::vector<ResourcePtr> resources,
                   CheckDelta(delta, runtime_.scheduler.WallNow()));
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
  ASSIGN_OR_RETURN(const Verified verified, Verify(delta, std::move(resources)));
  if (origin == origin_ && delta.up_to() > head) {
    return absl::FailedPreconditionError(absl::StrCat(
        "delta: a peer holds ", delta.up_to(), " transactions of this agent, which made only ",
        head, "; if its data folder came from a backup, let it join the mesh again"));
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
    Stored write = MakeStored(entry, verified.resources[i], verified.hashes[i]);
    const OriginKey key = write.origin_key();
    if (!MergeInto(std::move(write), touched.after)) continue;
    plan.fresh[key] = &entry;
    if (!std::exchange(touched.changed, true)) plan.names.push_back(entry.key());
  }
  return plan;
}

absl::Status CatalogImpl::PlanFences(Plan& plan) {
  const std::vector<std::string> merged = plan.names;  // Voiding adds others, no evictions.
  for (const std::string& name : merged) {
    const std::vector<Stored> held = plan.touched.at(name).after;
    if (held.front().fence == nullptr) continue;
    for (const auto& [origin, head] : vector_.heads()) {
      if (resource::AgentName(origin.node) != name) continue;
      const uint64_t fence = *FenceAround(origin, held);
      if (head > fence) RETURN_IF_ERROR(PlanVoid(origin, fence, plan));
    }
  }
  return absl::OkStatus();
}

absl::Status CatalogImpl::PlanVoid(const Origin& origin, uint64_t fence, Plan& plan) {
  // As far as a seal is left that proves it to others; what is between is fetched again.
  uint64_t head = transactions_.contains({origin, fence}) ? fence : 0;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kByOrigin, OriginKey{origin}.Encode(), OriginKey{origin, UINT64_MAX}.Encode(),
      [&](absl::string_view key, absl::string_view name) {
        OriginKey row;
        if (!OriginKey::Decode(key, &row)) return true;
        if (row.sequence <= fence) {
          head = std::max(head, row.sequence);
          return true;
        }
        Touched& touched = Touch(std::string(name), plan);
        if (!std::exchange(touched.changed, true)) plan.names.push_back(std::string(name));
        std::vector<Stored>& after = touched.after;
        after.erase(std::remove_if(after.begin(), after.end(),
                                   [&](const Stored& write) { return write.origin_key() == row; }),
                    after.end());
        return true;
      }));
  plan.heads[origin] = head;
  return absl::OkStatus();
}

uint64_t CatalogImpl::HeadAfter(const Origin& origin, const v1::Delta& delta,
                                const Plan& plan) const {
  if (const auto back = plan.heads.find(origin); back != plan.heads.end()) return back->second;
  const uint64_t head = vector_.head(origin);
  return origin == Origin::FromProto(delta.origin()) ? std::max(head, delta.up_to()) : head;
}

absl::Status CatalogImpl::PlanRows(Plan& plan) {
  for (const std::string& name : plan.names) {
    Touched& touched = plan.touched.at(name);
    MarkConflicts(touched.after);
    if (touched.after.empty()) plan.batch.Delete(Table::kEntries, name);
    for (const Stored& write : touched.before) {
      const OriginKey key = write.origin_key();
      if (Contains(touched.after, key)) continue;
      plan.batch.Delete(Table::kByOrigin, key.Encode());
      if (&write != &touched.before.front()) plan.batch.Delete(Table::kSiblings, key.Encode());
      --plan.rows[key.transaction()];
    }
    for (const Stored& write : touched.after) {
      const OriginKey key = write.origin_key();
      const bool wins = &write == &touched.after.front();
      const bool won = !touched.before.empty() && touched.before.front().origin_key() == key;
      std::string bytes;
      if (!Contains(touched.before, key)) {
        plan.batch.Put(Table::kByOrigin, key.Encode(), name);
        ++plan.rows[key.transaction()];
        bytes = plan.fresh.at(key)->SerializeAsString();
      } else if (wins == won) {
        continue;  // It stays where it is.
      } else if (won) {
        ASSIGN_OR_RETURN(bytes, engine_.Get(Table::kEntries, name));
      } else {
        ASSIGN_OR_RETURN(bytes, engine_.Get(Table::kSiblings, key.Encode()));
        plan.batch.Delete(Table::kSiblings, key.Encode());
      }
      plan.batch.Put(wins ? Table::kEntries : Table::kSiblings, wins ? name : key.Encode(), bytes);
    }
  }
  return absl::OkStatus();
}

void CatalogImpl::PlanMeta(const v1::Delta& delta, Plan& plan) const {
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = vector_.head(origin);
  for (const auto& [fenced, back] : plan.heads) {
    if (back > 0) {
      plan.batch.Put(Table::kMeta, HeadKey(fenced), EncodeNumber(back));
    } else {
      plan.batch.Delete(Table::kMeta, HeadKey(fenced));
    }
  }
  if (delta.up_to() <= head) return;
  plan.batch.Put(Table::kMeta, HeadKey(origin), EncodeNumber(delta.up_to()));
  if (head == 0) plan.batch.Put(Table::kMeta, AuthorKey(origin), delta.author_certificate());
}

void CatalogImpl::PlanSeals(const v1::Delta& delta, Plan& plan) const {
  const Origin origin = Origin::FromProto(delta.origin());
  // The head so far may be the head no longer.
  plan.rows.try_emplace({origin, vector_.head(origin)}, 0);
  plan.rows.try_emplace({origin, HeadAfter(origin, delta, plan)}, 0);
  for (const auto& [fenced, back] : plan.heads) {
    plan.rows.try_emplace({fenced, vector_.head(fenced)}, 0);
  }

  std::map<uint64_t, const v1::Seal*> seals;
  for (const v1::Seal& seal : delta.seals()) seals[seal.sequence()] = &seal;
  for (const auto& [key, change] : plan.rows) {
    const auto held = transactions_.find(key);
    Transaction transaction = held == transactions_.end() ? Transaction() : held->second;
    transaction.rows += change;
    const bool is_head = key.sequence == HeadAfter(key.origin, delta, plan);
    if (transaction.rows > 0 || is_head) {
      if (held == transactions_.end()) {
        // INVARIANT: what is new is in a seal of its delta; Verify saw to that.
        const v1::Seal& seal = *seals.at(key.sequence);
        transaction.entries = static_cast<uint32_t>(EntryCount(seal));
        plan.batch.Put(Table::kSeals, key.Encode(), seal.SerializeAsString());
      }
      plan.transactions[key] = transaction;
    } else if (held != transactions_.end()) {
      plan.batch.Delete(Table::kSeals, key.Encode());
      plan.transactions[key] = std::nullopt;
    }
  }
}

v1::Delta CatalogImpl::MakePassedOn(const v1::Delta& delta, const Plan& plan) const {
  const uint64_t head = vector_.head(Origin::FromProto(delta.origin()));
  v1::Delta passed_on;
  *passed_on.mutable_origin() = delta.origin();
  passed_on.set_after(head);
  passed_on.set_up_to(delta.up_to());
  if (head == 0) passed_on.set_author_certificate(delta.author_certificate());
  std::set<uint64_t> sequences = {delta.up_to()};
  for (const auto& [key, entry] : plan.fresh) {  // In order of sequence, then index.
    if (key.sequence <= head || !Contains(plan.touched.at(entry->key()).after, key)) continue;
    *passed_on.add_entries() = *entry;
    sequences.insert(key.sequence);
  }
  for (const v1::Seal& seal : delta.seals()) {
    if (sequences.count(seal.sequence()) > 0) *passed_on.add_seals() = seal;
  }
  return passed_on;
}

absl::StatusOr<bool> CatalogImpl::Merge(const v1::Delta& delta, const Verified& verified,
                                        bool local) {
  CHECK(!notifying_) << "a listener wrote to the catalog";
  const Origin origin = Origin::FromProto(delta.origin());
  Plan plan = MergeEntries(delta, verified);
  if (plan.names.empty() && delta.up_to() <= vector_.head(origin)) return false;
  RETURN_IF_ERROR(PlanFences(plan));
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
  const v1::Delta passed_on = MakePassedOn(delta, plan);
  vector_.Advance(origin, delta.up_to());
  for (const auto& [fenced, back] : plan.heads) {
    LOG(WARNING) << "eviction: dropped what " << resource::AgentName(fenced.node)
                 << " wrote beyond its fence; held up to transaction " << back;
    vector_.Reset(fenced, back);
  }
  authors_.try_emplace(origin, verified.author);
  Applied applied = Adopt(plan);
  applied.local = local;
  Notify(applied, passed_on);
  return true;
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
    }
    ResourcePtr before = Find(name);
    const bool same = !touched.before.empty() && !touched.after.empty() &&
                      touched.before.front().digest == touched.after.front().digest;
    ResourcePtr after = touched.after.empty() ? nullptr : touched.after.front().resource;
    if (!same && (before != nullptr || after != nullptr)) {
      applied.items.push_back({name, std::move(before), std::move(after)});
    }
    Install(name, std::move(touched.after));
  }
  return applied;
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
  if (!added && it->second.resource == nullptr) --tombstones_;
  if (after.empty()) {
    records_.erase(it);
    losers_.erase(name);
    return;
  }
  it->second = std::move(after.front());
  if (it->second.resource == nullptr) ++tombstones_;
  if (after.size() == 1) {
    losers_.erase(name);
  } else {
    losers_[name].assign(std::make_move_iterator(after.begin() + 1),
                         std::make_move_iterator(after.end()));
  }
}

void CatalogImpl::Notify(const Applied& applied, const v1::Delta& delta) {
  notifying_ = true;
  if (!applied.items.empty()) {
    for (auto& listener : listeners_) listener(applied);
  }
  if (delta.up_to() > delta.after()) {
    for (auto& listener : delta_listeners_) listener(delta);
  }
  notifying_ = false;
}

}  // namespace trellis::storage
