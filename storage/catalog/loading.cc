#include <utility>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

constexpr size_t kMeshIdBytes = 16;

template <typename Message>
bool Parse(absl::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// Of a row of Table::kByOrigin. Alike only for equal rows, as far as chance and not malice has it.
uint64_t RowHash(const OriginKey& key, absl::string_view name) { return absl::HashOf(key, name); }

}  // namespace

absl::Status Unreadable(absl::string_view table, absl::string_view key, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("catalog: ", table, " \"", absl::CHexEscape(key),
                                          "\" cannot be read (", problem,
                                          "); move the catalog folder aside and start the agent "
                                          "again: the others have the configuration"));
}

absl::Status CatalogImpl::Load() {
  CHECK_EQ(options_.mesh_id.size(), kMeshIdBytes);
  ASSIGN_OR_RETURN(self_, options_.authorship->Read(options_.authorship->certificate()));
  if (self_->node != options_.node) {
    return absl::UnauthenticatedError(absl::StrCat("certificate: is that of ",
                                                   resource::AgentName(self_->node), ", not of ",
                                                   resource::AgentName(options_.node)));
  }
  RETURN_IF_ERROR(LoadIdentity());
  RETURN_IF_ERROR(LoadCompleteness());
  RETURN_IF_ERROR(LoadMeta());
  RETURN_IF_ERROR(LoadEntries());
  RETURN_IF_ERROR(LoadSiblings());
  RETURN_IF_ERROR(LoadSeals());
  RETURN_IF_ERROR(LoadIndex());
  RETURN_IF_ERROR(CheckSum());
  SetSettled();
  FindConflicts();
  return LoadReview();
}

absl::Status CatalogImpl::LoadIdentity() {
  v1::Identity identity;
  const absl::StatusOr<std::string> stored = engine_.Get(Table::kMeta, kIdentityKey);
  if (absl::IsNotFound(stored.status())) {
    // Before the identity: a crash in between must not leave a folder that seems whole.
    Batch batch;
    batch.Put(Table::kMeta, kPartialKey, "");
    RETURN_IF_ERROR(engine_.Write(batch, Durability::kSynced));
    return StartIncarnation();
  }
  RETURN_IF_ERROR(stored.status());
  if (!identity.ParseFromString(*stored))
    return Unreadable("meta", kIdentityKey, "not an identity");
  origin_ = Origin::FromProto(identity.origin());
  if (identity.mesh_id() != options_.mesh_id || origin_.node != options_.node) {
    return absl::FailedPreconditionError(absl::StrCat(
        "data folder: belongs to ", resource::AgentName(origin_.node), " of mesh ",
        absl::BytesToHexString(identity.mesh_id()), ", not to ", resource::AgentName(options_.node),
        " of mesh ", absl::BytesToHexString(options_.mesh_id),
        "; name that agent's own data folder"));
  }
  ASSIGN_OR_RETURN(const bool changed, AuthorChanged());
  return changed ? StartIncarnation() : absl::OkStatus();
}

absl::Status CatalogImpl::StartIncarnation() {
  const Origin origin = {options_.node, runtime_.random.Next64()};
  v1::Identity identity;
  identity.set_mesh_id(options_.mesh_id);
  origin.ToProto(identity.mutable_origin());
  Batch batch;
  batch.Put(Table::kMeta, kIdentityKey, identity.SerializeAsString());
  RETURN_IF_ERROR(engine_.Write(batch, Durability::kSynced));
  origin_ = origin;
  return absl::OkStatus();
}

absl::StatusOr<bool> CatalogImpl::AuthorChanged() {
  const absl::StatusOr<std::shared_ptr<const Author>> before = AuthorOf(origin_);
  if (absl::IsNotFound(before.status())) return false;  // It has written nothing yet.
  RETURN_IF_ERROR(before.status());
  return **before != *self_;
}

absl::Status CatalogImpl::LoadMeta() {
  absl::Status problem;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kMeta, "", "", [&](absl::string_view key, absl::string_view value) {
        uint64_t number = 0;
        Origin origin;
        if (key == kHlcBoundKey && DecodeNumber(value, &number)) {
          hlc_bound_ = number;
        } else if (ParseHeadKey(key, &origin) && DecodeNumber(value, &number)) {
          vector_.Advance(origin, number);
        } else if (absl::StartsWith(key, kForgottenPrefix) && DecodeNumber(value, &number)) {
          forgotten_[absl::StripPrefix(key, kForgottenPrefix)] = number;
        } else if (key == kHlcBoundKey || absl::StartsWith(key, kHeadPrefix) ||
                   absl::StartsWith(key, kForgottenPrefix)) {
          problem = Unreadable("meta", key, "not a number");
        }
        return problem.ok();
      }));
  // Everything issued before a restart is at or below the bound, whatever the clock says now.
  hlc_ = hlc_bound_;
  return problem;
}

