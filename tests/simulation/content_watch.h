// S8, of one store: what it holds of a transaction is of one content, whoever signed others.
#ifndef TRELLIS_TESTS_SIMULATION_CONTENT_WATCH_H_
#define TRELLIS_TESTS_SIMULATION_CONTENT_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/catalog/catalog.h"

namespace trellis::simulation {

// All changes of a transaction have its version. Thread-safety: none.
class ContentWatch {
 public:
  // One store's records, one after the other. Returns what is broken, in words.
  class Store {
   public:
    std::optional<std::string> Note(const std::string& name,
                                    const storage::Catalog::Record& record);

   private:
    std::map<std::pair<storage::Origin, uint64_t>, storage::Version> versions_;
  };

  // Of any agent, at any time. O(1) while nothing changes.
  std::vector<std::string> Watch(size_t node, const storage::Catalog& catalog);

 private:
  std::map<size_t, storage::Root> seen_;  // By node.
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_CONTENT_WATCH_H_
