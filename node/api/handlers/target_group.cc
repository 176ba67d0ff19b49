#include "node/api/handlers/target_group.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::TargetGroup> CreateTargetGroup(CallContext& call,
                                                  const v1::CreateTargetGroupRequest& request) {
  return Create(call, request, request.target_group());
}

absl::StatusOr<v1::TargetGroup> GetTargetGroup(CallContext& call,
                                               const v1::GetTargetGroupRequest& request) {
  return Get<v1::TargetGroup>(call, request.name());
}

absl::StatusOr<v1::ListTargetGroupsResponse> ListTargetGroups(
    CallContext& call, const v1::ListTargetGroupsRequest& request) {
  v1::ListTargetGroupsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::TargetGroup>(call, request, "", [&](v1::TargetGroup item) {
                     *response.add_target_groups() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<v1::TargetGroup> UpdateTargetGroup(CallContext& call,
                                                  const v1::UpdateTargetGroupRequest& request) {
  return Update(call, request, request.target_group());
}

absl::StatusOr<google::protobuf::Empty> DeleteTargetGroup(
    CallContext& call, const v1::DeleteTargetGroupRequest& request) {
  return Delete<v1::TargetGroup>(call, request);
}

}  // namespace trellis::api
