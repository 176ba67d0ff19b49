// Conflicts: writes that lost to concurrent ones, and what becomes of them. Decision 0010.
//
// Names are resource names only: what people call a resource may be what is in dispute.
#ifndef TRELLIS_NODE_API_HANDLERS_CONFLICT_H_
#define TRELLIS_NODE_API_HANDLERS_CONFLICT_H_

#include "absl/status/statusor.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/conflict_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::ListConflictsResponse> ListConflicts(CallContext& call,
                                                        const v1::ListConflictsRequest& request);
//   INVALID_ARGUMENT  the resource has several and no version is given
absl::StatusOr<v1::Conflict> GetConflict(CallContext& call, const v1::GetConflictRequest& request);
//   ABORTED              `etag` is given and not the current one
//   FAILED_PRECONDITION, INVALID_ARGUMENT  what was lost cannot be written now; the message says
//   why
absl::StatusOr<v1::ResolveConflictResponse> ResolveConflict(
    CallContext& call, const v1::ResolveConflictRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_CONFLICT_H_
