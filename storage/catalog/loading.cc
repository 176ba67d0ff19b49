#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

constexpr size_t kMeshIdBytes = 16;

}  // namespace

Stored MakeStored(const v1::Entry& entry, ResourcePtr resource, const EntryHash& hash) {
  Stored stored;
  stored.version = Version::FromProto(entry.version());
  stored.origin = Origin::FromProto(entry.origin());
  stored.sequence = entry.sequence();
  stored.create_time = stored.version.time();
  if (resource != nullptr) {
    const absl::Time created = resource::CreateTime(*resource);
    if (created != absl::InfinitePast()) stored.create_time = created;
  }
  stored.resource = std::move(resource);
  stored.index = entry.index();
  stored.entry_bytes = static_cast<uint32_t>(entry.ByteSizeLong());
  stored.final_delete = entry.operation() == v1::DELETE && entry.merge_class() == v1::GUARD;
  stored.digest = RootShare(hash);
  return stored;
}

absl::Status Unreadable(absl::string_view table, absl::string_view key, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("catalog: ", table, " \"", absl::CHexEscape(key),
                                          "\" cannot be read (", problem,
                                          "); move the data folder aside and join the mesh again, "
                                          "which copies the configuration back"));
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
  RETURN_IF_ERROR(LoadSeals());
  return LoadIndex();
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
        } else if (key == kHlcBoundKey || absl::StartsWith(key, kHeadPrefix)) {
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
        v1::Entry entry;
        if (!entry.ParseFromArray(value.data(), static_cast<int>(value.size())) ||
            entry.key() != key) {
          problem = Unreadable("entry", key, "not an entry of that key");
          return false;
        }
        absl::StatusOr<ResourcePtr> resource = CheckEntry(entry);
        if (!resource.ok()) {
          problem = Unreadable("entry", key, resource.status().message());
          return false;
        }
        Replace(entry.key(), MakeStored(entry, *std::move(resource), HashEncodedEntry(value)));
        return true;
      }));
  return problem;
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
        const auto it = records_.find(name);
        if (!OriginKey::Decode(key, &origin_key) || it == records_.end() ||
            !(it->second.origin_key() == origin_key)) {
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
  if (rows != records_.size()) return Unreadable("by_origin", "", "an entry is missing there");
  return absl::OkStatus();
}

}  // namespace trellis::storage
