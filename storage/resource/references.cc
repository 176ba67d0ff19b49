#include "storage/resource/references.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "storage/resource/errors.h"
#include "storage/resource/fields.h"

namespace trellis::resource {

namespace {

// The first of `names` that is not `self`; empty when there is none.
std::string Another(const std::vector<std::string>& names, absl::string_view self) {
  for (const std::string& name : names) {
    if (name != self) return name;
  }
  return "";
}

absl::Status CheckExists(const View& view, absl::string_view field, absl::string_view name) {
  return view.Find(name) != nullptr ? absl::OkStatus() : ReferenceMissing(field, name);
}

absl::Status CheckAccountExists(const View& view, Kind kind, const std::string& account) {
  if (account.empty()) return absl::OkStatus();
  return CheckExists(view, absl::StrCat(FieldPrefix(kind), ".account"),
                     Join("", Kind::kAccount, account));
}

// The first resource of `kind` below `parent` beside `self` for which `same` holds.
std::string FindSibling(const View& view, Kind kind, absl::string_view parent,
                        absl::string_view self,
                        absl::FunctionRef<bool(const v1::Resource& resource)> same) {
  std::string found;
  view.Visit(CollectionPrefix(kind, parent), "",
             [&](const std::string& name, const v1::Resource& resource) {
               // Rules lie below their listener: only the kind itself counts.
               if (name != self && KindOf(resource) == kind && same(resource)) found = name;
               return found.empty();
             });
  return found;
}

absl::Status CheckGroupFits(const v1::TargetGroup& group, const v1::Service& service,
                            const v1::Listener& listener) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("target_group: ", group.name(), " does not fit ", listener.name(), ": ", why));
  };
  if (group.account() != service.account()) {
    return refuse(absl::StrCat("it is of account ", group.account(), " and the service of ",
                               service.account(), "; give a group of the service's account"));
  }
  const bool passthrough = listener.protocol() == v1::LISTENER_TLS_PASSTHROUGH;
  if (passthrough != (group.protocol() == v1::TARGET_TCP)) {
    return refuse(passthrough ? "TLS_PASSTHROUGH forwards to groups of protocol TCP only"
                              : "protocol TCP goes with TLS_PASSTHROUGH listeners only");
  }
  const bool http2 = group.protocol_version() == v1::HTTP2 || group.protocol_version() == v1::GRPC;
  if (http2 && listener.protocol() != v1::LISTENER_HTTPS) {
    return refuse("protocol versions HTTP2 and GRPC need an HTTPS listener");
  }
  return absl::OkStatus();
}

absl::Status CheckIpTarget(const v1::TargetGroup& group, const v1::Target& target) {
  const bool ipv6 = group.ip_address_type() == v1::IPV6;
  const auto address = net::Endpoint::FromAddress(target.id(), 0);
  if (!address.ok() || address->is_ipv6() != ipv6) {
    return BadField("target.id", target.id(), "does not fit its group",
                    ipv6 ? "an IPv6 address" : "an IPv4 address");
  }
  return absl::OkStatus();
}

absl::Status CheckTargetFits(const v1::TargetGroup& group, const v1::Target& target) {
  if (!target.address().empty() && group.type() != v1::INSTANCE) {
    return FieldNotAllowed("target.address", "only a group of type INSTANCE needs one");
  }
  if (group.type() == v1::LAMBDA) {
    if (target.port() == 0) return absl::OkStatus();
    return FieldNotAllowed("target.port", "a function has none");
  }
  if (target.port() == 0) return MissingField("target.port", "1 to 65535");
  if (group.type() == v1::IP) return CheckIpTarget(group, target);
  if (group.type() == v1::INSTANCE && target.address().empty()) {
    return MissingField("target.address", "the IP address the instance answers on");
  }
  return absl::OkStatus();
}

std::string ServiceOf(absl::string_view listener_or_rule) {
  std::string name(listener_or_rule);
  while (KindOf(name) != Kind::kService && !name.empty()) name = ParentOf(name);
  return name;
}

// One check of one resource.
class Check {
 public:
  Check(const View& view, const v1::Resource& resource, const v1::Resource* before)
      : view_(view), resource_(resource), before_(before), name_(ResourceName(resource)) {}

  absl::Status Run() {
    const Kind kind = KindOf(resource_);
    RETURN_IF_ERROR(CheckAccountExists(view_, kind, AccountOf(resource_)));
    RETURN_IF_ERROR(DisplayNameFree(kind));
    switch (kind) {
      case Kind::kService:
        return ServiceDomain();
      case Kind::kListener:
        return ListenerRefs(resource_.listener());
      case Kind::kRule:
        return RuleRefs(resource_.rule());
      case Kind::kTargetGroup:
        if (resource_.target_group().vpc().empty()) return absl::OkStatus();
        return CheckExists(view_, "target_group.vpc", resource_.target_group().vpc());
      case Kind::kTarget:
        return TargetRefs(resource_.target());
      case Kind::kVpcAssociation:
        return VpcAssociationRefs(resource_.vpc_association());
      case Kind::kServiceAssociation:
        return ServiceAssociationRefs(resource_.service_association());
      case Kind::kAgent:
        return CheckExists(view_, "agent.vpc", resource_.agent().vpc());
      case Kind::kJoinToken:
        return CheckExists(view_, "join_token.vpc", resource_.join_token().vpc());
      default:
        return absl::OkStatus();
    }
  }

