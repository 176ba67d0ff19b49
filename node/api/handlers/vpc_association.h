// VPC associations: which VPCs may call the services of a network. Nothing of one can be updated.
//
// ALREADY_EXISTS: the VPC has one, reference 1.8.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_VPC_ASSOCIATION_H_
#define TRELLIS_NODE_API_HANDLERS_VPC_ASSOCIATION_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/vpc_association_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::VpcAssociation> CreateVpcAssociation(
    CallContext& call, const v1::CreateVpcAssociationRequest& request);
absl::StatusOr<v1::VpcAssociation> GetVpcAssociation(CallContext& call,
                                                     const v1::GetVpcAssociationRequest& request);
absl::StatusOr<v1::ListVpcAssociationsResponse> ListVpcAssociations(
    CallContext& call, const v1::ListVpcAssociationsRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteVpcAssociation(
    CallContext& call, const v1::DeleteVpcAssociationRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_VPC_ASSOCIATION_H_
