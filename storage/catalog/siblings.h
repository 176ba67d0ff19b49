// Which writes of one key are kept, and which of them is read: the merge. Pure.
//
// A key's writes that no other supersedes are kept, the winner first, then by how they rank. The
// result depends on the set of writes alone, not on their order or repetition, as long as their
// authors are honest about what they had seen; where one is not, repair makes agents equal.
//
// Decision: docs/decisions/0010-conflicts-are-kept-as-siblings.md.
#ifndef TRELLIS_STORAGE_CATALOG_SIBLINGS_H_
#define TRELLIS_STORAGE_CATALOG_SIBLINGS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "storage/catalog/stored.h"

namespace trellis::storage {

// Writes of one key that are kept; more are concurrent only if someone makes them so.
inline constexpr size_t kMaxSiblings = 16;
// Of an entry's context, and of what it leaves open.
inline constexpr size_t kMaxContext = 64;
inline constexpr size_t kMaxOpen = 64;
// Origins of an evicted agent that an eviction names; of others nothing counts.
inline constexpr size_t kMaxFence = 128;

// Whether `a` makes `b`, of the same key, obsolete. INVARIANT: only newer writes and final deletes
// supersede, so there are no circles.
bool Supersedes(const Stored& a, const Stored& b);

// Whether `a` ranks before `b`: a total order over the writes of a key.
bool RanksBefore(const Stored& a, const Stored& b);

// Adds `write` to `held`, which is ranked, and drops what it supersedes. False, and nothing
// changes, when it is there already, superseded, or the least of too many.
bool MergeInto(Stored write, std::vector<Stored>& held);

// What a write descends from whose author holds `held` and leaves every conflict open but
// `resolved` and those that say what the winner says: not from what only an open one was written
// over. Null when nothing is held.
std::shared_ptr<const Ancestry> Descend(const std::vector<Stored>& held,
                                        const std::vector<Version>& resolved);

// How far `origin` counts when `held` is what is held of its agent's roster entry: evicted twice,
// the lower fence stands. None: it was not evicted.
std::optional<uint64_t> FenceAround(const Origin& origin, const std::vector<Stored>& held);

// Sets `listed` of each of `held`.
void MarkConflicts(std::vector<Stored>& held);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_SIBLINGS_H_
