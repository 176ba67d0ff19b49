#include "node/snapshot/compile_target_group.h"

#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/net/endpoint.h"
#include "node/snapshot/names.h"
#include "node/snapshot/target_admission.h"
#include "node/snapshot/target_endpoint.h"

namespace trellis {
namespace {

// Plain HTTP/1.1 to an address.
bool CanBeDialled(const v1::TargetGroup& group) {
  return (group.type() == v1::INSTANCE || group.type() == v1::IP) &&
         (group.protocol() == v1::TARGET_HTTP ||
          group.protocol() == v1::TARGET_GROUP_PROTOCOL_UNSPECIFIED);
}

// By endpoint; of two targets with one endpoint, the first by name.
absl::btree_map<net::Endpoint, std::string> TargetsOf(const storage::Catalog& catalog,
                                                      const std::string& name,
                                                      const v1::TargetGroup& group,
                                                      std::vector<std::string>* problems) {
  absl::btree_map<net::Endpoint, std::string> targets;
  catalog.Visit(
      absl::StrCat(name, "/targets/"), "", [&](const std::string& target_name, const auto& record) {
        const v1::Target& target = record.resource->target();
        const absl::StatusOr<net::Endpoint> endpoint = EndpointOf(group, target);
        const absl::Status admitted = CheckAdmitted(catalog, group, record);
        if (!endpoint.ok() || !admitted.ok()) {
          problems->push_back(absl::StrCat(
              target_name,
              ": gets no traffic: ", (endpoint.ok() ? admitted : endpoint.status()).message()));
        } else if (!targets.emplace(*endpoint, target.id()).second) {
          problems->push_back(absl::StrCat(target_name, ": another target of the group ",
                                           "has its address ", endpoint->ToString()));
        }
        return true;
      });
  return targets;
}

}  // namespace

std::shared_ptr<const CompiledTargetGroup> CompileTargetGroup(const storage::Catalog& catalog,
                                                              const std::string& name,
                                                              const Naming& naming,
                                                              health::Registry& registry,
                                                              std::vector<std::string>* problems) {
  if (!IsTopLevel(name, kTargetGroups)) return nullptr;
  const std::shared_ptr<const v1::Resource> resource = catalog.Find(name);
  if (resource == nullptr || !resource->has_target_group()) return nullptr;
  const v1::TargetGroup& group = resource->target_group();
  auto compiled = std::make_shared<CompiledTargetGroup>();
  compiled->name = name;
  compiled->arn = naming.ArnOf(name, group.arn(), group.account());
  compiled->vpc_id =
      group.vpc().empty() ? "-" : std::string(absl::StripPrefix(group.vpc(), "vpcs/"));
  compiled->http2 = group.protocol_version() == v1::HTTP2 || group.protocol_version() == v1::GRPC;
  compiled->health_check = health::SettingsOf(group);
  if (!CanBeDialled(group)) {
    problems->push_back(absl::StrCat(
        name,
        ": gets no traffic: only INSTANCE and IP groups with protocol HTTP are supported by this "
        "agent"));
    return compiled;
  }
  absl::btree_map<net::Endpoint, std::string> targets = TargetsOf(catalog, name, group, problems);
  compiled->targets.reserve(targets.size());
  const bool off = compiled->health_check.mode == health::Settings::Mode::kOff;
  const auto initial = compiled->health_check.initial_health();
  // Nobody will ever have another verdict on a target of a group whose checks are off.
  const auto common = off ? std::make_shared<routing::HealthCell>(initial) : nullptr;
  for (auto& [endpoint, id] : targets) {
    compiled->targets.push_back(
        {endpoint, std::move(id), off ? common : registry.Cell(name, endpoint, initial)});
  }
  return compiled;
}

std::vector<net::Endpoint> TargetEndpoints(const storage::Catalog& catalog,
                                           const std::string& name) {
  std::vector<net::Endpoint> endpoints;
  const std::shared_ptr<const v1::Resource> resource = catalog.Find(name);
  if (resource == nullptr || !CanBeDialled(resource->target_group())) return endpoints;
  std::vector<std::string> problems;  // Told by who compiles it.
  for (const auto& [endpoint, id] : TargetsOf(catalog, name, resource->target_group(), &problems)) {
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace trellis
