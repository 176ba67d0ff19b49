#include <utility>

#include "absl/algorithm/container.h"
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

struct NamedWrite {
  std::string name;
  Stored stored;
};

// DATA_LOSS: what is wrong with the bytes.
absl::StatusOr<NamedWrite> ParseWrite(absl::string_view bytes) {
  v1::Entry entry;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("not an entry");
  }
  absl::StatusOr<ResourcePtr> resource = CheckEntry(entry);
  if (!resource.ok()) return absl::DataLossError(resource.status().message());
  return NamedWrite{entry.key(), MakeStored(entry, *std::move(resource), HashEncodedEntry(bytes))};
}

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
  RETURN_IF_ERROR(LoadMeta());
  RETURN_IF_ERROR(LoadEntries());
  RETURN_IF_ERROR(LoadSiblings());
  RETURN_IF_ERROR(LoadSeals());
  RETURN_IF_ERROR(LoadIndex());
  RETURN_IF_ERROR(CheckSum());
  SetSettled();
  return LoadReview();
}

absl::Status CatalogImpl::LoadIdentity() {
  v1::Identity identity;
  const absl::StatusOr<std::string> stored = engine_.Get(Table::kMeta, kIdentityKey);
  if (absl::IsNotFound(stored.status())) return StartIncarnation();
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
  absl::Status problem;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kEntries, "", "", [&](absl::string_view key, absl::string_view value) {
        absl::StatusOr<NamedWrite> write = ParseWrite(value);
        problem = write.status();
        if (problem.ok() && write->name != key) problem = absl::DataLossError("of another key");
        if (!problem.ok()) {
          problem = Unreadable("entry", key, problem.message());
          return false;
        }
        Install(write->name, {std::move(write->stored)});
        return true;
      }));
  return problem;
}

absl::Status CatalogImpl::LoadSiblings() {
  absl::Status problem;
  absl::btree_map<std::string, std::vector<Stored>> losers;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kSiblings, "", "", [&](absl::string_view key, absl::string_view value) {
        absl::StatusOr<NamedWrite> write = ParseWrite(value);
        problem = write.status();
        if (problem.ok() && write->stored.origin_key().Encode() != key) {
          problem = absl::DataLossError("of another key");
        }
        if (problem.ok() && !records_.contains(write->name)) {
          problem = absl::DataLossError("the write it lost to is absent");
        }
        if (!problem.ok()) {
          problem = Unreadable("siblings", key, problem.message());
          return false;
        }
        losers[write->name].push_back(std::move(write->stored));
        return true;
      }));
  RETURN_IF_ERROR(problem);
  for (auto& [name, all] : losers) {
    all.push_back(records_.at(name));
    absl::c_sort(all, RanksBefore);
    MarkConflicts(all);
    Install(name, std::move(all));
  }
  return absl::OkStatus();
}

absl::Status CatalogImpl::LoadSeals() {
  absl::Status problem;
  RETURN_IF_ERROR(
      engine_.Scan(Table::kSeals, "", "", [&](absl::string_view key, absl::string_view value) {
        TransactionKey transaction;
        v1::Seal seal;
        if (!TransactionKey::Decode(key, &transaction) ||
            !seal.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
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
  RETURN_IF_ERROR(
      engine_.Scan(Table::kByOrigin, "", "", [&](absl::string_view key, absl::string_view name) {
        OriginKey origin_key;
        if (!OriginKey::Decode(key, &origin_key) || FindRow(name, origin_key) == nullptr) {
          problem = Unreadable("by_origin", key, "it names no entry");
          return false;
        }
        const auto transaction = transactions_.find(origin_key.transaction());
        if (transaction == transactions_.end()) {
          problem = Unreadable("by_origin", key, "its transaction has no seal");
          return false;
        }
        ++transaction->second.rows;
        ++rows;
        return true;
      }));
  RETURN_IF_ERROR(problem);
  size_t held = records_.size();
  for (const auto& [name, losers] : losers_) held += losers.size();
  if (rows != held) return Unreadable("by_origin", "", "an entry is missing there");
  return absl::OkStatus();
}

// A store that lost some of its files may open without complaint, and seem whole.
absl::Status CatalogImpl::CheckSum() const {
  const absl::StatusOr<std::string> stored = engine_.Get(Table::kMeta, kSumKey);
  if (absl::IsNotFound(stored.status())) return absl::OkStatus();  // Of an older release, or empty.
  RETURN_IF_ERROR(stored.status());
  if (*stored == Sum(root_, vector_.Hash())) return absl::OkStatus();
  return Unreadable("meta", kSumKey, "writes are missing that were here");
}

}  // namespace trellis::storage
