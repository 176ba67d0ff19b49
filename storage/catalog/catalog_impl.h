// The one implementation of Catalog, in parts: loading.cc opens it, catalog.cc reads and writes,
// verify.cc, merge.cc, plan.cc, fences.cc and replaced.cc take in what was written here or
// received, deltas.cc answers peers, completeness.cc knows whether all has arrived.
#ifndef TRELLIS_STORAGE_CATALOG_CATALOG_IMPL_H_
#define TRELLIS_STORAGE_CATALOG_CATALOG_IMPL_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/numeric/int128.h"
#include "base/sync/mutex.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/entry_check.h"
#include "storage/catalog/keys.h"
#include "storage/catalog/seal.h"
#include "storage/catalog/siblings.h"
#include "storage/catalog/stored.h"

namespace trellis::storage {

// The hybrid logical clock of a moment, its counter 0.
inline uint64_t HlcAt(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(time), 0)) << 16;
}

// A transaction of which something is held: its seal is in kSeals.
struct Transaction {
  uint32_t rows = 0;     // Of it in kByOrigin. 0: it is its origin's head.
  uint32_t entries = 0;  // When it was written.

  // About what its seal adds to a delta.
  size_t seal_bytes() const { return entries * crypto::kSha256Bytes + 2 * kSignatureBytes; }
};

// A delta that passed all checks.
struct Verified {
  std::vector<ResourcePtr> resources;  // Of its entries, in their order.
  std::vector<EntryHash> hashes;
  std::shared_ptr<const Author> author;
};

// DATA_LOSS, with the key, the problem and the remedy.
absl::Status Unreadable(absl::string_view table, absl::string_view key, absl::string_view problem);

class CatalogImpl final : public Catalog {
 public:
  CatalogImpl(const Options& options, Engine& engine, Runtime runtime)
      : options_(options), engine_(engine), runtime_(runtime) {}

  absl::Status Load();

  std::shared_ptr<const trellis::v1::Resource> Find(absl::string_view name) const override {
    const Stored* stored = FindStored(name);
    return stored == nullptr ? nullptr : stored->ParseResource();
  }
  std::optional<Record> FindRecord(absl::string_view name) const override {
    const Stored* stored = FindStored(name);
    if (stored == nullptr) return std::nullopt;
    return stored->ToRecord();
  }
  void Visit(
      absl::string_view prefix, absl::string_view after,
      absl::FunctionRef<bool(const std::string& name, const Record& record)> visit) const override;
  void VisitTombstones(absl::string_view prefix,
                       absl::FunctionRef<void(const std::string& name)> visit) const override;
  void VisitConflicts(
      absl::string_view prefix, absl::string_view after,
      absl::FunctionRef<bool(const std::string& name, const Record& lost)> visit) const override;

  absl::StatusOr<MeshToken> Commit(std::vector<Change> changes) override;
  absl::Status StartIncarnation() override;
  absl::StatusOr<MeshToken> CollectTombstones(const VersionVector& everywhere) override;
  absl::StatusOr<MeshToken> SettleClaims() override;
  absl::StatusOr<MeshToken> LowerFences() override;
  absl::StatusOr<bool> ApplyRemote(const v1::Delta& delta) override;
  absl::StatusOr<std::vector<v1::Delta>> DeltasAfter(const VersionVector& theirs, size_t max_bytes,
                                                     bool* more) override;

  absl::StatusOr<std::vector<v1::Delta>> DeltasOf(const Origin& origin, uint64_t after,
                                                  uint64_t up_to, size_t max_bytes,
                                                  bool* more) override;
  absl::StatusOr<Root> SumOf(const Origin& origin, uint64_t after, uint64_t up_to) override;

