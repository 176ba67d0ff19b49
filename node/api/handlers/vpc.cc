#include "node/api/handlers/vpc.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::Vpc> CreateVpc(CallContext& call, const v1::CreateVpcRequest& request) {
  return Create(call, request, request.vpc());
}

absl::StatusOr<v1::Vpc> GetVpc(CallContext& call, const v1::GetVpcRequest& request) {
  return Get<v1::Vpc>(call, request.name());
}

absl::StatusOr<v1::ListVpcsResponse> ListVpcs(CallContext& call,
                                              const v1::ListVpcsRequest& request) {
  v1::ListVpcsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Vpc>(call, request, "",
                                 [&](v1::Vpc item) { *response.add_vpcs() = std::move(item); }));
  return response;
}

absl::StatusOr<v1::Vpc> UpdateVpc(CallContext& call, const v1::UpdateVpcRequest& request) {
  return Update(call, request, request.vpc());
}

absl::StatusOr<google::protobuf::Empty> DeleteVpc(CallContext& call,
                                                  const v1::DeleteVpcRequest& request) {
  return Delete<v1::Vpc>(call, request);
}

}  // namespace trellis::api
