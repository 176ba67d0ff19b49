// What the catalog keeps in memory of one write. The payload's bytes stay in the engine.
#ifndef TRELLIS_STORAGE_CATALOG_STORED_H_
#define TRELLIS_STORAGE_CATALOG_STORED_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/numeric/int128.h"
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

struct Stored : Catalog::Record {
  uint32_t index = 0;        // In its transaction.
  uint32_t entry_bytes = 0;  // Of the stored entry, about.
  bool final_delete = false;
  bool collects = false;
  bool settles = false;
  bool listed = false;  // As a conflict: it lost, and says something else than the winner.
  absl::uint128 digest = 0;
  std::shared_ptr<const Ancestry> ancestry;  // Null: the first of its key, or so its author knew.
  // Of an eviction its fence, how far each origin of the evicted agent counts; of a collection its
  // floor, within which tombstones are forgotten; of a settlement, which births are. Else null.
  std::shared_ptr<const VersionVector> bound;

  bool evicts() const { return bound != nullptr && !collects && !settles; }
  bool deleted() const { return resource == nullptr && !collects && !settles; }
  OriginKey origin_key() const { return {origin, sequence, index}; }
};

// The payload of a collection or settlement that was checked.
VersionVector VectorIn(const v1::Entry& entry);

// `resource` is the entry's, parsed; null for a tombstone. The entry was checked.
Stored MakeStored(const v1::Entry& entry, ResourcePtr resource, const EntryHash& hash);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_STORED_H_