  const VersionVector& vector() const override { return vector_; }
  const VersionVector& settled() const override { return settled_; }
  Root root() const override { return {absl::Uint128High64(root_), absl::Uint128Low64(root_)}; }
  const Origin& origin() const override { return origin_; }
  size_t live_count() const override {
    return records_.size() - tombstones_ - (records_.contains(kCollectionKey) ? 1 : 0) -
           (records_.contains(kClaimsKey) ? 1 : 0);
  }
  size_t tombstone_count() const override { return tombstones_; }
  bool in_review() const override { return review_.has_value(); }
  size_t conflict_count() const override { return conflicts_; }
  uint64_t equivocations() const override { return equivocations_; }
  std::set<NodeId> forked() const override;
  absl::StatusOr<std::shared_ptr<const Author>> AuthorOf(const Origin& origin) const override;
  const Author& self() const override { return *self_; }

  bool whole() const override { return whole_; }
  absl::Status SetWhole() override;
  absl::Time agreed() const override { return agreed_; }
  void NoteAgreed(absl::Time now) override;

  void Subscribe(absl::AnyInvocable<void(const Applied&)> listener) override {
    listeners_.push_back(std::move(listener));
  }
  void SubscribeDeltas(absl::AnyInvocable<void(const v1::Delta&)> listener) override {
    delta_listeners_.push_back(std::move(listener));
  }

 private:
  struct Row {
    OriginKey key;
    std::string name;
    const Stored* write;  // Until the next one.
    bool won = false;     // Its entry is in kEntries; else in kSiblings.
  };
  // What becomes of transactions; none of it held any more: absent.
  using Transactions = absl::btree_map<TransactionKey, std::optional<Transaction>>;
  // The writes of a name that are held, and that will be.
  struct Touched {
    std::vector<Stored> before;
    std::vector<Stored> after;
    bool changed = false;
  };
  // A write of a delta, and its resource.
  struct Fresh {
    const v1::Entry* entry;
    ResourcePtr resource;
  };
  // Writes that come back: their entries and seals.
  using Restored = absl::btree_map<OriginKey, v1::Replaced>;
  // A write that was kept aside: its row, and what it is.
  struct Kept {
    std::string row;
    Stored write;
    v1::Replaced replaced;
  };
  // See collections.cc.
  struct Review {
    v1::Review stored;
    VersionVector floor;  // Of all collections it is about.
    VersionVector held;   // Before.
    absl::flat_hash_set<OriginKey> confirmed;
  };
  // What a delta will do.
  struct Plan {
    std::vector<std::string> names;  // That change, in the order first touched.
    absl::btree_map<std::string, Touched> touched;
    absl::btree_map<OriginKey, Fresh> fresh;    // What of the delta was new.
    Restored restored;                          // What came back, beside the fresh.
    absl::btree_map<TransactionKey, int> rows;  // Won and lost.
    absl::btree_map<Origin, uint64_t> heads;    // That go elsewhere than the delta says.
    absl::btree_set<std::string> voided;        // Names that lose a write by it.
    Transactions transactions;
    absl::btree_map<std::string, uint64_t> forgotten;  // See forgotten_.
    uint64_t remembered_from = 0;                      // What is older goes.
    std::vector<OriginKey> confirmed;                  // By this delta, in a review.
    bool ends_review = false;
    Batch batch;
  };

  const Stored* FindStored(absl::string_view name) const {
    const auto it = records_.find(name);
    return it == records_.end() ? nullptr : &it->second;
  }

  // All that is held of `name`, ranked.
  std::vector<Stored> Held(absl::string_view name) const;
  // The write of `name` that is at `key`; null: none.
  const Stored* FindRow(absl::string_view name, const OriginKey& key) const;

  // How far `origin` counts, if its agent was evicted.
  std::optional<uint64_t> FenceOf(const Origin& origin) const;

  // Opening.
  absl::Status LoadIdentity();
  absl::Status LoadCompleteness();
  // Whether the folder's origin wrote as another author than this agent is now.
  absl::StatusOr<bool> AuthorChanged();
  absl::Status LoadMeta();
  absl::Status LoadEntries();
  absl::Status LoadSiblings();
  absl::Status LoadSeals();
  absl::Status LoadIndex();
  absl::Status CheckSum() const;
  absl::Status CheckPayloads() const;
  void FindConflicts();

