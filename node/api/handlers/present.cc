#include "node/api/handlers/present.h"

#include <memory>
#include <optional>

#include "storage/resource/arn.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

using resource::Kind;

// Of the resource, or of the one it is in.
std::string OwnerOf(const resource::View& view, const std::string& name,
                    const v1::Resource& resource) {
  std::string account = resource::AccountOf(resource);
  for (std::string parent = resource::ParentOf(name); account.empty() && !parent.empty();
       parent = resource::ParentOf(parent)) {
    const std::shared_ptr<const v1::Resource> above = view.Find(parent);
    if (above != nullptr) account = resource::AccountOf(*above);
  }
  return account;
}

template <typename F>
void ForEachGroup(const v1::RuleAction& action, F f) {
  for (const v1::WeightedTargetGroup& share : action.forward().target_groups()) {
    f(share.target_group());
  }
}

// VPC Lattice reference 4.3. None: this agent does not check it, or not yet.
void SetHealth(std::optional<routing::TargetHealth> health, v1::Target* target) {
  switch (health.value_or(routing::TargetHealth::kInitial)) {
    case routing::TargetHealth::kInitial:
      target->set_status(v1::INITIAL);
      target->set_reason_code(health.has_value() ? "HealthCheckInProgress"
                                                 : "NotCheckedByThisAgent");
      break;
    case routing::TargetHealth::kHealthy:
      target->set_status(v1::HEALTHY);
      break;
    case routing::TargetHealth::kUnhealthy:
      target->set_status(v1::UNHEALTHY);
      target->set_reason_code("HealthCheckFailed");
      break;
    case routing::TargetHealth::kUnavailable:
      target->set_status(v1::UNAVAILABLE);
      target->set_reason_code("HealthCheckDisabled");
      break;
  }
}

}  // namespace

v1::Resource Presenter::Present(const std::string& name, const v1::Resource& stored) {
  v1::Resource shown = stored;
  resource::SetArn(shown,
                   resource::MakeArn(name, agent_.mesh.region, OwnerOf(view_, name, stored)));
  switch (shown.kind_case()) {
    case v1::Resource::kServiceNetwork: {
      const Associations& associations = AssociationsOf(name);
      shown.mutable_service_network()->set_associated_vpcs(associations.vpcs);
      shown.mutable_service_network()->set_associated_services(associations.services);
      break;
    }
    case v1::Resource::kService:
      shown.mutable_service()->set_status(v1::ACTIVE);
      shown.mutable_service()->set_domain(
          resource::GeneratedDomain(stored.service().display_name(), resource::IdOf(name),
                                    agent_.mesh.id, agent_.mesh.region, agent_.mesh.domain));
      break;
    case v1::Resource::kTargetGroup:
      shown.mutable_target_group()->set_status(v1::ACTIVE);
      for (const std::string& service : UsersOf(name)) {
        shown.mutable_target_group()->add_services(service);
      }
      break;
    case v1::Resource::kTarget:
      PresentTarget(name, shown.mutable_target());
      break;
    case v1::Resource::kVpcAssociation:
      shown.mutable_vpc_association()->set_status(v1::ACTIVE);
      break;
    case v1::Resource::kServiceAssociation:
      shown.mutable_service_association()->set_status(v1::ACTIVE);
      break;
    default:
      break;
  }
  return shown;
}

void Presenter::PresentTarget(const std::string& name, v1::Target* target) {
  if (UsersOf(resource::ParentOf(name)).empty()) {
    target->set_status(v1::UNUSED);
    target->set_reason_code("TargetGroupNotInUse");
    return;
  }
  SetHealth(agent_.health ? agent_.health(name) : std::nullopt, target);
}

const std::set<std::string>& Presenter::UsersOf(const std::string& target_group) {
  if (!users_gathered_) {
    users_gathered_ = true;
    // Listeners and rules are named below their service, so one pass sees all users.
    view_.Visit(resource::CollectionPrefix(Kind::kService), "",
                [&](const std::string& name, const v1::Resource& resource) {
                  const auto use = [&](const std::string& group) {
                    const std::string parent = resource::ParentOf(name);
                    users_[group].insert(resource.has_rule() ? resource::ParentOf(parent) : parent);
                  };
                  if (resource.has_listener()) {
                    ForEachGroup(resource.listener().default_action(), use);
                  } else if (resource.has_rule()) {
                    ForEachGroup(resource.rule().action(), use);
                  }
                  return true;
                });
  }
  return users_[target_group];
}

const Presenter::Associations& Presenter::AssociationsOf(const std::string& service_network) {
  if (!associations_gathered_) {
    associations_gathered_ = true;
    view_.Visit(resource::CollectionPrefix(Kind::kVpcAssociation), "",
                [&](const std::string&, const v1::Resource& resource) {
                  ++associations_[resource.vpc_association().service_network()].vpcs;
                  return true;
                });
    view_.Visit(resource::CollectionPrefix(Kind::kServiceAssociation), "",
                [&](const std::string&, const v1::Resource& resource) {
                  ++associations_[resource.service_association().service_network()].services;
                  return true;
                });
  }
  return associations_[service_network];
}

}  // namespace trellis::api