 private:
  bool HasIdentity() const {
    return before_ != nullptr && IdentityOf(*before_) == IdentityOf(resource_);
  }

  absl::Status DisplayNameFree(Kind kind) {
    const std::string display_name = DisplayName(resource_);
    if (display_name.empty() || !NamesAreClaimed(kind) || HasIdentity()) return absl::OkStatus();
    const std::string holder = Another(
        view_.Related(Relation::kCalled, CalledKey(kind, ParentOf(name_), IdentityOf(resource_))),
        name_);
    return holder.empty() ? absl::OkStatus() : DisplayNameTaken(kind, display_name, holder);
  }

  // No other service of `network` has that domain.
  absl::Status DomainFree(absl::string_view service, const std::string& domain,
                          const std::string& network) {
    if (domain.empty()) return absl::OkStatus();
    for (const std::string& other : view_.Related(Relation::kHasCustomDomain, DomainKey(domain))) {
      if (other != service && !AssociationOf(other, network).empty()) {
        return CustomDomainTaken(domain, other, network);
      }
    }
    return absl::OkStatus();
  }

  // Of `service` with `network`, beside this one; empty: none.
  std::string AssociationOf(absl::string_view service, absl::string_view network) {
    const std::string identity = AssociationIdentity(network, service);
    return Another(
        view_.Related(Relation::kCalled, CalledKey(Kind::kServiceAssociation, "", identity)),
        name_);
  }

  absl::Status ServiceDomain() {
    const std::string& domain = resource_.service().custom_domain();
    const bool has = before_ != nullptr && before_->service().custom_domain() == domain;
    if (domain.empty() || has) return absl::OkStatus();
    for (const std::string& name : view_.Related(Relation::kNetworkOfService, name_)) {
      const auto association = view_.Find(name);
      RETURN_IF_ERROR(
          DomainFree(name_, domain, association->service_association().service_network()));
    }
    return absl::OkStatus();
  }

