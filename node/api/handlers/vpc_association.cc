#include "node/api/handlers/vpc_association.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::VpcAssociation> CreateVpcAssociation(
    CallContext& call, const v1::CreateVpcAssociationRequest& request) {
  return Create(call, request, request.vpc_association());
}

absl::StatusOr<v1::VpcAssociation> GetVpcAssociation(CallContext& call,
                                                     const v1::GetVpcAssociationRequest& request) {
  return Get<v1::VpcAssociation>(call, request.name());
}

absl::StatusOr<v1::ListVpcAssociationsResponse> ListVpcAssociations(
    CallContext& call, const v1::ListVpcAssociationsRequest& request) {
  v1::ListVpcAssociationsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::VpcAssociation>(call, request, "", [&](v1::VpcAssociation item) {
                     *response.add_vpc_associations() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<google::protobuf::Empty> DeleteVpcAssociation(
    CallContext& call, const v1::DeleteVpcAssociationRequest& request) {
  return Delete<v1::VpcAssociation>(call, request);
}

}  // namespace trellis::api
