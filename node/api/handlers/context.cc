#include "node/api/handlers/context.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

// "agent-a (192.0.2.10:7950)", for who must go elsewhere.
std::string AnAdminAgent(const storage::Catalog& catalog) {
  std::string found = "an admin agent";
  catalog.Visit(resource::CollectionPrefix(resource::Kind::kAgent), "",
                [&](const std::string&, const storage::Catalog::Record& record) {
                  const v1::Agent& agent = record.resource->agent();
                  if (agent.role() != v1::ADMIN) return true;
                  found = absl::StrCat(agent.display_name(), " (", agent.mesh_address(), ")");
                  return false;
                });
  return found;
}

}  // namespace

std::shared_ptr<const resource::Relations> RelationsOf(storage::Catalog& catalog) {
  auto relations = std::make_shared<resource::Relations>();
  catalog.Visit("", "", [&](const std::string& name, const storage::Catalog::Record& record) {
    relations->Change(name, nullptr, record.resource.get());
    return true;
  });
  catalog.Subscribe([relations](const storage::Applied& applied) {
    for (const storage::Applied::Item& item : applied.items) {
      relations->Change(item.name, item.before.get(), item.after.get());
    }
  });
  return relations;
}

absl::Status Authorize(const CallContext& call, Action action, absl::string_view resource) {
  // The edge lets only the admin socket's group and verified operators in; both may do everything
  // that the answering agent itself may.
  if (action == Action::kRead) return absl::OkStatus();
  const std::optional<storage::Catalog::Record> self =
      call.agent.catalog.FindRecord(resource::AgentName(call.agent.node));
  if (!self.has_value()) return absl::OkStatus();  // Its record has not arrived yet.
  if (self->resource == nullptr) {
    return absl::FailedPreconditionError(
        "this agent was evicted from the mesh; its writes would reach nobody");
  }
  if (!call.agent.catalog.self().admin && action != Action::kRegister) {
    return absl::PermissionDeniedError(absl::StrCat(
        "this agent is a worker, which accepts no writes but its own targets; write through ",
        AnAdminAgent(call.agent.catalog)));
  }
  return absl::OkStatus();
}

}  // namespace trellis::api