  absl::Status LoadReview();

  void SetSettled();

  // What was collected.
  void SetFloor();
  absl::Status CheckFloor(const v1::Delta& delta) const;
  // To the last of `deltas`, of `origin`.
  absl::Status AttachFloor(const Origin& origin, std::vector<v1::Delta>& deltas);
  // Whether what is held of `origin` after `after` is still to be confirmed: no word for others.
  bool InReview(const Origin& origin, uint64_t after) const {
    return review_.has_value() && after < floor_.head(origin);
  }
  absl::Status HearOfCollections(const v1::Delta& delta);
  // Takes back what this agent claims to hold within the floor.
  absl::Status BeginReview(v1::Review stored);
  // Remembers that no write of `name` counts that is at or before `last`.
  void Forget(const std::string& name, const Version& last, Plan& plan) const;
  void PlanRemembered(Plan& plan) const;
  void AdoptForgotten(const Plan& plan);
  // Whether `write` was deleted, the delete is forgotten, and the write would be shown again.
  bool CameTooLate(absl::string_view name, const Stored& write,
                   const std::vector<Stored>& held) const;
  absl::Status ReviewIfBehind(const v1::Entry& collection);

  // Verifying what was received.
  absl::StatusOr<Verified> Verify(const v1::Delta& delta, std::vector<ResourcePtr> resources);
  absl::StatusOr<std::shared_ptr<const Author>> VerifyAuthor(const v1::Delta& delta);
  void RememberAuthor(const Origin& origin, const std::shared_ptr<const Author>& author);
  absl::Status VerifySeal(const Origin& origin, const Author& author, const v1::Seal& seal);
  absl::StatusOr<v1::Seal> ReadSeal(const TransactionKey& key);
  // The stored bytes of a write of `name` that is held.
  absl::StatusOr<std::string> ReadEntry(absl::string_view name, const OriginKey& key, bool won);

  // Writing.
  absl::Status CheckChange(const Change& change) const;
  absl::Status CheckResolution(const Change& change) const;
  absl::Status CheckClock(const Version& version) const;
  uint64_t NextHlc(const std::vector<Change>& changes) const;
  v1::Entry MakeEntry(Change change, const Version& version) const;
  void AddFence(v1::Entry& entry) const;
  // What every entry written here has, and `operation` of `key`.
  v1::Entry BeginEntry(const std::string& key, v1::Operation operation, const Version& version,
                       const std::vector<Version>& resolves) const;
  absl::StatusOr<MeshToken> CommitEntries(std::vector<v1::Entry> entries);
  void Sign(v1::Delta& delta, const std::vector<EntryHash>& hashes) const;
  Plan MergeEntries(const v1::Delta& delta, const Verified& verified) const;
  Touched& Touch(const std::string& name, Plan& plan) const;
  // Errors of these: the engine's.
  absl::Status PlanFences(Plan& plan);
  absl::Status PlanVoid(const Origin& origin, uint64_t fence, Plan& plan);
  absl::Status PlanRows(Plan& plan);
  absl::Status PlanReplaced(const std::string& name, const Touched& touched, Plan& plan);
  absl::Status PlanRestored(const std::string& name, Plan& plan);
  absl::StatusOr<std::vector<Kept>> ReadReplaced(absl::string_view name);  // The oldest first.
  void PlanCollections(Plan& plan) const;
  absl::Status PlanReview(const v1::Delta& delta, Plan& plan);
  void AdoptReview(Plan& plan);
  void PlanSeals(const v1::Delta& delta, Plan& plan) const;
  void PlanMeta(const v1::Delta& delta, Plan& plan) const;
  // What kSumKey is with that root and hash of the vector; and once the plan is done.
  static std::string Sum(absl::uint128 root, uint64_t vector_hash);
  std::string SumAfter(const v1::Delta& delta, const Plan& plan) const;
  uint64_t HeadAfter(const Origin& origin, const v1::Delta& delta, const Plan& plan) const;
  // What of `delta` is new and left, as it should be passed on. None: all of it, as it came.
  std::optional<v1::Delta> MakePassedOn(const v1::Delta& delta, const Plan& plan) const;
  // Writes what of `delta` is new and, if that worked, changes the state and tells listeners. False
  // if nothing was new.
  absl::StatusOr<bool> Merge(const v1::Delta& delta, const Verified& verified, bool local);
  // Later versions of this agent are greater.
  void RecallVersion(const Version& version);
  // What `winner`, which the plan made so, says.
  static ResourcePtr ResourceOf(const Stored& winner, const Plan& plan);
  // Takes over what the engine has taken, and says what changed.
  Applied Adopt(Plan& plan);
  // Makes `after`, ranked, what is held of `name`. Empty: nothing is.
  void Install(const std::string& name, std::vector<Stored> after);
  void Notify(const Applied& applied, const v1::Delta& delta);

