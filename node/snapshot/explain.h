// What would become of a request, in words: for `trellisctl explain`.
//
// The decisions are those of the request path, taken by the same code; only the dice are not
// thrown: every share is shown.
#ifndef TRELLIS_NODE_SNAPSHOT_EXPLAIN_H_
#define TRELLIS_NODE_SNAPSHOT_EXPLAIN_H_

#include "absl/status/statusor.h"
#include "node/snapshot/snapshot.h"
#include "proto/trellis/v1/mesh_api.pb.h"

namespace trellis {

// Says which service, listener, rule and targets `request` meets in `snapshot`, and why.
//
// `reason`, in the words of the x-trellis-reason header: forward (status_code 0), fixed_response
// (404 or 500), unknown_host and no_listener (404), target_group_missing, no_weight and no_target
// (503: so it is for every share that gets traffic).
//
//   INVALID_ARGUMENT  a field is not what a client could send; the message names field and value
//
// Thread-safety: pure. Cost: not for the request path.
absl::StatusOr<v1::ExplainRequestResponse> Explain(const Snapshot& snapshot,
                                                   const v1::ExplainRequestRequest& request);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_EXPLAIN_H_
