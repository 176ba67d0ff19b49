#include "node/api/handlers/listener.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::Listener> CreateListener(CallContext& call,
                                            const v1::CreateListenerRequest& request) {
  return Create(call, request, request.listener(), request.parent());
}

absl::StatusOr<v1::Listener> GetListener(CallContext& call, const v1::GetListenerRequest& request) {
  return Get<v1::Listener>(call, request.name());
}

absl::StatusOr<v1::ListListenersResponse> ListListeners(CallContext& call,
                                                        const v1::ListListenersRequest& request) {
  v1::ListListenersResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Listener>(call, request, request.parent(), [&](v1::Listener item) {
                     *response.add_listeners() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<v1::Listener> UpdateListener(CallContext& call,
                                            const v1::UpdateListenerRequest& request) {
  return Update(call, request, request.listener());
}

absl::StatusOr<google::protobuf::Empty> DeleteListener(CallContext& call,
                                                       const v1::DeleteListenerRequest& request) {
  return Delete<v1::Listener>(call, request);
}

}  // namespace trellis::api
