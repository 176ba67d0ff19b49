// Listeners: the ports services answer on.
//
// Delete: deletes its rules.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_LISTENER_H_
#define TRELLIS_NODE_API_HANDLERS_LISTENER_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/listener_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::Listener> CreateListener(CallContext& call,
                                            const v1::CreateListenerRequest& request);
absl::StatusOr<v1::Listener> GetListener(CallContext& call, const v1::GetListenerRequest& request);
absl::StatusOr<v1::ListListenersResponse> ListListeners(CallContext& call,
                                                        const v1::ListListenersRequest& request);
absl::StatusOr<v1::Listener> UpdateListener(CallContext& call,
                                            const v1::UpdateListenerRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteListener(CallContext& call,
                                                       const v1::DeleteListenerRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_LISTENER_H_
