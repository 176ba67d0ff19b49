#include "node/api/handlers/lost_claims.h"

#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "storage/catalog/claims.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

using resource::Kind;
using resource::Relation;

constexpr char kName[] = "display_name";
constexpr char kDomain[] = "custom_domain";
// Told in the log after one change; the rest are counted.
constexpr size_t kMostTold = 20;

// Whether a change of it can change who holds what.
bool Claims(const std::string& name) {
  const Kind kind = resource::KindOf(name);
  return resource::NamesAreClaimed(kind) || kind == Kind::kServiceAssociation;
}

// `lost`, filled in, goes to all `rivals` but the one that holds.
void AddLosers(const std::vector<storage::Claim>& rivals, const storage::VersionVector& settled,
               v1::LostClaim lost, LostClaims::ByName& all) {
  const storage::Claim& holder = storage::HolderOf(rivals, settled);
  lost.set_holder(holder.claimant);
  lost.set_settled(holder.IsSettled(settled));
  std::string last = holder.claimant;
  for (const storage::Claim& rival : rivals) {
    if (rival.claimant == holder.claimant || rival.claimant == last) continue;
    last = rival.claimant;  // A service may be in a network twice: once is enough.
    lost.set_name(rival.claimant);
    all[rival.claimant].push_back(lost);
  }
}

std::vector<std::string> Sentences(const LostClaims::ByName& all) {
  std::vector<std::string> sentences;
  for (const auto& [name, losses] : all) {
    for (const v1::LostClaim& lost : losses) {
      sentences.push_back(
          absl::StrCat(name, ": ", ClaimWords(lost), " is held by ", lost.holder()));
    }
  }
  absl::c_sort(sentences);
  return sentences;
}

void Tell(const char* what, const std::vector<std::string>& sentences,
          const std::vector<std::string>& but) {
  size_t told = 0;
  for (const std::string& sentence : sentences) {
    if (absl::c_binary_search(but, sentence)) continue;
    if (++told <= kMostTold) LOG(WARNING) << what << sentence;
  }
  if (told > kMostTold) LOG(WARNING) << what << "and " << told - kMostTold << " more such claims";
}

}  // namespace

std::string ClaimWords(const v1::LostClaim& lost) {
  return absl::StrCat(lost.claim(), " \"", lost.value(), "\"",
                      lost.service_network().empty() ? "" : " in ", lost.service_network());
}

std::shared_ptr<const LostClaims> LostClaims::Of(
    storage::Catalog& catalog, std::shared_ptr<const resource::Relations> relations) {
  const std::shared_ptr<LostClaims> claims(new LostClaims(catalog, std::move(relations)));
  claims->Refresh();
  catalog.Subscribe([claims](const storage::Applied& applied) { claims->OnApplied(applied); });
  return claims;
}

const std::vector<v1::LostClaim>& LostClaims::By(const std::string& name) const {
  static const auto& none = *new std::vector<v1::LostClaim>();
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? none : found->second;
}

std::string LostClaims::HolderOf(const std::vector<std::string>& called_alike) const {
  for (const std::string& name : called_alike) {
    for (const v1::LostClaim& lost : By(name)) {
      if (lost.claim() == kName) return lost.holder();
    }
  }
  return "";
}

size_t LostClaims::count() const {
  size_t count = 0;
  for (const auto& [name, losses] : by_name_) count += losses.size();
  return count;
}

void LostClaims::OnApplied(const storage::Applied& applied) {
  if (by_name_.empty() && relations_->shared().empty()) return;
  const bool concerned =
      applied.claims_settled ||
      absl::c_any_of(applied.items, [](const auto& item) { return Claims(item.name); });
  if (concerned) Refresh();
}

void LostClaims::Refresh() {
  ByName lost;
  for (const auto& [relation, key] : relations_->shared()) {
    const resource::Relations::Names& names = relations_->Find(relation, key);
    relation == Relation::kCalled ? AddNames(names, lost) : AddDomains(names, lost);
  }
  const std::vector<std::string> before = Sentences(by_name_);
  const std::vector<std::string> after = Sentences(lost);
  Tell("claim lost: ", after, before);
  Tell("claim no longer lost: ", before, after);
  by_name_ = std::move(lost);
}

void LostClaims::AddNames(const resource::Relations::Names& called_alike, ByName& lost) const {
  if (!resource::NamesAreClaimed(resource::KindOf(*called_alike.begin()))) return;
  std::vector<storage::Claim> rivals;
  v1::LostClaim claim;
  claim.set_claim(kName);
  for (const std::string& name : called_alike) {
    const storage::Catalog::Record record = *catalog_.FindRecord(name);
    rivals.push_back({name, {record.birth()}});
    claim.set_value(resource::DisplayName(*record.resource));
  }
  AddLosers(rivals, catalog_.settled(), std::move(claim), lost);
}

void LostClaims::AddDomains(const resource::Relations::Names& services, ByName& lost) const {
  std::map<std::string, std::vector<storage::Claim>> by_network;
  v1::LostClaim claim;
  claim.set_claim(kDomain);
  for (const std::string& name : services) {
    const storage::Catalog::Record service = *catalog_.FindRecord(name);
    claim.set_value(service.resource->service().custom_domain());
    for (const std::string& association : relations_->Find(Relation::kNetworkOfService, name)) {
      const storage::Catalog::Record record = *catalog_.FindRecord(association);
      by_network[record.resource->service_association().service_network()].push_back(
          {name, {service.birth(), record.birth()}});
    }
  }
  for (const auto& [network, rivals] : by_network) {
    claim.set_service_network(network);
    AddLosers(rivals, catalog_.settled(), claim, lost);
  }
}

}  // namespace trellis::api
