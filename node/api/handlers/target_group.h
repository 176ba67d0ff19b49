// Target groups: sets of targets that serve the same requests.
//
// Delete: FAILED_PRECONDITION while a listener or rule uses it, or targets remain.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_TARGET_GROUP_H_
#define TRELLIS_NODE_API_HANDLERS_TARGET_GROUP_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/target_group_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::TargetGroup> CreateTargetGroup(CallContext& call,
                                                  const v1::CreateTargetGroupRequest& request);
absl::StatusOr<v1::TargetGroup> GetTargetGroup(CallContext& call,
                                               const v1::GetTargetGroupRequest& request);
absl::StatusOr<v1::ListTargetGroupsResponse> ListTargetGroups(
    CallContext& call, const v1::ListTargetGroupsRequest& request);
absl::StatusOr<v1::TargetGroup> UpdateTargetGroup(CallContext& call,
                                                  const v1::UpdateTargetGroupRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteTargetGroup(
    CallContext& call, const v1::DeleteTargetGroupRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_TARGET_GROUP_H_