absl::Status CatalogImpl::LoadEntries() {
  // Entries were checked before they were written, and CheckSum sees whether they are the same: so
  // they are only taken apart here, and resources not even that.
  absl::Status problem;
  v1::Entry entry;  // One for all: its fields keep their room.
  RETURN_IF_ERROR(
      engine_.Scan(Table::kEntries, "", "", [&](absl::string_view key, absl::string_view value) {
        if (!Parse(value, entry) || entry.key() != key) {
          problem = Unreadable("entry", key, "not an entry of that key");
          return false;
        }
        Stored stored = MakeStored(entry, HashEncodedEntry(value));
        root_ += stored.digest;
        tombstones_ += stored.deleted() ? 1 : 0;
        records_.emplace_hint(records_.end(), key, std::move(stored));  // In order of keys.
        return true;
      }));
  return problem;
}

absl::Status CatalogImpl::LoadSiblings() {
  absl::Status problem;
  absl::btree_map<std::string, std::vector<Stored>> losers;
  v1::Entry entry;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kSiblings, "", "", [&](absl::string_view key, absl::string_view value) {
        if (!Parse(value, entry)) {
          problem = Unreadable("siblings", key, "not an entry");
          return false;
        }
        Stored stored = MakeStored(entry, HashEncodedEntry(value));
        if (stored.origin_key().Encode() != key) {
          problem = Unreadable("siblings", key, "of another key");
        } else if (!records_.contains(entry.key())) {
          problem = Unreadable("siblings", key, "the write it lost to is absent");
        }
        losers[entry.key()].push_back(std::move(stored));
        return problem.ok();
      }));
  RETURN_IF_ERROR(problem);
  for (auto& [name, all] : losers) {
    all.push_back(records_.at(name));
    absl::c_sort(all, RanksBefore);
    Install(name, std::move(all));
  }
  return absl::OkStatus();
}

void CatalogImpl::FindConflicts() {
  std::vector<std::string> names;
  for (const auto& [name, losers] : losers_) names.push_back(name);
  for (const std::string& name : names) {
    std::vector<Stored> all = Held(name);
    MarkConflicts(all);
    Install(name, std::move(all));
  }
}

absl::Status CatalogImpl::LoadSeals() {
  absl::Status problem;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kSeals, "", "", [&](absl::string_view key, absl::string_view value) {
        TransactionKey transaction;
        v1::Seal seal;
        if (!TransactionKey::Decode(key, &transaction) || !Parse(value, seal)) {
          problem = Unreadable("seals", key, "not a seal");
          return false;
        }
        transactions_[transaction].entries = static_cast<uint32_t>(EntryCount(seal));
        return true;
      }));
  return problem;
}

absl::Status CatalogImpl::LoadIndex() {
  absl::Status problem;
  size_t rows = 0;
  uint64_t sum = 0;  // Of their hashes: looking each up among the entries would take longer.
  TransactionKey last;
  Transaction* transaction = nullptr;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kByOrigin, "", "", [&](absl::string_view key, absl::string_view name) {
        OriginKey origin_key;
        if (!OriginKey::Decode(key, &origin_key)) {
          problem = Unreadable("by_origin", key, "not a place in a transaction");
          return false;
        }
        if (transaction == nullptr || origin_key.transaction() != last) {
          last = origin_key.transaction();
          const auto found = transactions_.find(last);
          if (found == transactions_.end()) {
            problem = Unreadable("by_origin", key, "its transaction has no seal");
            return false;
          }
          transaction = &found->second;
        }
        ++transaction->rows;
        ++rows;
        sum += RowHash(origin_key, name);
        return true;
      }));
  RETURN_IF_ERROR(problem);
  for (const auto& [name, stored] : records_) {
    --rows;
    sum -= RowHash(stored.origin_key(), name);
  }
  for (const auto& [name, losers] : losers_) {
    for (const Stored& lost : losers) {
      --rows;
      sum -= RowHash(lost.origin_key(), name);
    }
  }
  if (rows == 0 && sum == 0) return absl::OkStatus();
  return Unreadable("by_origin", "", "it does not name exactly the entries that are held");
}

absl::Status CatalogImpl::CheckPayloads() const {
  trellis::v1::Resource resource;
  for (const auto& [name, winner] : records_) {
    for (const Stored& write : Held(name)) {
      if (!write.ParseInto(resource))
        return Unreadable("entry", name, "its resource cannot be read");
    }
  }
  return absl::OkStatus();
}

// A store that lost some of its files may open without complaint, and seem whole.
absl::Status CatalogImpl::CheckSum() const {
  const absl::StatusOr<std::string> stored = engine_.Get(Table::kMeta, kSumKey);
  if (absl::IsNotFound(stored.status())) return CheckPayloads();  // Of an older release, or empty.
  RETURN_IF_ERROR(stored.status());
  if (*stored == Sum(root_, vector_.Hash())) return absl::OkStatus();
  return Unreadable("meta", kSumKey, "writes are missing that were here");
}

}  // namespace trellis::storage
