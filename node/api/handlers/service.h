// Services: what callers call by host name.
//
// Delete: FAILED_PRECONDITION while network associations remain; deletes its listeners and rules.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_SERVICE_H_
#define TRELLIS_NODE_API_HANDLERS_SERVICE_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/service_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::Service> CreateService(CallContext& call,
                                          const v1::CreateServiceRequest& request);
absl::StatusOr<v1::Service> GetService(CallContext& call, const v1::GetServiceRequest& request);
absl::StatusOr<v1::ListServicesResponse> ListServices(CallContext& call,
                                                      const v1::ListServicesRequest& request);
absl::StatusOr<v1::Service> UpdateService(CallContext& call,
                                          const v1::UpdateServiceRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteService(CallContext& call,
                                                      const v1::DeleteServiceRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_SERVICE_H_
