#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"

namespace trellis::storage {
namespace {

bool Contains(const std::vector<Stored>& writes, const OriginKey& key) {
  return absl::c_any_of(writes, [&](const Stored& write) { return write.origin_key() == key; });
}

}  // namespace

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
    RETURN_IF_ERROR(PlanReplaced(name, touched, plan));
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
        const auto restored = plan.restored.find(key);
        const v1::Entry& entry =
            restored == plan.restored.end() ? *plan.fresh.at(key).entry : restored->second.entry();
        bytes = entry.SerializeAsString();
      } else if (wins == won) {
        continue;  // It stays where it is.
      } else {
        ASSIGN_OR_RETURN(bytes, ReadEntry(name, key, won));
        if (!won) plan.batch.Delete(Table::kSiblings, key.Encode());
      }
      plan.batch.Put(wins ? Table::kEntries : Table::kSiblings, wins ? name : key.Encode(), bytes);
    }
  }
  return absl::OkStatus();
}

void CatalogImpl::PlanMeta(const v1::Delta& delta, Plan& plan) const {
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = vector_.head(origin);
  if (delta.up_to() > head) {
    plan.batch.Put(Table::kMeta, HeadKey(origin), EncodeNumber(delta.up_to()));
    if (head == 0) plan.batch.Put(Table::kMeta, AuthorKey(origin), delta.author_certificate());
  }
  for (const auto& [moved, to] : plan.heads) {
    if (to > 0) {
      plan.batch.Put(Table::kMeta, HeadKey(moved), EncodeNumber(to));
    } else {
      plan.batch.Delete(Table::kMeta, HeadKey(moved));
    }
  }
  plan.batch.Put(Table::kMeta, kSumKey, SumAfter(delta, plan));
}

std::string CatalogImpl::Sum(absl::uint128 root, uint64_t vector_hash) {
  return absl::StrCat(Root{absl::Uint128High64(root), absl::Uint128Low64(root)}.ToBytes(),
                      EncodeNumber(vector_hash));
}

std::string CatalogImpl::SumAfter(const v1::Delta& delta, const Plan& plan) const {
  absl::uint128 root = root_;
  for (const std::string& name : plan.names) {
    const Touched& touched = plan.touched.at(name);
    for (const Stored& write : touched.before) root -= write.digest;
    for (const Stored& write : touched.after) root += write.digest;
  }
  std::set<Origin> moved = {Origin::FromProto(delta.origin())};
  for (const auto& [origin, head] : plan.heads) moved.insert(origin);
  uint64_t hash = vector_.Hash();
  for (const Origin& origin : moved) {
    hash += VersionVector::Share(origin, HeadAfter(origin, delta, plan)) -
            VersionVector::Share(origin, vector_.head(origin));
  }
  return Sum(root, hash);
}

void CatalogImpl::PlanSeals(const v1::Delta& delta, Plan& plan) const {
  const Origin origin = Origin::FromProto(delta.origin());
  // The head so far may be the head no longer.
  plan.rows.try_emplace({origin, vector_.head(origin)}, 0);
  plan.rows.try_emplace({origin, HeadAfter(origin, delta, plan)}, 0);
  for (const auto& [fenced, back] : plan.heads) {
    plan.rows.try_emplace({fenced, vector_.head(fenced)}, 0);
  }

  std::map<TransactionKey, const v1::Seal*> seals;
  for (const v1::Seal& seal : delta.seals()) seals[{origin, seal.sequence()}] = &seal;
  for (const auto& [key, restored] : plan.restored) seals[key.transaction()] = &restored.seal();
  for (const auto& [key, change] : plan.rows) {
    const auto held = transactions_.find(key);
    Transaction transaction = held == transactions_.end() ? Transaction() : held->second;
    transaction.rows += change;
    // In a review, also the head that was.
    const bool is_head = key.sequence == HeadAfter(key.origin, delta, plan) ||
                         (review_.has_value() && key.sequence == review_->held.head(key.origin) &&
                          held != transactions_.end());
    if (transaction.rows > 0 || is_head) {
      if (held == transactions_.end()) {
        // INVARIANT: what is new is in a seal of its delta, Verify saw to that, or came with one.
        const v1::Seal& seal = *seals.at(key);
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

std::optional<v1::Delta> CatalogImpl::MakePassedOn(const v1::Delta& delta, const Plan& plan) const {
  const uint64_t head = vector_.head(Origin::FromProto(delta.origin()));
  // Of an agent that fetches everything, copying would be a good part of the work.
  const bool whole = delta.after() == head && delta.author_certificate().empty() == (head > 0) &&
                     delta.floor_hash() == 0 && delta.collections().empty() &&
                     delta.GetReflection()->GetUnknownFields(delta).empty() &&
                     plan.fresh.size() == static_cast<size_t>(delta.entries_size()) &&
                     absl::c_all_of(plan.fresh, [&](const auto& fresh) {
                       const std::string& name = fresh.second.entry->key();
                       return Contains(plan.touched.at(name).after, fresh.first);
                     });
  if (whole) return std::nullopt;
  v1::Delta passed_on;
  *passed_on.mutable_origin() = delta.origin();
  passed_on.set_after(head);
  passed_on.set_up_to(delta.up_to());
  if (head == 0) passed_on.set_author_certificate(delta.author_certificate());
  std::set<uint64_t> sequences = {delta.up_to()};
  for (const auto& [key, fresh] : plan.fresh) {  // In order of sequence, then index.
    const v1::Entry& entry = *fresh.entry;
    if (key.sequence <= head || !Contains(plan.touched.at(entry.key()).after, key)) continue;
    *passed_on.add_entries() = entry;
    sequences.insert(key.sequence);
  }
  for (const v1::Seal& seal : delta.seals()) {
    if (sequences.count(seal.sequence()) > 0) *passed_on.add_seals() = seal;
  }
  return passed_on;
}

}  // namespace trellis::storage
