// Service networks: which services which VPCs may call.
//
// Delete: FAILED_PRECONDITION while associations remain.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_SERVICE_NETWORK_H_
#define TRELLIS_NODE_API_HANDLERS_SERVICE_NETWORK_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/service_network_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::ServiceNetwork> CreateServiceNetwork(
    CallContext& call, const v1::CreateServiceNetworkRequest& request);
absl::StatusOr<v1::ServiceNetwork> GetServiceNetwork(CallContext& call,
                                                     const v1::GetServiceNetworkRequest& request);
absl::StatusOr<v1::ListServiceNetworksResponse> ListServiceNetworks(
    CallContext& call, const v1::ListServiceNetworksRequest& request);
absl::StatusOr<v1::ServiceNetwork> UpdateServiceNetwork(
    CallContext& call, const v1::UpdateServiceNetworkRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteServiceNetwork(
    CallContext& call, const v1::DeleteServiceNetworkRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_SERVICE_NETWORK_H_
