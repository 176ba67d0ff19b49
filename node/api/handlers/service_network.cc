#include "node/api/handlers/service_network.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::ServiceNetwork> CreateServiceNetwork(
    CallContext& call, const v1::CreateServiceNetworkRequest& request) {
  return Create(call, request, request.service_network());
}

absl::StatusOr<v1::ServiceNetwork> GetServiceNetwork(CallContext& call,
                                                     const v1::GetServiceNetworkRequest& request) {
  return Get<v1::ServiceNetwork>(call, request.name());
}

absl::StatusOr<v1::ListServiceNetworksResponse> ListServiceNetworks(
    CallContext& call, const v1::ListServiceNetworksRequest& request) {
  v1::ListServiceNetworksResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::ServiceNetwork>(call, request, "", [&](v1::ServiceNetwork item) {
                     *response.add_service_networks() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<v1::ServiceNetwork> UpdateServiceNetwork(
    CallContext& call, const v1::UpdateServiceNetworkRequest& request) {
  return Update(call, request, request.service_network());
}

absl::StatusOr<google::protobuf::Empty> DeleteServiceNetwork(
    CallContext& call, const v1::DeleteServiceNetworkRequest& request) {
  return Delete<v1::ServiceNetwork>(call, request);
}

}  // namespace trellis::api
