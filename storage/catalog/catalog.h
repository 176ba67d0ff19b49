// The replicated resources of the mesh as this agent holds them.
//
// All live resources are in memory, so reads cost no disk; the engine makes them durable. A local
// write and one from a peer go through the same merge, and both reach the same changefeed. Every
// transaction is signed by its author and verified before it is taken (decision 0009).
//
// Keys and values: docs/formats/storage.md.
#ifndef TRELLIS_STORAGE_CATALOG_CATALOG_H_
#define TRELLIS_STORAGE_CATALOG_CATALOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/runtime/runtime.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/catalog/authorship.h"
#include "storage/catalog/version.h"
#include "storage/engine/engine.h"

namespace trellis::storage {

// 128 bits that are equal exactly when two catalogs hold the same entries (tombstones included):
// the sum, modulo 2^128, of the first half of each entry's hash. Additive, so kept incrementally.
struct Root {
  uint64_t high = 0;
  uint64_t low = 0;

  bool operator==(const Root&) const = default;
  std::string ToBytes() const;  // 16, big-endian.
  std::string ToHex() const;
};

// Bounds on what is written and on what peers may send.
inline constexpr int kMaxTransaction = 10000;          // Changes of a Commit, entries of a Delta.
inline constexpr size_t kMaxPayloadBytes = 256 << 10;  // Of one serialized resource.
// Of a Commit's entries, serialized: a transaction travels whole, in one frame of at most 4 MiB.
inline constexpr size_t kMaxTransactionBytes = 2 << 20;

// One write of a transaction.
struct Change {
  std::string name;                               // The resource's name: the key.
  std::optional<trellis::v1::Resource> resource;  // Absent: delete.
  // The version the author read; refused with ABORTED unless it is still the current one. None
  // (the default): the name must be new. Required for deletes.
  Version base;
  // Conflicts that this write settles; the others of its name stay open. With any, `base` is the
  // winner's version, deleted or not.
  std::vector<Version> resolves;
};

// What listeners learn: old and new state of every name a commit touched, in order.
struct Applied {
  struct Item {
    std::string name;
    std::shared_ptr<const trellis::v1::Resource> before;  // Null: there was none.
    std::shared_ptr<const trellis::v1::Resource> after;   // Null: deleted.
  };
  std::vector<Item> items;
  bool local = false;  // Written here, not received.
  // Who holds a name or domain may be another now, though nothing of theirs changed (claims.h).
  bool claims_settled = false;
  // The catalog has just become whole: all of it counts from now on, and not only the items.
  bool whole = false;
};

// Thread-safety: none; lives on the control thread, which may have others read (what is const) while
// it writes nothing itself. Callbacks run inside the call that commits, after the state has changed;
// they must not write to the catalog.
class Catalog {
 public:
  struct Options {
    // Of this mesh; a data folder of another mesh is refused. 16 bytes.
    std::string mesh_id;
    NodeId node = 0;
    Authorship* authorship = nullptr;  // Required; borrowed. Its certificate is of `node`.
    uint64_t cluster_epoch = 1;        // Counts in signatures.
    // A received version further ahead of our clock than this does not advance it.
    absl::Duration max_drift = absl::Milliseconds(500);
  };

  // Loads everything. The engine and runtime are borrowed and outlive the catalog.
  // A folder whose certificate had another key, role, VPC or addresses gets a new incarnation.
  //   FAILED_PRECONDITION  the data belongs to another mesh or node; the message says to which
  //   UNAUTHENTICATED      the certificate is not this mesh's, or not of `node`
  //   DATA_LOSS            a record cannot be read; the message names the key
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(const Options& options, Engine& engine,
                                                       Runtime runtime);

  virtual ~Catalog() = default;

  // --- Reading -------------------------------------------------------------------------------

  struct Record {
    std::shared_ptr<const trellis::v1::Resource> resource;  // Null: a tombstone.
    Version version;
    Origin origin;
    uint64_t sequence = 0;
    absl::Time create_time;              // Of the first version this catalog's lineage knows.
    std::shared_ptr<const Birth> elder;  // Its birth, when that was an earlier write.

    Birth birth() const { return elder == nullptr ? Birth{version, origin, sequence} : *elder; }
  };

