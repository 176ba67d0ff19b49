// S16: wherever an eviction has arrived, what the evicted agent writes beyond its fence is refused.
#ifndef TRELLIS_TESTS_SIMULATION_EVICTION_WATCH_H_
#define TRELLIS_TESTS_SIMULATION_EVICTION_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "storage/catalog/catalog.h"

namespace trellis::simulation {

// Thread-safety: none. All methods that look return what is broken, in words.
class EvictionWatch {
 public:
  // An agent took `delta` in, or wrote it; evictions in it are remembered.
  std::vector<std::string> OnTaken(const storage::Catalog& catalog,
                                   const storage::v1::Delta& delta);
  // Of any agent, at any time: it holds nothing beyond a fence that it knows. O(1) while nothing
  // changes.
  std::vector<std::string> Watch(size_t node, const storage::Catalog& catalog);
  // Of an agent that has had the time to hear of everything: it knows of all evictions whose
  // authors' writes `last`.
  std::vector<std::string> CheckKnown(const storage::Catalog& catalog,
                                      absl::FunctionRef<bool(storage::NodeId author)> last) const;

 private:
  struct Eviction {
    std::string agent;
    std::map<storage::Origin, uint64_t> fence;  // Of its other origins nothing counts.
  };
  struct Seen {
    storage::Root root;
    uint64_t vector_hash = 0;
    bool operator==(const Seen&) const = default;
  };

  void Remember(const storage::v1::Delta& delta);
  // How far the origin's writes count, as far as `catalog` has heard; none: without end.
  std::optional<uint64_t> FenceAround(const storage::Catalog& catalog,
                                      const storage::Origin& origin) const;

  std::map<std::pair<storage::Origin, uint64_t>, Eviction> evictions_;  // By origin and sequence.
  std::map<size_t, Seen> seen_;                                         // By node.
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_EVICTION_WATCH_H_