  absl::Status ActionRefs(absl::string_view field, const v1::RuleAction& action,
                          const v1::Listener& listener) {
    const std::string service_name = ServiceOf(name_);
    const auto service = view_.Find(service_name);
    if (service == nullptr) return ReferenceMissing("parent", service_name);
    for (const std::string& group_name : TargetGroupsOf(action)) {
      const auto group = view_.Find(group_name);
      if (group == nullptr) {
        return ReferenceMissing(absl::StrCat(field, ".forward.target_groups.target_group"),
                                group_name);
      }
      RETURN_IF_ERROR(CheckGroupFits(group->target_group(), service->service(), listener));
      for (const std::string& user : view_.Related(Relation::kForwardsTo, group_name)) {
        if (!absl::StartsWith(user, absl::StrCat(service_name, "/"))) {
          return TargetGroupOfAnotherService(group_name, ServiceOf(user));
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status ListenerRefs(const v1::Listener& listener) {
    RETURN_IF_ERROR(CheckExists(view_, "parent", ParentOf(name_)));
    const std::string holder = FindSibling(
        view_, Kind::kListener, ParentOf(name_), name_,
        [&](const v1::Resource& other) { return other.listener().port() == listener.port(); });
    const bool has = before_ != nullptr && before_->listener().port() == listener.port();
    if (!holder.empty() && !has) return ListenerPortTaken(listener.port(), holder);
    return ActionRefs("listener.default_action", listener.default_action(), listener);
  }

  absl::Status RuleRefs(const v1::Rule& rule) {
    const auto parent = view_.Find(ParentOf(name_));
    if (parent == nullptr) return ReferenceMissing("parent", ParentOf(name_));
    if (parent->listener().protocol() == v1::LISTENER_TLS_PASSTHROUGH) {
      return FieldNotAllowed("rule", "a TLS_PASSTHROUGH listener has its default action only");
    }
    const std::string holder = FindSibling(
        view_, Kind::kRule, ParentOf(name_), name_,
        [&](const v1::Resource& other) { return other.rule().priority() == rule.priority(); });
    const bool has = before_ != nullptr && before_->rule().priority() == rule.priority();
    if (!holder.empty() && !has) return RulePriorityTaken(rule.priority(), holder);
    return ActionRefs("rule.action", rule.action(), parent->listener());
  }

  absl::Status TargetRefs(const v1::Target& target) {
    const std::string group_name = ParentOf(name_);
    const auto group = view_.Find(group_name);
    if (group == nullptr) return ReferenceMissing("parent", group_name);
    RETURN_IF_ERROR(CheckTargetFits(group->target_group(), target));
    const v1::TargetGroupType type = group->target_group().type();
    if (type != v1::LAMBDA && type != v1::ALB) return absl::OkStatus();
    const std::string other = FindSibling(view_, Kind::kTarget, group_name, name_,
                                          [](const v1::Resource&) { return true; });
    if (other.empty()) return absl::OkStatus();
    return OneTargetOnly(group_name, v1::TargetGroupType_Name(type));
  }

  absl::Status VpcAssociationRefs(const v1::VpcAssociation& association) {
    RETURN_IF_ERROR(
        CheckExists(view_, "vpc_association.service_network", association.service_network()));
    RETURN_IF_ERROR(CheckExists(view_, "vpc_association.vpc", association.vpc()));
    if (HasIdentity()) return absl::OkStatus();
    const std::string holder =
        Another(view_.Related(Relation::kNetworkOfVpc, association.vpc()), name_);
    return holder.empty() ? absl::OkStatus() : VpcAlreadyAssociated(association.vpc(), holder);
  }

  absl::Status ServiceAssociationRefs(const v1::ServiceAssociation& association) {
    RETURN_IF_ERROR(
        CheckExists(view_, "service_association.service_network", association.service_network()));
    const auto service = view_.Find(association.service());
    if (service == nullptr) {
      return ReferenceMissing("service_association.service", association.service());
    }
    if (HasIdentity()) return absl::OkStatus();
    const std::string other = AssociationOf(association.service(), association.service_network());
    if (!other.empty()) return AssociationExists(other);
    return DomainFree(association.service(), service->service().custom_domain(),
                      association.service_network());
  }

  const View& view_;
  const v1::Resource& resource_;
  const v1::Resource* const before_;
  const std::string name_;
};

absl::Status CheckAccountUnused(const View& view, absl::string_view name) {
  std::string user;
  view.Visit("", "", [&](const std::string& other, const v1::Resource& resource) {
    if (AccountOf(resource) == IdOf(name)) user = other;
    return user.empty();
  });
  return user.empty() ? absl::OkStatus()
                      : InUse(Kind::kAccount, name, user, "delete what the account owns first");
}

}  // namespace

absl::Status CheckReferences(const View& view, const v1::Resource& resource,
                             const v1::Resource* before) {
  return Check(view, resource, before).Run();
}

absl::Status CheckUnused(const View& view, absl::string_view name) {
  const auto associated = [&](Relation relation, auto refuse) {
    const std::vector<std::string> associations = view.Related(relation, name);
    return associations.empty() ? absl::OkStatus() : refuse(name, associations.front());
  };
  const auto unused_by = [&](Kind kind, Relation relation, absl::string_view what_to_do) {
    const std::vector<std::string> users = view.Related(relation, name);
    return users.empty() ? absl::OkStatus() : InUse(kind, name, users.front(), what_to_do);
  };
  switch (KindOf(name)) {
    case Kind::kAccount:
      return CheckAccountUnused(view, name);
    case Kind::kVpc:
      RETURN_IF_ERROR(unused_by(Kind::kVpc, Relation::kAgentInVpc, "evict its agents first"));
      RETURN_IF_ERROR(
          unused_by(Kind::kVpc, Relation::kTargetGroupInVpc, "delete its target groups first"));
      return unused_by(Kind::kVpc, Relation::kNetworkOfVpc, "delete its association first");
    case Kind::kServiceNetwork:
      RETURN_IF_ERROR(associated(Relation::kVpcInNetwork, NetworkHasVpcs));
      return associated(Relation::kServiceInNetwork, NetworkHasServices);
    case Kind::kService:
      return associated(Relation::kNetworkOfService, ServiceHasNetworks);
    case Kind::kTargetGroup: {
      RETURN_IF_ERROR(
          unused_by(Kind::kTargetGroup, Relation::kForwardsTo, "take it out of that action first"));
      const std::string target =
          FindSibling(view, Kind::kTarget, name, "", [](const v1::Resource&) { return true; });
      if (target.empty()) return absl::OkStatus();
      return InUse(Kind::kTargetGroup, name, target, "deregister its targets first");
    }
    default:
      return absl::OkStatus();  // Nothing refers to the other kinds.
  }
}

std::vector<std::string> CascadeOf(absl::string_view name, const View& view) {
  std::vector<std::string> names;
  const Kind kind = KindOf(name);
  if (kind != Kind::kService && kind != Kind::kListener) return names;
  view.Visit(absl::StrCat(name, "/"), "", [&](const std::string& child, const v1::Resource&) {
    names.push_back(child);
    return true;
  });
  // A listener sorts before its rules: backwards, children come first.
  return {names.rbegin(), names.rend()};
}

std::set<std::string> ServicesUsing(const View& view, absl::string_view target_group) {
  std::set<std::string> services;
  for (const std::string& user : view.Related(Relation::kForwardsTo, target_group)) {
    services.insert(ServiceOf(user));
  }
  return services;
}

std::vector<std::string> TargetGroupsOf(const v1::RuleAction& action) {
  std::vector<std::string> names;
  for (const v1::WeightedTargetGroup& share : action.forward().target_groups()) {
    names.push_back(share.target_group());
  }
  return names;
}

}  // namespace trellis::resource
