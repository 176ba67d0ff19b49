#include "storage/catalog/catalog.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/numeric/int128.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/entry_check.h"
#include "storage/catalog/keys.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

constexpr size_t kMeshIdBytes = 16;
// How far the persisted bound runs ahead of the clock: a write a second pays for extending it.
constexpr absl::Duration kHlcBoundAhead = absl::Seconds(1);

uint64_t HlcAt(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(time), 0)) << 16;
}

// What the catalog keeps of one name. The payload's bytes stay in the engine.
struct Stored : Catalog::Record {
  uint32_t index = 0;        // In kByOrigin.
  uint32_t entry_bytes = 0;  // Of the stored entry, about.
  bool final_delete = false;
  absl::uint128 digest = 0;

  OriginKey origin_key() const { return {origin, sequence, index}; }
};

Stored MakeStored(const v1::Entry& entry, ResourcePtr resource, uint32_t index) {
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
  stored.index = index;
  stored.entry_bytes = static_cast<uint32_t>(entry.ByteSizeLong());
  stored.final_delete = entry.operation() == v1::DELETE && entry.merge_class() == v1::GUARD;
  stored.digest = EntryDigest(entry);
  return stored;
}

// Whether `a` wins over `b`: a total order over contents, so that any order of arrival ends at the
// same winner. A guard's delete beats its updates; else the newer wins; the digest decides only
// between two contents of one version, which no honest author makes.
bool Supersedes(const Stored& a, const Stored& b) {
  if (a.final_delete != b.final_delete) return a.final_delete;
  if (a.version != b.version) return a.version > b.version;
  return a.digest > b.digest;
}

class CatalogImpl final : public Catalog {
 public:
  CatalogImpl(const Options& options, Engine& engine, Runtime runtime)
      : options_(options), engine_(engine), runtime_(runtime) {}

  absl::Status Load();

  std::shared_ptr<const trellis::v1::Resource> Find(absl::string_view name) const override {
    const Stored* stored = FindStored(name);
    return stored == nullptr ? nullptr : stored->resource;
  }
  std::optional<Record> FindRecord(absl::string_view name) const override {
    const Stored* stored = FindStored(name);
    if (stored == nullptr) return std::nullopt;
    return *stored;
  }
  void Visit(
      absl::string_view prefix, absl::string_view after,
      absl::FunctionRef<bool(const std::string& name, const Record& record)> visit) const override;

  absl::StatusOr<MeshToken> Commit(std::vector<Change> changes) override;
  absl::StatusOr<bool> ApplyRemote(const v1::Delta& delta) override;
  absl::StatusOr<std::vector<v1::Delta>> DeltasAfter(const VersionVector& theirs, size_t max_bytes,
                                                     bool* more) override;

  const VersionVector& vector() const override { return vector_; }
  Root root() const override { return {absl::Uint128High64(root_), absl::Uint128Low64(root_)}; }
  const Origin& origin() const override { return origin_; }
  size_t live_count() const override { return records_.size() - tombstones_; }
  size_t tombstone_count() const override { return tombstones_; }

  void Subscribe(absl::AnyInvocable<void(const Applied&)> listener) override {
    listeners_.push_back(std::move(listener));
  }
  void SubscribeDeltas(absl::AnyInvocable<void(const v1::Delta&)> listener) override {
    delta_listeners_.push_back(std::move(listener));
  }

 private:
  // An entry on its way in that wins over what is held, and the delta's entry it came from.
  struct Winner {
    Stored stored;
    const v1::Entry* entry;
  };
  struct Winners {
    std::vector<std::string> names;  // In the order first touched.
    absl::btree_map<std::string, Winner> by_name;
  };
  struct Row {
    uint64_t sequence;
    std::string name;
  };

  const Stored* FindStored(absl::string_view name) const {
    const auto it = records_.find(name);
    return it == records_.end() ? nullptr : &it->second;
  }

  // Opening.
  absl::Status LoadIdentity();
  absl::Status LoadMeta();
  absl::Status LoadEntries();
  absl::Status LoadIndex();

  // Writing.
  absl::Status CheckChange(const Change& change) const;
  uint64_t NextHlc(const std::vector<Change>& changes) const;
  v1::Entry MakeEntry(Change change, const Version& version, uint64_t sequence) const;
  Winners FindWinners(const v1::Delta& delta, const std::vector<ResourcePtr>& resources) const;
  Batch MakeBatch(const v1::Delta& delta, const Winners& winners) const;
  absl::Status MoveToFreeIndexes(const Origin& origin, Winners& winners);
  // Writes what of `delta` is new and, if that worked, changes the state and tells listeners. False
  // if nothing was new.
  absl::StatusOr<bool> Merge(const v1::Delta& delta, const std::vector<ResourcePtr>& resources,
                             bool local);
  void Replace(const std::string& name, Stored stored);
  void Notify(const Applied& applied, const v1::Delta& delta);

