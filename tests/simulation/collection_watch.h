// S9: no tombstone is forgotten anywhere while a member of the roster lacks it.
#ifndef TRELLIS_TESTS_SIMULATION_COLLECTION_WATCH_H_
#define TRELLIS_TESTS_SIMULATION_COLLECTION_WATCH_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "storage/catalog/catalog.h"

namespace trellis::simulation {

// Thread-safety: none. All methods that look return what is broken, in words.
class CollectionWatch {
 public:
  // One whom the author of a collection has in its roster.
  struct Member {
    std::string name;
    storage::Birth admitted;
    storage::VersionVector held;  // All that it ever held and obeyed, over restarts.
  };

  // A collection of `floor` has been written. Who was admitted beyond the floor began with nothing,
  // and had nobody to get from what the deletes within it ended.
  std::vector<std::string> OnCollection(const storage::VersionVector& floor,
                                        const std::vector<Member>& roster);
  // Of any agent, at any time: it has forgotten nothing but what was collected. A delete whose
  // author's writes may be void is excused. O(1) while nothing changes.
  std::vector<std::string> Watch(size_t node, const storage::Catalog& catalog,
                                 absl::FunctionRef<bool(storage::NodeId author)> may_be_void);
  // The agent starts over, perhaps from another disk.
  void Forget(size_t node) { seen_.erase(node); }

 private:
  struct Seen {
    storage::Root root;
    std::map<std::string, storage::MeshToken> tombstones;  // Who deleted it.
  };

  storage::VersionVector collected_;
  std::map<size_t, Seen> seen_;  // By node.
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_COLLECTION_WATCH_H_
