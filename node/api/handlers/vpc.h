// VPCs: the private address spaces of the mesh.
//
// Delete: FAILED_PRECONDITION while an agent, a target group or an association is in it.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_VPC_H_
#define TRELLIS_NODE_API_HANDLERS_VPC_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/vpc_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::Vpc> CreateVpc(CallContext& call, const v1::CreateVpcRequest& request);
absl::StatusOr<v1::Vpc> GetVpc(CallContext& call, const v1::GetVpcRequest& request);
absl::StatusOr<v1::ListVpcsResponse> ListVpcs(CallContext& call,
                                              const v1::ListVpcsRequest& request);
absl::StatusOr<v1::Vpc> UpdateVpc(CallContext& call, const v1::UpdateVpcRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteVpc(CallContext& call,
                                                  const v1::DeleteVpcRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_VPC_H_
