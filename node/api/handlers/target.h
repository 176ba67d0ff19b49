// Targets of a group, registered and deregistered in batches as in the reference (4.3): the call is
// OK even when every target fails, and its answer says which did and why. Those that succeed are
// written in one transaction. A worker agent takes those that it may register itself
// (node/snapshot/target_admission.h).
#ifndef TRELLIS_NODE_API_HANDLERS_TARGET_H_
#define TRELLIS_NODE_API_HANDLERS_TARGET_H_

#include "absl/status/statusor.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/target_api.pb.h"

namespace trellis::api {

inline constexpr int kMaxTargetsPerCall = 100;

// Registering what is registered is harmless; an instance's new address replaces the old.
absl::StatusOr<v1::RegisterTargetsResponse> RegisterTargets(
    CallContext& call, const v1::RegisterTargetsRequest& request);
absl::StatusOr<v1::DeregisterTargetsResponse> DeregisterTargets(
    CallContext& call, const v1::DeregisterTargetsRequest& request);
absl::StatusOr<v1::ListTargetsResponse> ListTargets(CallContext& call,
                                                    const v1::ListTargetsRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_TARGET_H_