  // The live resource or null. Valid until the next write; hold the shared_ptr to keep it.
  virtual std::shared_ptr<const trellis::v1::Resource> Find(absl::string_view name) const = 0;
  // Also tombstones. None when the name was never written.
  virtual std::optional<Record> FindRecord(absl::string_view name) const = 0;
  // Live resources whose name starts with `prefix` and is greater than `after`, in name order,
  // until `visit` returns false. `visit` must not write.
  virtual void Visit(
      absl::string_view prefix, absl::string_view after,
      absl::FunctionRef<bool(const std::string& name, const Record& record)> visit) const = 0;
  // Names under `prefix` that were deleted and are not live again, in name order.
  virtual void VisitTombstones(absl::string_view prefix,
                               absl::FunctionRef<void(const std::string& name)> visit) const = 0;
  // Writes that lost to a concurrent one that says something else, and wait for somebody to look at
  // them (Change::resolves): of names under `prefix` and greater than `after`, in name order, the
  // newest of a name first, until `visit` returns false.
  virtual void VisitConflicts(
      absl::string_view prefix, absl::string_view after,
      absl::FunctionRef<bool(const std::string& name, const Record& lost)> visit) const = 0;

  // --- Writing -------------------------------------------------------------------------------

  // Applies all changes or none, as one transaction of this origin, durable when it returns. Sets
  // etag, create_time and update_time of the resources. No changes: the token of the last write.
  //   ABORTED              a base is not current, or no conflict is what it would resolve; the
  //                        message names the resource
  //   FAILED_PRECONDITION  the name was deleted and its kind (agents, join tokens) never returns;
  //                        or our clock is so far behind that peers would not take the write yet
  //   INVALID_ARGUMENT     more than kMaxTransaction changes or kMaxTransactionBytes, one name
  //                        twice, or a resource that peers would refuse: too large, or of another
  //                        name than its key
  //   PERMISSION_DENIED    this agent is a worker, which may not write that; see CheckMayWrite
  //   UNAVAILABLE          the engine refused, or this agent goes through its copy (ApplyRemote);
  //                        nothing changed
  virtual absl::StatusOr<MeshToken> Commit(std::vector<Change> changes) = 0;

  // Writes as another incarnation of this node from now on, as one must whose numbers may be taken:
  // what the old one wrote, here or elsewhere, is a stranger's like any other.
  //   UNAVAILABLE  the engine refused; nothing changed
  virtual absl::Status StartIncarnation() = 0;

  // Forgets the tombstones of transactions that `everywhere` covers, here and on every agent that
  // receives the write; evictions stay, and so do deletes that won a conflict. To be called only
  // when every member of the roster, reachable or not, has said that it holds `everywhere`. Nothing
  // to forget: writes nothing and returns the token of the last write.
  //   FAILED_PRECONDITION  `everywhere` has what this agent does not hold
  //   others               as of Commit
  virtual absl::StatusOr<MeshToken> CollectTombstones(const VersionVector& everywhere) = 0;

  // Makes the claims of this moment settled, here and on every agent that receives the write
  // (claims.h, NextSettled). To be called only while every member of the roster, reachable or not,
  // holds exactly what this agent does: has answered with the root that is this one's both before
  // it was asked and now. Nothing new: writes nothing and returns the token of the last write.
  //   others               as of Commit
  virtual absl::StatusOr<MeshToken> SettleClaims() = 0;

  // Evicts anew each evicted agent of which two contents of a transaction came to light that its
  // fence lets count: before that transaction. Otherwise members would hold different ones of the
  // two for ever. Nothing to lower: writes nothing and returns the token of the last write.
  //   others               as of Commit
  virtual absl::StatusOr<MeshToken> LowerFences() = 0;

  // --- Replication ---------------------------------------------------------------------------

