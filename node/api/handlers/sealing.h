// New keys for what is sealed from now on.
#ifndef TRELLIS_NODE_API_HANDLERS_SEALING_H_
#define TRELLIS_NODE_API_HANDLERS_SEALING_H_

#include "absl/status/statusor.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/mesh_api.pb.h"

namespace trellis::api {

// All groups or, when the request names a VPC, that one's; all of them can be rotated, or none is.
//   NOT_FOUND            the VPC
//   FAILED_PRECONDITION  this agent cannot open a key that is to be followed; the message names
//                        agents that can
absl::StatusOr<v1::RotateSealingKeysResponse> RotateSealingKeys(
    CallContext& call, const v1::RotateSealingKeysRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_SEALING_H_
