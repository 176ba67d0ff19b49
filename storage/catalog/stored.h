// What the catalog keeps in memory of one write.
//
// Resources as bytes: parsed, with a string object for each field and an allocation for each of
// those, they would take four times the room. Parsing one takes about a microsecond.
#ifndef TRELLIS_STORAGE_CATALOG_STORED_H_
#define TRELLIS_STORAGE_CATALOG_STORED_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/cord.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/entry_check.h"
#include "storage/catalog/keys.h"
#include "storage/catalog/seal.h"

namespace trellis::storage {

// What of its key a write descends from. Decision 0010.
struct Ancestry {
  std::vector<Version> context;  // The newest of each author, by node.
  std::vector<Version> open;     // Within the context, yet left as conflicts. Ascending.

  // Whether a write of `version` is superseded by one that descends from all this.
  bool Covers(const Version& version) const;
};

struct Stored {
  Version version;
  Origin origin;
  uint64_t sequence = 0;
  uint32_t index = 0;        // In its transaction.
  uint32_t entry_bytes = 0;  // Of the stored entry, about.
  bool final_delete = false;
  bool collects = false;
  bool settles = false;
  bool listed = false;  // As a conflict: it lost, and says something else than the winner.
  absl::uint128 digest = 0;
  absl::Cord payload;                  // The resource as its author serialized it. Empty: none.
  std::shared_ptr<const Birth> elder;  // Its birth, when that was an earlier write.
  std::shared_ptr<const Ancestry> ancestry;  // Null: the first of its key, or so its author knew.
  // Of an eviction its fence, how far each origin of the evicted agent counts; of a collection its
  // floor, within which tombstones are forgotten; of a settlement, which births are. Else null.
  std::shared_ptr<const VersionVector> bound;

  bool evicts() const { return bound != nullptr && !collects && !settles; }
  bool live() const { return !payload.empty(); }
  bool deleted() const { return !live() && !collects && !settles; }
  Birth birth() const { return elder == nullptr ? Birth{version, origin, sequence} : *elder; }
  OriginKey origin_key() const { return {origin, sequence, index}; }

  // False: the payload is no resource.
  bool ParseInto(trellis::v1::Resource& resource) const;
  // Null: none.
  ResourcePtr ParseResource() const;
  Catalog::Record ToRecord() const;
  // The entry that it was made of, a write of `name`. None: it has what is not kept here.
  std::optional<v1::Entry> ToEntry(absl::string_view name) const;
};

// The payload of a collection or settlement that was checked.
VersionVector VectorIn(const v1::Entry& entry);

// The entry was checked, now or before it was written to disk.
Stored MakeStored(const v1::Entry& entry, const EntryHash& hash);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_STORED_H_
