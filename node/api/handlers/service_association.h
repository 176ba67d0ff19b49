// Service associations: which services are in a network. Nothing of one can be updated.
//
// ALREADY_EXISTS: the pair is associated, reference 1.8.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_SERVICE_ASSOCIATION_H_
#define TRELLIS_NODE_API_HANDLERS_SERVICE_ASSOCIATION_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/service_association_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::ServiceAssociation> CreateServiceAssociation(
    CallContext& call, const v1::CreateServiceAssociationRequest& request);
absl::StatusOr<v1::ServiceAssociation> GetServiceAssociation(
    CallContext& call, const v1::GetServiceAssociationRequest& request);
absl::StatusOr<v1::ListServiceAssociationsResponse> ListServiceAssociations(
    CallContext& call, const v1::ListServiceAssociationsRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteServiceAssociation(
    CallContext& call, const v1::DeleteServiceAssociationRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_SERVICE_ASSOCIATION_H_
