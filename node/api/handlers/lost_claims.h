// Names and custom domains that two resources claim: who goes without.
//
// Keeps up with the catalog, and tells the log what is lost and what is found again. Whoever lost a
// claim goes on in all other ways; it gets what it claims when the holder is deleted.
//
// Decision: docs/decisions/0015-claims.md.
#ifndef TRELLIS_NODE_API_HANDLERS_LOST_CLAIMS_H_
#define TRELLIS_NODE_API_HANDLERS_LOST_CLAIMS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/trellis/v1/conflict_api.pb.h"
#include "storage/catalog/catalog.h"
#include "storage/resource/relations.h"

namespace trellis::api {

// Thread-safety: none; control thread.
class LostClaims {
 public:
  // For the catalog's life. `relations` is kept up with the catalog by who made it, and was before
  // this is made.
  static std::shared_ptr<const LostClaims> Of(storage::Catalog& catalog,
                                              std::shared_ptr<const resource::Relations> relations);

  // What `name` claims and another holds: mostly nothing.
  const std::vector<v1::LostClaim>& By(const std::string& name) const;
  // Of resources that are called alike, the one that has the name; empty: that is not known.
  std::string HolderOf(const std::vector<std::string>& called_alike) const;

  using ByName = std::map<std::string, std::vector<v1::LostClaim>>;
  const ByName& all() const { return by_name_; }
  size_t count() const;

 private:
  LostClaims(const storage::Catalog& catalog, std::shared_ptr<const resource::Relations> relations)
      : catalog_(catalog), relations_(std::move(relations)) {}

  void OnApplied(const storage::Applied& applied);
  void Refresh();
  void AddNames(const resource::Relations::Names& called_alike, ByName& lost) const;
  void AddDomains(const resource::Relations::Names& services, ByName& lost) const;

  const storage::Catalog& catalog_;
  const std::shared_ptr<const resource::Relations> relations_;
  ByName by_name_;
};

// "display_name \"cart\"", "custom_domain \"cart.example\" in serviceNetworks/sn-…".
std::string ClaimWords(const v1::LostClaim& lost);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_LOST_CLAIMS_H_
