#include "tests/simulation/claim_watch.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {
namespace {

using storage::Catalog;
using storage::Claim;
using storage::Claims;

bool Contains(const std::vector<Claim>& claims, const Claim& claim) {
  return absl::c_any_of(claims, [&](const Claim& other) {
    return other.claimant == claim.claimant && other.births == claim.births;
  });
}

}  // namespace

std::vector<std::string> ClaimWatch::OnSettled(const Catalog& catalog, bool eviction_seen) {
  SOMETIMES("claims were settled");
  const Claims claims = storage::ClaimsIn(catalog);
  std::vector<std::string> broken = Check(catalog, claims, eviction_seen);
  for (const auto& [what, rivals] : claims) {
    const Claim& holder = storage::HolderOf(rivals, catalog.settled());
    if (!holder.IsSettled(catalog.settled())) continue;
    held_[what] = {holder, rivals, catalog.vector()};
  }
  return broken;
}

std::vector<std::string> ClaimWatch::Watch(size_t node, const Catalog& catalog,
                                           bool eviction_seen) {
  const auto seen = seen_.find(node);
  if (catalog.in_review() || (seen != seen_.end() && seen->second == catalog.root())) return {};
  seen_[node] = catalog.root();
  const Claims claims = storage::ClaimsIn(catalog);
  for (const auto& [what, rivals] : claims) {
    if (rivals.size() > 1) SOMETIMES("a claim was lost");
  }
  return Check(catalog, claims, eviction_seen);
}

std::vector<std::string> ClaimWatch::Check(const Catalog& catalog, const Claims& claims,
                                           bool eviction_seen) const {
  std::vector<std::string> broken;
  for (const auto& [what, held] : held_) {
    const auto rivals = claims.find(what);
    if (rivals == claims.end() || !catalog.vector().Covers(held.by_then)) continue;
    if (!Contains(rivals->second, held.holder)) continue;  // It let go.
    const Claim& now = storage::HolderOf(rivals->second, catalog.settled());
    if (now.claimant == held.holder.claimant) continue;
    // An eviction may void the settlement, or the delete of an earlier holder.
    if (eviction_seen &&
        (!held.holder.IsSettled(catalog.settled()) || !Contains(held.rivals, now))) {
      continue;
    }
    broken.push_back(absl::StrCat("S6: ", what, " is held by ", now.claimant, ", settled for ",
                                  held.holder.claimant, " as it was"));
  }
  return broken;
}

std::map<std::string, std::string> ClaimWatch::HoldersIn(const Catalog& catalog) {
  std::map<std::string, std::string> holders;
  for (const auto& [what, rivals] : storage::ClaimsIn(catalog)) {
    holders[what] = storage::HolderOf(rivals, catalog.settled()).claimant;
  }
  return holders;
}

}  // namespace trellis::simulation
