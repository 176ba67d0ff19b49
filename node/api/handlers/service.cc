#include "node/api/handlers/service.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::Service> CreateService(CallContext& call,
                                          const v1::CreateServiceRequest& request) {
  return Create(call, request, request.service());
}

absl::StatusOr<v1::Service> GetService(CallContext& call, const v1::GetServiceRequest& request) {
  return Get<v1::Service>(call, request.name());
}

absl::StatusOr<v1::ListServicesResponse> ListServices(CallContext& call,
                                                      const v1::ListServicesRequest& request) {
  v1::ListServicesResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Service>(call, request, "", [&](v1::Service item) {
                     *response.add_services() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<v1::Service> UpdateService(CallContext& call,
                                          const v1::UpdateServiceRequest& request) {
  return Update(call, request, request.service());
}

absl::StatusOr<google::protobuf::Empty> DeleteService(CallContext& call,
                                                      const v1::DeleteServiceRequest& request) {
  return Delete<v1::Service>(call, request);
}

}  // namespace trellis::api
