#include "storage/catalog/claims.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"
#include "storage/resource/relations.h"

namespace trellis::storage {
namespace {

using resource::Kind;

// Of a name, or one half of a domain's.
bool MakesClaims(const trellis::v1::Resource& resource) {
  return resource.has_service_association() ||
         resource::NamesAreClaimed(resource::KindOf(resource));
}

void AddDomain(const Catalog& catalog, const Catalog::Record& association, Claims& claims) {
  const auto& [network, name] =
      std::pair(association.resource->service_association().service_network(),
                association.resource->service_association().service());
  const auto service = catalog.FindRecord(name);
  if (!service.has_value() || service->resource == nullptr) return;
  const std::string& domain = service->resource->service().custom_domain();
  if (domain.empty()) return;
  claims[DomainIn(network, domain)].push_back({name, {service->birth(), association.birth()}});
}

bool IsElder(const Claim& a, const Claim& b) {
  const Version a_since = a.since();
  const Version b_since = b.since();
  return a_since != b_since ? a_since < b_since : a.claimant < b.claimant;
}

// Where `rival` would take what `holder`, which is settled, holds: caps `next` before its first
// write that is not settled.
void KeepUnsettled(const Claim& rival, const VersionVector& settled, VersionVector& next) {
  for (const Birth& birth : rival.births) {
    if (birth.IsWithin(settled)) continue;
    next.Reset(birth.origin, std::min(next.head(birth.origin), birth.sequence - 1));
    return;
  }
}

}  // namespace

Version Claim::since() const {
  Version newest;
  for (const Birth& birth : births) newest = std::max(newest, birth.version);
  return newest;
}

bool Claim::IsSettled(const VersionVector& settled) const {
  return absl::c_all_of(births, [&](const Birth& birth) { return birth.IsWithin(settled); });
}

bool HoldsAgainst(const Claim& a, const Claim& b, const VersionVector& settled) {
  const bool a_settled = a.IsSettled(settled);
  if (a_settled != b.IsSettled(settled)) return a_settled;
  return IsElder(a, b);
}

const Claim& HolderOf(const std::vector<Claim>& rivals, const VersionVector& settled) {
  return *absl::c_min_element(
      rivals, [&](const Claim& a, const Claim& b) { return HoldsAgainst(a, b, settled); });
}

bool KeepsClaims(const trellis::v1::Resource& before, const trellis::v1::Resource& after) {
  return MakesClaims(after) && resource::IdentityOf(before) == resource::IdentityOf(after) &&
         resource::DomainKey(before.service().custom_domain()) ==
             resource::DomainKey(after.service().custom_domain());
}

std::string NameOf(absl::string_view name, const trellis::v1::Resource& resource) {
  const Kind kind = resource::KindOf(resource);
  const std::string identity = resource::IdentityOf(resource);
  if (!resource::NamesAreClaimed(kind) || identity.empty()) return "";
  return resource::CalledKey(kind, resource::ParentOf(name), identity);
}

std::string DomainIn(absl::string_view network, absl::string_view domain) {
  return absl::StrCat(network, " ", resource::DomainKey(domain));
}

Claims ClaimsIn(const Catalog& catalog) {
  Claims claims;
  for (const Kind kind : {Kind::kVpc, Kind::kServiceNetwork, Kind::kService, Kind::kTargetGroup,
                          Kind::kServiceAssociation}) {
    catalog.Visit(resource::CollectionPrefix(kind), "",
                  [&](const std::string& name, const Catalog::Record& record) {
                    if (record.resource->has_service_association()) {
                      AddDomain(catalog, record, claims);
                    } else if (std::string what = NameOf(name, *record.resource); !what.empty()) {
                      claims[std::move(what)].push_back({name, {record.birth()}});
                    }
                    return true;
                  });
  }
  return claims;
}

VersionVector NextSettled(const Claims& claims, const VersionVector& settled) {
  VersionVector next;
  for (const auto& [what, rivals] : claims) {
    for (const Claim& claim : rivals) {
      for (const Birth& birth : claim.births) next.Advance(birth.origin, birth.sequence);
    }
  }
  for (const auto& [what, rivals] : claims) {
    if (rivals.size() < 2) continue;
    const Claim& holder = HolderOf(rivals, settled);
    if (!holder.IsSettled(settled)) continue;
    for (const Claim& rival : rivals) {
      if (rival.claimant == holder.claimant || rival.IsSettled(settled)) continue;
      if (IsElder(rival, holder)) KeepUnsettled(rival, settled, next);
    }
  }
  return next;
}

}  // namespace trellis::storage
