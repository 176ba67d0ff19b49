#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/catalog/claims.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::storage {

void CatalogImpl::Visit(
    absl::string_view prefix, absl::string_view after,
    absl::FunctionRef<bool(const std::string& name, const Record& record)> visit) const {
  auto it = after < prefix ? records_.lower_bound(prefix) : records_.upper_bound(after);
  for (; it != records_.end() && absl::StartsWith(it->first, prefix); ++it) {
    if (it->second.live() && !visit(it->first, it->second.ToRecord())) return;
  }
}

void CatalogImpl::VisitTombstones(absl::string_view prefix,
                                  absl::FunctionRef<void(const std::string& name)> visit) const {
  for (auto it = records_.lower_bound(prefix);
       it != records_.end() && absl::StartsWith(it->first, prefix); ++it) {
    if (it->second.deleted()) visit(it->first);
  }
}

void CatalogImpl::VisitConflicts(
    absl::string_view prefix, absl::string_view after,
    absl::FunctionRef<bool(const std::string& name, const Record& lost)> visit) const {
  auto it = after < prefix ? losers_.lower_bound(prefix) : losers_.upper_bound(after);
  for (; it != losers_.end() && absl::StartsWith(it->first, prefix); ++it) {
    for (const Stored& lost : it->second) {
      if (lost.listed && !visit(it->first, lost.ToRecord())) return;
    }
  }
}

absl::StatusOr<std::string> CatalogImpl::ReadEntry(absl::string_view name, const OriginKey& key,
                                                   bool won) {
  return won ? engine_.Get(Table::kEntries, name) : engine_.Get(Table::kSiblings, key.Encode());
}

std::vector<Stored> CatalogImpl::Held(absl::string_view name) const {
  std::vector<Stored> held;
  if (const Stored* winner = FindStored(name)) held.push_back(*winner);
  if (const auto losers = losers_.find(name); losers != losers_.end()) {
    held.insert(held.end(), losers->second.begin(), losers->second.end());
  }
  return held;
}

const Stored* CatalogImpl::FindRow(absl::string_view name, const OriginKey& key) const {
  const Stored* winner = FindStored(name);
  if (winner == nullptr || winner->origin_key() == key) return winner;
  const auto losers = losers_.find(name);
  if (losers == losers_.end()) return nullptr;
  for (const Stored& lost : losers->second) {
    if (lost.origin_key() == key) return &lost;
  }
  return nullptr;
}

// --- Writing -----------------------------------------------------------------------------------

absl::Status CatalogImpl::CheckChange(const Change& change) const {
  const Stored* held = FindStored(change.name);
  const bool live = held != nullptr && held->live();
  if (held != nullptr && held->final_delete && change.resource.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(change.name, ": was deleted, which is final; use a new id"));
  }
  if (!change.resolves.empty()) return CheckResolution(change);
  if (live && change.base.is_none()) {
    return absl::AbortedError(absl::StrCat(change.name, ": exists already; read it and try again"));
  }
  if (!live && (!change.base.is_none() || !change.resource.has_value())) {
    return absl::AbortedError(absl::StrCat(change.name, ": was deleted meanwhile"));
  }
  if (live && change.base != held->version) {
    return absl::AbortedError(absl::StrCat(change.name, ": changed meanwhile (etag ",
                                           held->version.ToEtag(), ", not ", change.base.ToEtag(),
                                           "); read it and try again"));
  }
  return absl::OkStatus();
}

absl::Status CatalogImpl::CheckResolution(const Change& change) const {
  const std::vector<Stored> held = Held(change.name);
  if (held.empty() || held.front().version != change.base) {
    return absl::AbortedError(
        absl::StrCat(change.name, ": changed meanwhile; look at its conflicts again"));
  }
  for (const Version& version : change.resolves) {
    const bool listed = absl::c_any_of(
        held, [&](const Stored& write) { return write.listed && write.version == version; });
    if (!listed) {
      return absl::AbortedError(absl::StrCat(change.name, ": has no conflict ", version.ToEtag(),
                                             " any more; list them again"));
    }
  }
  return absl::OkStatus();
}

uint64_t CatalogImpl::NextHlc(const std::vector<Change>& changes) const {
  uint64_t hlc = std::max(hlc_, HlcAt(runtime_.scheduler.WallNow()));
  // Above what it replaces, however far ahead that author's clock was.
  for (const Change& change : changes) {
    if (const Stored* held = FindStored(change.name)) hlc = std::max(hlc, held->version.hlc);
  }
  return hlc + 1;
}

v1::Entry CatalogImpl::BeginEntry(const std::string& key, v1::Operation operation,
                                  const Version& version,
                                  const std::vector<Version>& resolves) const {
  v1::Entry entry;
  entry.set_key(key);
  entry.set_merge_class(resource::MergeClassOf(resource::KindOf(key)));
  entry.set_operation(operation);
  version.ToProto(entry.mutable_version());
  origin_.ToProto(entry.mutable_origin());
  if (const auto ancestry = Descend(Held(key), resolves)) {
    for (const Version& elder : ancestry->context) elder.ToProto(entry.add_context());
    for (const Version& open : ancestry->open) open.ToProto(entry.add_open());
  }
  return entry;
}

