// What the answering agent would do with a request.
#ifndef TRELLIS_NODE_API_HANDLERS_MESH_H_
#define TRELLIS_NODE_API_HANDLERS_MESH_H_

#include "absl/status/statusor.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/mesh_api.pb.h"

namespace trellis::api {

//   INVALID_ARGUMENT  authority, port or a header
absl::StatusOr<v1::ExplainRequestResponse> ExplainRequest(CallContext& call,
                                                          const v1::ExplainRequestRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_MESH_H_
