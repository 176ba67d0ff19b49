// Many resources, created or updated in one transaction.
#ifndef TRELLIS_NODE_API_HANDLERS_APPLY_H_
#define TRELLIS_NODE_API_HANDLERS_APPLY_H_

#include "absl/status/statusor.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/apply_api.pb.h"

namespace trellis::api {

inline constexpr int kMaxManifests = 1000;

// All or nothing, in whatever order the manifests come: a reference may be to a resource anywhere
// in the request, and constraints between resources hold for the outcome, not on the way to it (two
// rules may swap their priorities). Resources that the request does not name are left alone, so
// targets are added to those that are registered. Errors start with the manifest's `source`.
absl::StatusOr<v1::ApplyResponse> Apply(CallContext& call, const v1::ApplyRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_APPLY_H_
