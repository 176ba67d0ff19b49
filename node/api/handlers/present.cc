#include "node/api/handlers/present.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "node/api/handlers/resolve.h"
#include "node/api/handlers/settling.h"
#include "node/snapshot/target_admission.h"
#include "storage/resource/arn.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

using resource::Relation;

v1::TargetStatus HealthStatusOf(routing::TargetHealth health) {
  switch (health) {
    case routing::TargetHealth::kInitial:
      return v1::INITIAL;
    case routing::TargetHealth::kHealthy:
      return v1::HEALTHY;
    case routing::TargetHealth::kUnhealthy:
      return v1::UNHEALTHY;
    case routing::TargetHealth::kUnavailable:
      return v1::UNAVAILABLE;
  }
  return v1::TARGET_STATUS_UNSPECIFIED;
}

std::string ConflictWords(const std::vector<v1::LostClaim>& losses) {
  return absl::StrJoin(losses, "; ", [](std::string* out, const v1::LostClaim& lost) {
    absl::StrAppend(out, ClaimWords(lost), " is held by ", lost.holder());
  });
}

void ShowLostClaims(const std::vector<v1::LostClaim>& losses, v1::Resource* shown) {
  if (losses.empty()) return;
  const std::string words = ConflictWords(losses);
  switch (shown->kind_case()) {
    case v1::Resource::kVpc:
      return shown->mutable_vpc()->set_conflict(words);
    case v1::Resource::kServiceNetwork:
      return shown->mutable_service_network()->set_conflict(words);
    case v1::Resource::kService:
      shown->mutable_service()->set_status(v1::CONFLICT);
      return shown->mutable_service()->set_conflict(words);
    case v1::Resource::kListener:
      return shown->mutable_listener()->set_conflict(words);
    case v1::Resource::kRule:
      return shown->mutable_rule()->set_conflict(words);
    case v1::Resource::kTargetGroup:
      shown->mutable_target_group()->set_status(v1::CONFLICT);
      return shown->mutable_target_group()->set_conflict(words);
    default:
      return;
  }
}

}  // namespace

v1::Resource Presenter::Present(const std::string& name, const v1::Resource& stored) const {
  v1::Resource shown = stored;
  resource::SetArn(shown, resource::MakeArn(name, agent_.mesh.region, OwnerOf(view_, name)));
  switch (shown.kind_case()) {
    case v1::Resource::kServiceNetwork:
      shown.mutable_service_network()->set_associated_vpcs(Count(Relation::kVpcInNetwork, name));
      shown.mutable_service_network()->set_associated_services(
          Count(Relation::kServiceInNetwork, name));
      break;
    case v1::Resource::kService:
      shown.mutable_service()->set_status(StatusOf(name));
      shown.mutable_service()->set_domain(
          resource::GeneratedDomain(stored.service().display_name(), resource::IdOf(name),
                                    agent_.mesh.id, agent_.mesh.region, agent_.mesh.domain));
      break;
    case v1::Resource::kTargetGroup:
      shown.mutable_target_group()->set_status(StatusOf(name));
      for (const std::string& service : resource::ServicesUsing(view_, name)) {
        shown.mutable_target_group()->add_services(service);
      }
      break;
    case v1::Resource::kTarget:
      PresentTarget(name, shown.mutable_target());
      break;
    case v1::Resource::kVpcAssociation:
      shown.mutable_vpc_association()->set_status(StatusOf(name));
      break;
    case v1::Resource::kServiceAssociation:
      shown.mutable_service_association()->set_status(StatusOf(name));
      break;
    default:
      break;
  }
  ShowLostClaims(agent_.lost_claims->By(name), &shown);
  return shown;
}

v1::ResourceStatus Presenter::StatusOf(const std::string& name) const {
  if (agent_.settling == nullptr) return v1::ACTIVE;
  const std::optional<storage::Catalog::Record> record = agent_.catalog.FindRecord(name);
  // None, or deleted: a creation that is only tried out.
  const bool created =
      record.has_value() && record->resource != nullptr && agent_.settling->IsCreated(*record);
  return created ? v1::ACTIVE : v1::CREATE_IN_PROGRESS;
}

// VPC Lattice reference 4.3.
void Presenter::PresentTarget(const std::string& name, v1::Target* target) const {
  if (!IsAdmitted(name)) {
    target->set_status(v1::UNUSED);
    target->set_reason_code("WriterMayNotRegister");
    return;
  }
  if (Count(Relation::kForwardsTo, resource::ParentOf(name)) == 0) {
    target->set_status(v1::UNUSED);
    target->set_reason_code("TargetGroupNotInUse");
    return;
  }
  // None: this agent does not check it, or not yet.
  const health::Verdict verdict =
      (agent_.health ? agent_.health(name) : std::nullopt)
          .value_or(health::Verdict{routing::TargetHealth::kInitial, "NotCheckedByThisAgent"});
  target->set_status(HealthStatusOf(verdict.health));
  target->set_reason_code(verdict.reason_code);
}

// What this transaction is to write was checked before it came here.
bool Presenter::IsAdmitted(const std::string& target) const {
  const auto record = agent_.catalog.FindRecord(target);
  const auto group = view_.Find(resource::ParentOf(target));
  return !record.has_value() || record->resource == nullptr || group == nullptr ||
         CheckAdmitted(agent_.catalog, group->target_group(), *record).ok();
}

int Presenter::Count(Relation relation, const std::string& name) const {
  return static_cast<int>(view_.Related(relation, name).size());
}

}  // namespace trellis::api
