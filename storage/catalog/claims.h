// Who holds what only one may have: a name in its account, a custom domain in a service network.
//
// Each agent refuses a second claim, but two sides of a partition each accept one. Both resources
// live on, and who holds what both claim is a function of what the catalog holds, so all agents
// choose alike: a settled claim before one that is not, then the one that was made first. Whatever
// became of the resource since, its claim is as old as its taking of the name or domain.
//
// Decision: docs/decisions/0015-claims.md.
#ifndef TRELLIS_STORAGE_CATALOG_CLAIMS_H_
#define TRELLIS_STORAGE_CATALOG_CLAIMS_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "storage/catalog/catalog.h"

namespace trellis::storage {

struct Claim {
  std::string claimant;  // A resource.
  // What makes the claim: one write of a name, two of a domain, since both the service and its
  // association with the network must be there.
  std::vector<Birth> births;

  Version since() const;  // The newest of them.
  bool IsSettled(const VersionVector& settled) const;
};

// Whether `a` holds against `b`: a total order over the claims of different claimants.
bool HoldsAgainst(const Claim& a, const Claim& b, const VersionVector& settled);

// Of one or more that claim the same.
const Claim& HolderOf(const std::vector<Claim>& rivals, const VersionVector& settled);

// Whether what `after` claims, it has claimed as `before` already.
bool KeepsClaims(const trellis::v1::Resource& before, const trellis::v1::Resource& after);

// What is claimed, and by whom.
using Claims = absl::btree_map<std::string, std::vector<Claim>>;

// Keys of those: the name of a resource (empty: of that kind several may be called alike), a
// domain.
std::string NameOf(absl::string_view name, const trellis::v1::Resource& resource);
std::string DomainIn(absl::string_view network, absl::string_view domain);

// All there are in the catalog. O(resources).
Claims ClaimsIn(const Catalog& catalog);

// The least vector that settles `claims`, as far as that takes nothing from who holds a settled
// one: where an earlier claim has come to light since, its author's stay unsettled from there on.
VersionVector NextSettled(const Claims& claims, const VersionVector& settled);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_CLAIMS_H_