  // Replication.
  absl::StatusOr<std::vector<Row>> RowsAfter(const Origin& origin, uint64_t after, uint64_t head,
                                             size_t max_bytes, size_t* bytes, bool* more);
  absl::Status AppendDeltas(const Origin& origin, uint64_t after, uint64_t up_to,
                            const std::vector<Row>& rows, std::vector<v1::Delta>* deltas);

  const Options options_;
  Engine& engine_;
  const Runtime runtime_;

  Origin origin_;
  uint64_t hlc_ = 0;        // Of the newest version issued or, within bounds, received.
  uint64_t hlc_bound_ = 0;  // As the engine has it: no version above it was ever issued.
  VersionVector vector_;
  absl::btree_map<std::string, Stored> records_;
  size_t tombstones_ = 0;
  absl::uint128 root_ = 0;

  std::vector<absl::AnyInvocable<void(const Applied&)>> listeners_;
  std::vector<absl::AnyInvocable<void(const v1::Delta&)>> delta_listeners_;
  bool notifying_ = false;
};

// --- Opening -----------------------------------------------------------------------------------

absl::Status Unreadable(absl::string_view table, absl::string_view key, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("catalog: ", table, " \"", absl::CHexEscape(key),
                                          "\" cannot be read (", problem,
                                          "); move the data folder aside and join the mesh again, "
                                          "which copies the configuration back"));
}

absl::Status CatalogImpl::Load() {
  CHECK_EQ(options_.mesh_id.size(), kMeshIdBytes);
  RETURN_IF_ERROR(LoadIdentity());
  RETURN_IF_ERROR(LoadMeta());
  RETURN_IF_ERROR(LoadEntries());
  return LoadIndex();
}

absl::Status CatalogImpl::LoadIdentity() {
  v1::Identity identity;
  const absl::StatusOr<std::string> stored = engine_.Get(Table::kMeta, kIdentityKey);
  if (absl::IsNotFound(stored.status())) {
    origin_ = {options_.node, runtime_.random.Next64()};
    identity.set_mesh_id(options_.mesh_id);
    origin_.ToProto(identity.mutable_origin());
    Batch batch;
    batch.Put(Table::kMeta, kIdentityKey, identity.SerializeAsString());
    return engine_.Write(batch, Durability::kSynced);
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
  return absl::OkStatus();
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
        Replace(entry.key(), MakeStored(entry, *std::move(resource), 0));
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
            it->second.origin != origin_key.origin || it->second.sequence != origin_key.sequence) {
          problem = Unreadable("by_origin", key, "it names no entry");
          return false;
        }
        it->second.index = origin_key.index;
        ++rows;
        return true;
      }));
  RETURN_IF_ERROR(problem);
  if (rows != records_.size()) return Unreadable("by_origin", "", "an entry is missing there");
  return absl::OkStatus();
}

// --- Reading -----------------------------------------------------------------------------------

void CatalogImpl::Visit(
    absl::string_view prefix, absl::string_view after,
    absl::FunctionRef<bool(const std::string& name, const Record& record)> visit) const {
  auto it = after < prefix ? records_.lower_bound(prefix) : records_.upper_bound(after);
  for (; it != records_.end() && absl::StartsWith(it->first, prefix); ++it) {
    if (it->second.resource != nullptr && !visit(it->first, it->second)) return;
  }
}

// --- Writing -----------------------------------------------------------------------------------

absl::Status CatalogImpl::CheckChange(const Change& change) const {
  const Stored* held = FindStored(change.name);
  const bool live = held != nullptr && held->resource != nullptr;
  if (held != nullptr && held->final_delete && change.resource.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(change.name, ": was deleted, which is final; use a new id"));
  }
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

uint64_t CatalogImpl::NextHlc(const std::vector<Change>& changes) const {
  uint64_t hlc = std::max(hlc_, HlcAt(runtime_.scheduler.WallNow()));
  // Above what it replaces, however far ahead that author's clock was.
  for (const Change& change : changes) {
    if (const Stored* held = FindStored(change.name)) hlc = std::max(hlc, held->version.hlc);
  }
  return hlc + 1;
}