v1::Entry CatalogImpl::MakeEntry(Change change, const Version& version) const {
  v1::Entry entry = BeginEntry(change.name, change.resource.has_value() ? v1::PUT : v1::DELETE,
                               version, change.resolves);
  if (IsEviction(entry)) AddFence(entry);
  if (change.resource.has_value()) {
    const Stored* held = FindStored(change.name);
    const ResourcePtr before = held == nullptr ? nullptr : held->ParseResource();
    if (before != nullptr && KeepsClaims(*before, *change.resource)) {
      held->birth().ToProto(entry.mutable_birth());
    }
    resource::SetEtag(*change.resource, version.ToEtag());
    const absl::Time created = before == nullptr ? version.time() : held->ToRecord().create_time;
    resource::SetTimes(*change.resource, created, version.time());
    entry.set_payload(change.resource->SerializeAsString());
  }
  return entry;
}

// Peers would not take such a version before their clocks reach it, so the write would be answered
// and yet be enforced nowhere else.
absl::Status CatalogImpl::CheckClock(const Version& version) const {
  const absl::Duration ahead = version.time() - runtime_.scheduler.WallNow();
  if (ahead <= kMaxFuture) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("clock: this agent holds or issued versions ",
                   absl::FormatDuration(absl::Trunc(ahead, absl::Seconds(1))),
                   " ahead of its clock; set the clock right, or write through another agent"));
}

absl::StatusOr<MeshToken> CatalogImpl::Commit(std::vector<Change> changes) {
  if (changes.empty()) return MeshToken{origin_, vector_.head(origin_)};
  if (changes.size() > kMaxTransaction) {
    return absl::InvalidArgumentError(absl::StrCat(
        "transaction: ", changes.size(), " changes; at most ", kMaxTransaction, " at once"));
  }
  absl::flat_hash_set<absl::string_view> names;
  for (const Change& change : changes) {
    RETURN_IF_ERROR(CheckChange(change));
    if (!names.insert(change.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("transaction: ", change.name, " is changed twice"));
    }
  }
  const Version version{NextHlc(changes), origin_.node};
  std::vector<v1::Entry> entries;
  entries.reserve(changes.size());
  for (Change& change : changes) entries.push_back(MakeEntry(std::move(change), version));
  return CommitEntries(std::move(entries));
}

absl::StatusOr<MeshToken> CatalogImpl::CommitEntries(std::vector<v1::Entry> entries) {
  if (FenceOf(origin_).has_value()) {
    return absl::FailedPreconditionError(
        "this agent was evicted: nothing it writes counts; let its host join the mesh again");
  }
  if (review_.has_value()) {
    return absl::UnavailableError(
        "this agent goes through an old copy of the configuration with its peers; try again soon, "
        "or write at another agent");
  }
  RETURN_IF_ERROR(CheckClock(Version::FromProto(entries.front().version())));
  const uint64_t head = vector_.head(origin_);
  v1::Delta delta;
  origin_.ToProto(delta.mutable_origin());
  delta.set_after(head);
  delta.set_up_to(head + 1);
  Verified verified;
  verified.author = self_;
  size_t bytes = 0;
  for (v1::Entry& made : entries) {
    made.set_sequence(head + 1);
    made.set_index(static_cast<uint32_t>(delta.entries_size()));
    v1::Entry& entry = *delta.add_entries();
    entry = std::move(made);
    // What peers would refuse is refused here.
    ASSIGN_OR_RETURN(ResourcePtr resource, CheckEntry(entry));
    RETURN_IF_ERROR(CheckMayWrite(*self_, entry, resource.get()));
    verified.resources.push_back(std::move(resource));
    verified.hashes.push_back(HashEntry(entry));
    bytes += entry.ByteSizeLong();
    if (bytes > kMaxTransactionBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("transaction: more than ", kMaxTransactionBytes,
                       " bytes; write it in several, what is referred to first"));
    }
  }
  Sign(delta, verified.hashes);
  RETURN_IF_ERROR(Merge(delta, verified, /*local=*/true).status());
  return MeshToken{origin_, head + 1};
}

void CatalogImpl::Sign(v1::Delta& delta, const std::vector<EntryHash>& hashes) const {
  if (delta.after() == 0) delta.set_author_certificate(options_.authorship->certificate());
  v1::Seal& seal = *delta.add_seals();
  seal.set_sequence(delta.up_to());
  std::string& all = *seal.mutable_entry_sha256();
  for (const EntryHash& hash : hashes) all.append(hash.begin(), hash.end());
  seal.set_signature(options_.authorship->Sign(SignedBytes(scope(), origin_, seal)));
}

std::string Root::ToBytes() const { return EncodeNumber(high) + EncodeNumber(low); }
std::string Root::ToHex() const { return absl::BytesToHexString(ToBytes()); }

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(const Options& options, Engine& engine,
                                                       Runtime runtime) {
  auto catalog = std::make_unique<CatalogImpl>(options, engine, runtime);
  RETURN_IF_ERROR(catalog->Load());
  return catalog;
}

}  // namespace trellis::storage
