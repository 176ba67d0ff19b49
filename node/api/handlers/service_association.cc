#include "node/api/handlers/service_association.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::ServiceAssociation> CreateServiceAssociation(
    CallContext& call, const v1::CreateServiceAssociationRequest& request) {
  return Create(call, request, request.service_association());
}

absl::StatusOr<v1::ServiceAssociation> GetServiceAssociation(
    CallContext& call, const v1::GetServiceAssociationRequest& request) {
  return Get<v1::ServiceAssociation>(call, request.name());
}

absl::StatusOr<v1::ListServiceAssociationsResponse> ListServiceAssociations(
    CallContext& call, const v1::ListServiceAssociationsRequest& request) {
  v1::ListServiceAssociationsResponse response;
  ASSIGN_OR_RETURN(
      *response.mutable_next_page_token(),
      List<v1::ServiceAssociation>(call, request, "", [&](v1::ServiceAssociation item) {
        *response.add_service_associations() = std::move(item);
      }));
  return response;
}

absl::StatusOr<google::protobuf::Empty> DeleteServiceAssociation(
    CallContext& call, const v1::DeleteServiceAssociationRequest& request) {
  return Delete<v1::ServiceAssociation>(call, request);
}

}  // namespace trellis::api