v1::Entry CatalogImpl::MakeEntry(Change change, const Version& version, uint64_t sequence) const {
  v1::Entry entry;
  entry.set_key(change.name);
  entry.set_merge_class(resource::MergeClassOf(resource::KindOf(change.name)));
  entry.set_operation(change.resource.has_value() ? v1::PUT : v1::DELETE);
  version.ToProto(entry.mutable_version());
  origin_.ToProto(entry.mutable_origin());
  entry.set_sequence(sequence);
  if (!change.base.is_none()) change.base.ToProto(entry.mutable_base());
  if (change.resource.has_value()) {
    const Stored* held = FindStored(change.name);
    const bool live = held != nullptr && held->resource != nullptr;
    resource::SetEtag(*change.resource, version.ToEtag());
    resource::SetTimes(*change.resource, live ? held->create_time : version.time(), version.time());
    entry.set_payload(change.resource->SerializeAsString());
  }
  return entry;
}

absl::StatusOr<MeshToken> CatalogImpl::Commit(std::vector<Change> changes) {
  const uint64_t head = vector_.head(origin_);
  if (changes.empty()) return MeshToken{origin_, head};
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
  v1::Delta delta;
  origin_.ToProto(delta.mutable_origin());
  delta.set_after(head);
  delta.set_up_to(head + 1);
  std::vector<ResourcePtr> resources;
  size_t bytes = 0;
  for (Change& change : changes) {
    v1::Entry& entry = *delta.add_entries();
    entry = MakeEntry(std::move(change), version, head + 1);
    // What peers would refuse is refused here.
    ASSIGN_OR_RETURN(ResourcePtr resource, CheckEntry(entry));
    resources.push_back(std::move(resource));
    bytes += entry.ByteSizeLong();
    if (bytes > kMaxTransactionBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("transaction: more than ", kMaxTransactionBytes,
                       " bytes; write it in several, what is referred to first"));
    }
  }
  RETURN_IF_ERROR(Merge(delta, resources, /*local=*/true).status());
  return MeshToken{origin_, head + 1};
}

absl::StatusOr<bool> CatalogImpl::ApplyRemote(const v1::Delta& delta) {
  ASSIGN_OR_RETURN(const std::vector<ResourcePtr> resources,
                   CheckDelta(delta, runtime_.scheduler.WallNow()));
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = vector_.head(origin);
  if (origin == origin_ && delta.up_to() > head) {
    return absl::FailedPreconditionError(absl::StrCat(
        "delta: a peer holds ", delta.up_to(), " transactions of this agent, which made only ",
        head, "; if its data folder came from a backup, let it join the mesh again"));
  }
  if (delta.after() > head) {
    return absl::OutOfRangeError(absl::StrCat("delta of ", resource::AgentName(origin.node),
                                              ": begins after ", delta.after(), "; held up to ",
                                              head));
  }
  if (head == 0 && vector_.heads().size() >= kMaxOrigins) {
    return absl::InvalidArgumentError(absl::StrCat("delta of ", resource::AgentName(origin.node),
                                                   ": more than ", kMaxOrigins, " origins"));
  }
  return Merge(delta, resources, /*local=*/false);
}

