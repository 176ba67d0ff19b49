#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

// How far the persisted bound runs ahead of the clock: a write a second pays for extending it.
constexpr absl::Duration kHlcBoundAhead = absl::Seconds(1);

// Whether `a` wins over `b`: a total order over contents, so that any order of arrival ends at the
// same winner. A guard's delete beats its updates; else the newer wins; the digest decides only
// between two contents of one version, which no honest author makes.
bool Supersedes(const Stored& a, const Stored& b) {
  if (a.final_delete != b.final_delete) return a.final_delete;
  if (a.version != b.version) return a.version > b.version;
  return a.digest > b.digest;
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

CatalogImpl::Winners CatalogImpl::FindWinners(const v1::Delta& delta,
                                              const Verified& verified) const {
  Winners winners;
  for (int i = 0; i < delta.entries_size(); ++i) {
    const v1::Entry& entry = delta.entries(i);
    Stored stored = MakeStored(entry, verified.resources[i], verified.hashes[i]);
    const auto before = winners.by_name.find(entry.key());
    const Stored* held =
        before == winners.by_name.end() ? FindStored(entry.key()) : &before->second.stored;
    if (held != nullptr && !Supersedes(stored, *held)) continue;
    if (before == winners.by_name.end()) winners.names.push_back(entry.key());
    winners.by_name[entry.key()] = {std::move(stored), &entry};
  }
  return winners;
}

Batch CatalogImpl::MakeBatch(const v1::Delta& delta, const Winners& winners) const {
  Batch batch;
  for (const auto& [name, winner] : winners.by_name) {
    if (const Stored* held = FindStored(name)) {
      batch.Delete(Table::kByOrigin, held->origin_key().Encode());
    }
    batch.Put(Table::kEntries, name, winner.entry->SerializeAsString());
    batch.Put(Table::kByOrigin, winner.stored.origin_key().Encode(), name);
  }
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = vector_.head(origin);
  if (delta.up_to() > head) {
    batch.Put(Table::kMeta, HeadKey(origin), EncodeNumber(delta.up_to()));
    if (head == 0) batch.Put(Table::kMeta, AuthorKey(origin), delta.author_certificate());
  }
  return batch;
}

CatalogImpl::Transactions CatalogImpl::PlanSeals(const v1::Delta& delta, const Winners& winners,
                                                 Batch& batch) const {
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = std::max(vector_.head(origin), delta.up_to());
  absl::btree_map<TransactionKey, int> rows;  // Won and lost.
  for (const auto& [name, winner] : winners.by_name) {
    ++rows[winner.stored.origin_key().transaction()];
    if (const Stored* held = FindStored(name)) --rows[held->origin_key().transaction()];
  }
  rows.try_emplace({origin, vector_.head(origin)}, 0);  // It may be the head no longer.
  rows.try_emplace({origin, head}, 0);

  std::map<uint64_t, const v1::Seal*> seals;
  for (const v1::Seal& seal : delta.seals()) seals[seal.sequence()] = &seal;
  Transactions after;
  for (const auto& [key, change] : rows) {
    const auto held = transactions_.find(key);
    Transaction transaction = held == transactions_.end() ? Transaction() : held->second;
    transaction.rows += change;
    const bool is_head = key.sequence == (key.origin == origin ? head : vector_.head(key.origin));
    if (transaction.rows > 0 || is_head) {
      if (held == transactions_.end()) {
        // INVARIANT: what is new is in a seal of its delta; Verify saw to that.
        const v1::Seal& seal = *seals.at(key.sequence);
        transaction.entries = static_cast<uint32_t>(EntryCount(seal));
        batch.Put(Table::kSeals, key.Encode(), seal.SerializeAsString());
      }
      after[key] = transaction;
    } else if (held != transactions_.end()) {
      batch.Delete(Table::kSeals, key.Encode());
      after[key] = std::nullopt;
    }
  }
  return after;
}

v1::Delta CatalogImpl::MakePassedOn(const v1::Delta& delta, const Winners& winners) const {
  const uint64_t head = vector_.head(Origin::FromProto(delta.origin()));
  v1::Delta passed_on;
  *passed_on.mutable_origin() = delta.origin();
  passed_on.set_after(head);
  passed_on.set_up_to(delta.up_to());
  if (head == 0) passed_on.set_author_certificate(delta.author_certificate());
  std::set<uint64_t> sequences = {delta.up_to()};
  for (const v1::Entry& entry : delta.entries()) {
    const auto winner = winners.by_name.find(entry.key());
    if (entry.sequence() > head && winner != winners.by_name.end() &&
        winner->second.entry == &entry) {
      *passed_on.add_entries() = entry;
      sequences.insert(entry.sequence());
    }
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
  Winners winners = FindWinners(delta, verified);
  if (winners.names.empty() && delta.up_to() <= vector_.head(origin)) return false;
  Batch batch = MakeBatch(delta, winners);
  const Transactions transactions = PlanSeals(delta, winners, batch);
  uint64_t bound = hlc_bound_;
  if (local) {
    // Issued from here on, even if the engine should fail: a version never names two contents.
    hlc_ = winners.by_name.begin()->second.stored.version.hlc;
    if (hlc_ > bound) {
      bound = std::max(hlc_, HlcAt(runtime_.scheduler.WallNow() + kHlcBoundAhead));
      batch.Put(Table::kMeta, kHlcBoundKey, EncodeNumber(bound));
    }
  }
  RETURN_IF_ERROR(engine_.Write(batch, local ? Durability::kSynced : Durability::kBuffered));

  hlc_bound_ = bound;
  const v1::Delta passed_on = MakePassedOn(delta, winners);
  vector_.Advance(origin, delta.up_to());
  authors_.try_emplace(origin, verified.author);
  for (const auto& [key, transaction] : transactions) {
    if (transaction.has_value()) {
      transactions_[key] = *transaction;
    } else {
      transactions_.erase(key);
    }
  }
  const uint64_t trusted = HlcAt(runtime_.scheduler.WallNow() + options_.max_drift) | 0xffff;
  Applied applied;
  applied.local = local;
  for (const std::string& name : winners.names) {
    Stored& stored = winners.by_name.at(name).stored;
    if (stored.version.hlc <= trusted) hlc_ = std::max(hlc_, stored.version.hlc);
    ResourcePtr before = Find(name);
    if (before != nullptr || stored.resource != nullptr) {
      applied.items.push_back({name, std::move(before), stored.resource});
    }
    Replace(name, std::move(stored));
  }
  Notify(applied, passed_on);
  return true;
}

void CatalogImpl::Replace(const std::string& name, Stored stored) {
  const auto [it, added] = records_.try_emplace(name);
  if (!added) {
    root_ -= it->second.digest;
    if (it->second.resource == nullptr) --tombstones_;
  }
  root_ += stored.digest;
  if (stored.resource == nullptr) ++tombstones_;
  it->second = std::move(stored);
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
