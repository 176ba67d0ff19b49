#include "node/api/handlers/sealing.h"

#include <string>
#include <vector>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"
#include "node/vault/key_keeper.h"

namespace trellis::api {
namespace {

absl::StatusOr<std::vector<std::string>> GroupsOf(CallContext& call,
                                                  const v1::RotateSealingKeysRequest& request) {
  if (!request.vpc().empty()) {
    const Transaction view(call);
    ASSIGN_OR_RETURN(std::string vpc, ResolveReference(view, resource::Kind::kVpc, request.vpc(),
                                                       call.agent.mesh.account, "vpc"));
    return std::vector<std::string>{std::move(vpc)};
  }
  std::vector<std::string> groups;
  for (const auto& [name, group] : call.agent.keys->vault().groups()) {
    if (!group.retired) groups.push_back(name);
  }
  return groups;
}

}  // namespace

absl::StatusOr<v1::RotateSealingKeysResponse> RotateSealingKeys(
    CallContext& call, const v1::RotateSealingKeysRequest& request) {
  using Response = v1::RotateSealingKeysResponse;
  return Once<Response>(call, request, [&]() -> absl::StatusOr<Response> {
    RETURN_IF_ERROR(
        Authorize(call, Action::kWrite, resource::CollectionPrefix(resource::Kind::kSealingKey)));
    RETURN_IF_ERROR(call.agent.gossip.CheckWritable());
    if (call.agent.keys == nullptr) {
      return absl::FailedPreconditionError("this agent keeps no sealing keys; ask another");
    }
    vault::KeyKeeper& keys = *call.agent.keys;
    ASSIGN_OR_RETURN(const std::vector<std::string> groups, GroupsOf(call, request));
    for (const std::string& group : groups) RETURN_IF_ERROR(keys.CheckRotate(group));
    if (!request.validate_only()) {
      for (const std::string& group : groups) {
        ASSIGN_OR_RETURN(call.written, keys.Rotate(group));
      }
    }
    Response response;
    for (const std::string& group : groups) {
      *response.add_sealing_groups() = vault::Describe(keys.vault().groups().at(group));
    }
    return response;
  });
}

}  // namespace trellis::api
