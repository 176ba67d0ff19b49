// S6: a settled claim is held for as long as its holder claims it.
#ifndef TRELLIS_TESTS_SIMULATION_CLAIM_WATCH_H_
#define TRELLIS_TESTS_SIMULATION_CLAIM_WATCH_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "storage/catalog/catalog.h"
#include "storage/catalog/claims.h"

namespace trellis::simulation {

// Thread-safety: none.
class ClaimWatch {
 public:
  // Of the agent that has just written a settlement. Both return what is broken, in words.
  std::vector<std::string> OnSettled(const storage::Catalog& catalog, bool eviction_seen);
  // Of any agent, at any time. O(1) while nothing changes.
  std::vector<std::string> Watch(size_t node, const storage::Catalog& catalog, bool eviction_seen);

  // Who holds what, for comparisons.
  static std::map<std::string, std::string> HoldersIn(const storage::Catalog& catalog);

 private:
  // What a settlement's author saw.
  struct Held {
    storage::Claim holder;
    std::vector<storage::Claim> rivals;
    storage::VersionVector by_then;
  };

  std::vector<std::string> Check(const storage::Catalog& catalog, const storage::Claims& claims,
                                 bool eviction_seen) const;

  std::map<std::string, Held> held_;
  std::map<size_t, storage::Root> seen_;  // By node.
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_CLAIM_WATCH_H_
