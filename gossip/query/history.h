// When the newest transactions arrived here, from whom, and when this agent's proxy obeyed them.
//
// Barriers take their latencies from it, and `trellisctl trace` its times. Memory only; the oldest
// go first.
//
// Spec: gossip-design 3.9 (percentiles), 3.11 (trace).
#ifndef TRELLIS_GOSSIP_QUERY_HISTORY_H_
#define TRELLIS_GOSSIP_QUERY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {

// Thread-safety: none; control thread. All times are this host's wall clock.
class History {
 public:
  static constexpr size_t kMaxRemembered = 4096;

  struct Item {
    storage::Version version;
    storage::NodeId from = 0;  // Who sent it; this agent itself for its own.
    absl::Time received;
    absl::Time enforced = absl::InfiniteFuture();  // Until it is.
  };

  // Remembers every transaction that has an entry in `delta`.
  void Add(const storage::v1::Delta& delta, storage::NodeId from, absl::Time now);
  // This agent's proxy obeys everything up to `vector`. O(transactions it did not obey yet).
  void SetEnforced(const storage::VersionVector& vector, absl::Time now);

  // Null when it is not remembered. Valid until the next Add. By version: O(kMaxRemembered).
  const Item* Find(const storage::Origin& origin, uint64_t sequence) const;
  const Item* Find(const storage::Version& version) const;

  // From the latest commit among what `vector` says up to its being enforced, as far as it is
  // remembered; infinite when nothing of it is, or is not enforced.
  absl::Duration EnforcedAfter(const storage::VersionVector& vector) const;

 private:
  using Key = std::pair<storage::Origin, uint64_t>;

  std::map<Key, Item> items_;
  std::deque<Key> oldest_first_;
  std::deque<Key> not_enforced_;  // Of those in items_, and at most some that are gone from it.
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_QUERY_HISTORY_H_
