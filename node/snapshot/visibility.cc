#include "node/snapshot/visibility.h"

#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "node/snapshot/claim.h"
#include "node/snapshot/names.h"

namespace trellis {
namespace {

struct Candidate {
  Claim claim;
  Membership membership;
};

std::optional<Membership> FindNetwork(const storage::Catalog& catalog, const std::string& name,
                                      const Naming& naming) {
  if (!IsTopLevel(name, kServiceNetworks)) return std::nullopt;
  const std::shared_ptr<const v1::Resource> resource = catalog.Find(name);
  if (resource == nullptr || !resource->has_service_network()) return std::nullopt;
  const v1::ServiceNetwork& network = resource->service_network();
  return Membership{name, naming.ArnOf(name, network.arn(), network.account()), {}};
}

std::optional<Membership> NetworkOf(const storage::Catalog& catalog, absl::string_view vpc,
                                    const Naming& naming, std::vector<std::string>* problems) {
  std::optional<Candidate> first;
  const auto lost = [&](const Candidate& candidate) {
    problems->push_back(absl::StrCat(candidate.claim.name, ": ", vpc,
                                     " is already associated with another service network, so ",
                                     candidate.membership.service_network, " is not used"));
  };
  catalog.Visit(kVpcAssociations, "", [&](const std::string& name, const auto& record) {
    if (!record.resource->has_vpc_association()) return true;
    const v1::VpcAssociation& association = record.resource->vpc_association();
    if (association.vpc() != vpc) return true;
    std::optional<Membership> network = FindNetwork(catalog, association.service_network(), naming);
    if (!network.has_value()) return true;
    Candidate candidate{ClaimOf(association, name), *std::move(network)};
    if (!first.has_value()) {
      first = std::move(candidate);
    } else if (candidate.claim < first->claim) {
      lost(*first);
      first = std::move(candidate);
    } else {
      lost(candidate);
    }
    return true;
  });
  if (!first.has_value()) return std::nullopt;
  return first->membership;
}

}  // namespace

absl::btree_map<std::string, Membership> VisibleServices(const storage::Catalog& catalog,
                                                         absl::string_view vpc,
                                                         const Naming& naming,
                                                         std::vector<std::string>* problems) {
  absl::btree_map<std::string, Membership> visible;
  const std::optional<Membership> network = NetworkOf(catalog, vpc, naming, problems);
  if (!network.has_value()) return visible;
  catalog.Visit(kServiceAssociations, "", [&](const std::string&, const auto& record) {
    const v1::ServiceAssociation& association = record.resource->service_association();
    if (association.service_network() == network->service_network &&
        IsTopLevel(association.service(), kServices)) {
      Membership& membership = visible.emplace(association.service(), *network).first->second;
      membership.associations.push_back(record.birth());
    }
    return true;
  });
  return visible;
}

}  // namespace trellis
