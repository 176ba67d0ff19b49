// Whether what a peer sent, or a disk gave back, can be an entry at all. Pure: no catalog state.
#ifndef TRELLIS_STORAGE_CATALOG_ENTRY_CHECK_H_
#define TRELLIS_STORAGE_CATALOG_ENTRY_CHECK_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "proto/trellis/v1/resource.pb.h"

namespace trellis::storage {

// A version further ahead of our clock is refused, not merely kept from advancing it.
inline constexpr absl::Duration kMaxFuture = absl::Seconds(10);

using ResourcePtr = std::shared_ptr<const trellis::v1::Resource>;

// The resource of a PUT, else null. A resource of a kind this release does not know passes
// if its name is its key. INVALID_ARGUMENT: the message says what is wrong with which key.
absl::StatusOr<ResourcePtr> CheckEntry(const v1::Entry& entry);

// The keys of collections and settlements, which are no resources.
inline constexpr absl::string_view kCollectionKey = "tombstones";
inline constexpr absl::string_view kClaimsKey = "claims";

// Whether `entry` takes an agent out of the roster, for good.
bool IsEviction(const v1::Entry& entry);

// The resources of all entries, in their order. Who wrote them is another question.
//   INVALID_ARGUMENT     over a bound, out of order, of another origin
//   FAILED_PRECONDITION  a version more than kMaxFuture after `now`
// Both messages name the author.
absl::StatusOr<std::vector<ResourcePtr>> CheckDelta(const v1::Delta& delta, absl::Time now);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_ENTRY_CHECK_H_