  // Merges what a peer sent. Bounds, shapes, certificate, seals and rights are checked before
  // anything changes; a delta that starts after our head of its origin is a gap. Applying the same
  // delta twice, or in any order, gives the same state.
  // Entries up to our head are merged too, so a peer's everything repairs what was lost here; such
  // finds reach Subscribe, but not SubscribeDeltas. What this agent signed and has forgotten is
  // taken as well; it then writes on as another incarnation, so that no number is used twice.
  // Whoever hears here of a collection whose floor it does not cover begins a review: vector() goes
  // back to what is beyond doubt, and when it covers the floor again, what no peer confirmed is
  // dropped. Until then all that is held shows, and nothing is written.
  //   OUT_OF_RANGE         a gap; nothing changed, ask the peer for what is missing
  // Nothing changed when it fails. The sender is at fault, who should have refused it too:
  //   INVALID_ARGUMENT     malformed
  //   UNAUTHENTICATED      not what its author signed, or no author of this mesh
  //   PERMISSION_DENIED    its author may not write that
  // The sender is not to blame:
  //   FAILED_PRECONDITION  from a clock far ahead of ours; of an evicted agent beyond its fence;
  //   from
  //                        one with another floor; or a second transaction in the place of one we
  //                        hold (equivocation)
  //   UNAVAILABLE          the engine refused
  // Returns true if anything was new.
  virtual absl::StatusOr<bool> ApplyRemote(const v1::Delta& delta) = 0;

  // What a holder of `theirs` lacks, oldest first, at most about `max_bytes` (at least one
  // transaction); sets *more when something was left out. An origin's certificate goes with its
  // beginning: whoever holds some of an origin has it.
  virtual absl::StatusOr<std::vector<v1::Delta>> DeltasAfter(const VersionVector& theirs,
                                                             size_t max_bytes, bool* more) = 0;

  // The entries held of one origin's transactions in (after, up_to], oldest first, cut at about
  // `max_bytes` as above. Empty when none of them lives.
  virtual absl::StatusOr<std::vector<v1::Delta>> DeltasOf(const Origin& origin, uint64_t after,
                                                          uint64_t up_to, size_t max_bytes,
                                                          bool* more) = 0;
  // Their part in the root. O(entries of the range).
  virtual absl::StatusOr<Root> SumOf(const Origin& origin, uint64_t after, uint64_t up_to) = 0;

  virtual const VersionVector& vector() const = 0;
  virtual const VersionVector& settled() const = 0;  // Births within it are (claims.h).
  virtual Root root() const = 0;
  virtual const Origin& origin() const = 0;
  virtual size_t live_count() const = 0;
  virtual size_t tombstone_count() const = 0;
  virtual bool in_review() const = 0;
  virtual size_t conflict_count() const = 0;  // As VisitConflicts shows them.
  // Second transactions, validly signed, in the place of one that is held: each is proof that an
  // identity was stolen or cloned. Logged with both.
  virtual uint64_t equivocations() const = 0;
  // Agents of whom two contents of a transaction were seen since this one started, of which one
  // counts still: they are to be evicted.
  virtual std::set<NodeId> forked() const = 0;
  // Who writes as `origin`. NOT_FOUND: nothing of it was ever held.
  virtual absl::StatusOr<std::shared_ptr<const Author>> AuthorOf(const Origin& origin) const = 0;
  // This agent as an author.
  virtual const Author& self() const = 0;

  // --- Whether this is all -------------------------------------------------------------------

  // Whether all that the mesh held when this folder was made has arrived: a new folder is not,
  // until SetWhole. Before, what is held may be any part, which nobody must obey.
  virtual bool whole() const = 0;
  // From now on it is, for good; listeners learn it.
  //   UNAVAILABLE  the engine refused; nothing changed
  virtual absl::Status SetWhole() = 0;
  // When a peer was last known to hold nothing that this agent lacked, by this agent's clock, over
  // restarts to within half a minute; infinite past: never.
  virtual absl::Time agreed() const = 0;
  virtual void NoteAgreed(absl::Time now) = 0;

  // --- Listening -----------------------------------------------------------------------------

  // Calls `listener` after every commit that changed a resource, or what is settled, and when the
  // catalog becomes whole. Kept for the catalog's life.
  virtual void Subscribe(absl::AnyInvocable<void(const Applied&)> listener) = 0;
  // Calls `listener` with each new transaction, local or received, as it should be passed on.
  virtual void SubscribeDeltas(absl::AnyInvocable<void(const v1::Delta&)> listener) = 0;
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_CATALOG_H_
