// What all agents' checks say of a target, added up: docs/decisions/0016.
#ifndef TRELLIS_NODE_HEALTH_MESH_VERDICTS_H_
#define TRELLIS_NODE_HEALTH_MESH_VERDICTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "gossip/health/health_shards.h"
#include "node/health/verdict.h"
#include "node/snapshot/target_endpoint.h"
#include "routing/balance/opinion_list.h"
#include "storage/catalog/catalog.h"

namespace trellis::health {

// Thread-safety: none; control thread.
class MeshVerdicts {
 public:
  // As gossip::HealthShards::OpinionsOf.
  using OpinionsOf = std::function<std::vector<gossip::CheckerOpinion>(
      uint64_t list, uint32_t index, absl::string_view address)>;

  // The catalog is borrowed.
  MeshVerdicts(const storage::Catalog& catalog, OpinionsOf opinions_of)
      : catalog_(catalog), opinions_of_(std::move(opinions_of)) {}

  // Of the target at `index` of a list; `previous` when nobody says anything.
  routing::Opinion Of(uint64_t list, uint32_t index, const net::Endpoint& target,
                      routing::Opinion previous) const;

  // Of any target of the catalog. None: nobody says anything. O(targets of the group) for the first
  // of a group.
  std::optional<Verdict> Get(const LocatedTarget& target);

  // To be called with each change of the catalog.
  void CatalogChanged() { list_.reset(); }

 private:
  // The last group asked for: people list the targets of a group one after the other.
  struct List {
    std::string target_group;
    std::vector<net::Endpoint> targets;
    uint64_t identity = 0;
  };

  const List& ListOf(const std::string& target_group);

  const storage::Catalog& catalog_;
  const OpinionsOf opinions_of_;
  std::optional<List> list_;
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_MESH_VERDICTS_H_