  // Replication.
  absl::StatusOr<std::vector<Row>> RowsAfter(const Origin& origin, uint64_t after, uint64_t head,
                                             size_t max_bytes, size_t* bytes, bool* more);
  absl::Status AppendDeltas(const Origin& origin, uint64_t after, uint64_t up_to,
                            const std::vector<Row>& rows, std::vector<v1::Delta>* deltas);
  absl::StatusOr<v1::Entry> EntryOf(const Row& row);
  absl::Status BeginDelta(const Origin& origin, uint64_t after, std::vector<v1::Delta>* deltas);
  // The last delta ends at `up_to`.
  absl::Status EndDelta(uint64_t up_to, v1::Delta& delta);

  SealScope scope() const { return {options_.mesh_id, options_.cluster_epoch}; }

  const Options options_;
  Engine& engine_;
  const Runtime runtime_;

  Origin origin_;
  std::shared_ptr<const Author> self_;
  uint64_t hlc_ = 0;        // Of the newest version issued or, within bounds, received.
  uint64_t hlc_bound_ = 0;  // As the engine has it: no version above it was ever issued.
  VersionVector vector_;
  absl::btree_map<std::string, Stored> records_;                   // The winner of each name.
  absl::btree_map<std::string, std::vector<Stored>> losers_;       // Ranked; never empty.
  size_t conflicts_ = 0;                                           // Listed ones among the losers.
  absl::flat_hash_map<TransactionKey, Transaction> transactions_;  // Never iterated.
  // As far as they were needed since the start; at most kMaxOrigins.
  mutable Mutex authors_mutex_;
  mutable absl::btree_map<Origin, std::shared_ptr<const Author>> authors_
      ABSL_GUARDED_BY(authors_mutex_);
  uint64_t equivocations_ = 0;
  absl::btree_map<Origin, uint64_t> forked_;  // The first transaction seen with two contents.
  size_t tombstones_ = 0;
  VersionVector settled_;
  VersionVector floor_;  // Of the collections held, or heard of in a review.
  uint64_t floor_hash_ = 0;
  // When the last write of a name was made that is forgotten now; at most kMaxForgotten.
  absl::flat_hash_map<std::string, uint64_t> forgotten_;
  std::optional<Review> review_;
  bool whole_ = true;
  absl::Time agreed_ = absl::InfinitePast();
  absl::Time agreed_stored_ = absl::InfinitePast();
  absl::uint128 root_ = 0;

  std::vector<absl::AnyInvocable<void(const Applied&)>> listeners_;
  std::vector<absl::AnyInvocable<void(const v1::Delta&)>> delta_listeners_;
  bool notifying_ = false;

  static constexpr size_t kMaxForgotten = 100000;  // Some 10 MB.
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_CATALOG_IMPL_H_
