#include "storage/resource/relations.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/resource/fields.h"

namespace trellis::resource {
namespace {

using Add = absl::FunctionRef<void(Relation relation, std::string key)>;

void AddForwards(const v1::RuleAction& action, const Add& add) {
  for (const v1::WeightedTargetGroup& share : action.forward().target_groups()) {
    add(Relation::kForwardsTo, share.target_group());
  }
}

void AddReferences(const v1::Resource& resource, const Add& add) {
  switch (resource.kind_case()) {
    case v1::Resource::kService:
      return add(Relation::kHasCustomDomain, DomainKey(resource.service().custom_domain()));
    case v1::Resource::kListener:
      return AddForwards(resource.listener().default_action(), add);
    case v1::Resource::kRule:
      return AddForwards(resource.rule().action(), add);
    case v1::Resource::kTargetGroup:
      return add(Relation::kTargetGroupInVpc, resource.target_group().vpc());
    case v1::Resource::kAgent:
      return add(Relation::kAgentInVpc, resource.agent().vpc());
    case v1::Resource::kVpcAssociation:
      add(Relation::kVpcInNetwork, resource.vpc_association().service_network());
      return add(Relation::kNetworkOfVpc, resource.vpc_association().vpc());
    case v1::Resource::kServiceAssociation:
      add(Relation::kServiceInNetwork, resource.service_association().service_network());
      return add(Relation::kNetworkOfService, resource.service_association().service());
    default:
      return;
  }
}

void ForEachKey(const std::string& name, const v1::Resource& resource, const Add& add) {
  const auto add_if_said = [&](Relation relation, std::string key) {
    if (!key.empty()) add(relation, std::move(key));
  };
  if (const std::string identity = IdentityOf(resource); !identity.empty()) {
    add(Relation::kCalled, CalledKey(KindOf(resource), ParentOf(name), identity));
  }
  AddReferences(resource, add_if_said);
}

}  // namespace

std::string Identity(absl::string_view account, absl::string_view display_name) {
  return display_name.empty() ? "" : absl::StrCat(account, "/", display_name);
}

std::string AssociationIdentity(absl::string_view network, absl::string_view associated) {
  return absl::StrCat(network, " ", associated);
}

std::string IdentityOf(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kVpcAssociation:
      return AssociationIdentity(resource.vpc_association().service_network(),
                                 resource.vpc_association().vpc());
    case v1::Resource::kServiceAssociation:
      return AssociationIdentity(resource.service_association().service_network(),
                                 resource.service_association().service());
    default:
      return Identity(AccountOf(resource), DisplayName(resource));
  }
}

std::string CalledKey(Kind kind, absl::string_view parent, absl::string_view identity) {
  return absl::StrCat(CollectionPrefix(kind, parent), identity);
}

bool NamesAreClaimed(Kind kind) {
  return kind == Kind::kVpc || kind == Kind::kServiceNetwork || kind == Kind::kService ||
         kind == Kind::kListener || kind == Kind::kRule || kind == Kind::kTargetGroup;
}

std::string DomainKey(absl::string_view domain) { return absl::AsciiStrToLower(domain); }

namespace {

bool MayBeClaimed(Relation relation) {
  return relation == Relation::kCalled || relation == Relation::kHasCustomDomain;
}

}  // namespace

void Relations::Change(const std::string& name, const v1::Resource* before,
                       const v1::Resource* after) {
  if (before != nullptr) {
    ForEachKey(name, *before, [&](Relation relation, std::string key) {
      const auto it = names_.find(std::pair(relation, std::move(key)));
      if (it == names_.end()) return;  // Said twice.
      it->second.erase(name);
      if (it->second.size() == 1) shared_.erase(it->first);
      if (it->second.empty()) names_.erase(it);
    });
  }
  if (after != nullptr) {
    ForEachKey(name, *after, [&](Relation relation, std::string key) {
      const auto it = names_.try_emplace(std::pair(relation, std::move(key))).first;
      it->second.insert(name);
      if (it->second.size() > 1 && MayBeClaimed(relation)) shared_.insert(it->first);
    });
  }
}

const Relations::Names& Relations::Find(Relation relation, absl::string_view key) const {
  static const auto& none = *new Names();
  const auto it = names_.find(std::pair(relation, std::string(key)));
  return it == names_.end() ? none : it->second;
}

}  // namespace trellis::resource