CatalogImpl::Winners CatalogImpl::FindWinners(const v1::Delta& delta,
                                              const std::vector<ResourcePtr>& resources) const {
  Winners winners;
  uint64_t sequence = 0;
  uint32_t index = 0;
  for (int i = 0; i < delta.entries_size(); ++i) {
    const v1::Entry& entry = delta.entries(i);
    index = entry.sequence() == sequence ? index + 1 : 0;
    sequence = entry.sequence();
    Stored stored = MakeStored(entry, resources[i], index);
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
  if (delta.up_to() > vector_.head(origin)) {
    batch.Put(Table::kMeta, HeadKey(origin), EncodeNumber(delta.up_to()));
  }
  return batch;
}

absl::Status CatalogImpl::MoveToFreeIndexes(const Origin& origin, Winners& winners) {
  const uint64_t head = vector_.head(origin);
  std::map<uint64_t, uint32_t> free;  // By sequence.
  for (auto& [name, winner] : winners.by_name) {
    Stored& stored = winner.stored;
    if (stored.sequence > head) continue;
    const auto [it, first] = free.try_emplace(stored.sequence, 0);
    if (first) {
      RETURN_IF_ERROR(
          engine_.Scan(Table::kByOrigin, OriginKey{origin, stored.sequence}.Encode(),
                       OriginKey{origin, stored.sequence + 1}.Encode(),
                       [&, free_index = &it->second](absl::string_view key, absl::string_view) {
                         OriginKey row;
                         if (OriginKey::Decode(key, &row)) *free_index = row.index + 1;
                         return true;
                       }));
    }
    stored.index = it->second++;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CatalogImpl::Merge(const v1::Delta& delta,
                                        const std::vector<ResourcePtr>& resources, bool local) {
  CHECK(!notifying_) << "a listener wrote to the catalog";
  const Origin origin = Origin::FromProto(delta.origin());
  const uint64_t head = vector_.head(origin);
  Winners winners = FindWinners(delta, resources);
  if (winners.names.empty() && delta.up_to() <= head) return false;
  // Of a transaction that is held, others may have the indexes of its lost entries.
  RETURN_IF_ERROR(MoveToFreeIndexes(origin, winners));
  Batch batch = MakeBatch(delta, winners);
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
  v1::Delta passed_on;
  origin.ToProto(passed_on.mutable_origin());
  passed_on.set_after(head);
  passed_on.set_up_to(delta.up_to());
  for (const v1::Entry& entry : delta.entries()) {
    const auto winner = winners.by_name.find(entry.key());
    if (entry.sequence() > head && winner != winners.by_name.end() &&
        winner->second.entry == &entry) {
      *passed_on.add_entries() = entry;
    }
  }
  vector_.Advance(origin, delta.up_to());
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

// --- Replication -------------------------------------------------------------------------------

absl::StatusOr<std::vector<CatalogImpl::Row>> CatalogImpl::RowsAfter(const Origin& origin,
                                                                     uint64_t after, uint64_t head,
                                                                     size_t max_bytes,
                                                                     size_t* bytes, bool* more) {
  std::vector<Row> rows;
  bool index_broken = false;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kByOrigin, OriginKey{origin, after + 1}.Encode(), OriginKey{origin, head + 1}.Encode(),
      [&](absl::string_view key, absl::string_view name) {
        OriginKey origin_key;
        const Stored* held = FindStored(name);
        index_broken = !OriginKey::Decode(key, &origin_key) || held == nullptr;
        if (index_broken) return false;
        const bool next_transaction = !rows.empty() && rows.back().sequence != origin_key.sequence;
        *more = next_transaction && *bytes >= max_bytes;
        if (*more) return false;
        *bytes += held->entry_bytes;
        rows.push_back({origin_key.sequence, std::string(name)});
        return true;
      }));
  if (index_broken) return Unreadable("by_origin", HeadKey(origin), "it names no entry");
  return rows;
}

absl::Status CatalogImpl::AppendDeltas(const Origin& origin, uint64_t after, uint64_t up_to,
                                       const std::vector<Row>& rows,
                                       std::vector<v1::Delta>* deltas) {
  const auto begin = [&](uint64_t from) {
    v1::Delta& delta = deltas->emplace_back();
    origin.ToProto(delta.mutable_origin());
    delta.set_after(from);
    delta.set_up_to(up_to);
  };
  begin(after);
  for (size_t i = 0; i < rows.size();) {
    // One transaction, whole; INVARIANT: none is larger than a delta may be.
    size_t end = i;
    while (end < rows.size() && rows[end].sequence == rows[i].sequence) ++end;
    if (deltas->back().entries_size() + (end - i) > kMaxTransaction) {
      deltas->back().set_up_to(rows[i - 1].sequence);
      begin(rows[i - 1].sequence);
    }
    for (; i < end; ++i) {
      ASSIGN_OR_RETURN(const std::string bytes, engine_.Get(Table::kEntries, rows[i].name));
      if (!deltas->back().add_entries()->ParseFromString(bytes)) {
        return Unreadable("entry", rows[i].name, "not an entry");
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Delta>> CatalogImpl::DeltasAfter(const VersionVector& theirs,
                                                                size_t max_bytes, bool* more) {
  *more = false;
  std::vector<v1::Delta> deltas;
  size_t bytes = 0;
  for (const auto& [origin, head] : vector_.heads()) {
    const uint64_t after = theirs.head(origin);
    if (after >= head) continue;
    *more = !deltas.empty() && bytes >= max_bytes;
    if (*more) break;
    ASSIGN_OR_RETURN(const std::vector<Row> rows,
                     RowsAfter(origin, after, head, max_bytes, &bytes, more));
    RETURN_IF_ERROR(
        AppendDeltas(origin, after, *more ? rows.back().sequence : head, rows, &deltas));
    if (*more) break;
  }
  return deltas;
}

}  // namespace

std::string Root::ToBytes() const { return EncodeNumber(high) + EncodeNumber(low); }
std::string Root::ToHex() const { return absl::BytesToHexString(ToBytes()); }

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(const Options& options, Engine& engine,
                                                       Runtime runtime) {
  auto catalog = std::make_unique<CatalogImpl>(options, engine, runtime);
  RETURN_IF_ERROR(catalog->Load());
  return catalog;
}

}  // namespace trellis::storage
