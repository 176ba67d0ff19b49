// The standard methods, written once for all kinds. A resource's own file names its methods and
// what sets it apart; everything else is here.
//
//   absl::StatusOr<v1::Vpc> CreateVpc(CallContext& call, const v1::CreateVpcRequest& request) {
//     return Create(call, request, request.vpc());
//   }
//
// Spec: AIP-131 to 135, 154 (etag), 155 (request_id), 158 (paging), 163 (validate_only).
#ifndef TRELLIS_NODE_API_HANDLERS_STANDARD_H_
#define TRELLIS_NODE_API_HANDLERS_STANDARD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "node/api/handlers/paging.h"
#include "node/api/handlers/present.h"
#include "node/api/handlers/resolve.h"
#include "node/api/handlers/transaction.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/fields.h"

namespace trellis::api {

// The member of Resource's oneof that holds a T.
template <typename T>
const google::protobuf::FieldDescriptor* MemberFor() {
  static const google::protobuf::FieldDescriptor* const member = [] {
    const auto* kinds = v1::Resource::descriptor()->FindOneofByName("kind");
    int i = 0;
    while (kinds->field(i)->message_type() != T::descriptor()) ++i;
    return kinds->field(i);
  }();
  return member;
}

template <typename T>
v1::Resource Wrap(const T& message) {
  v1::Resource resource;
  resource.GetReflection()->MutableMessage(&resource, MemberFor<T>())->CopyFrom(message);
  return resource;
}

// A default T when the resource is of another kind.
template <typename T>
T Unwrap(const v1::Resource& resource) {
  T message;
  message.CopyFrom(resource.GetReflection()->GetMessage(resource, MemberFor<T>()));
  return message;
}

template <typename T>
resource::Kind KindFor() {
  return resource::KindOf(Wrap(T()));
}

// Runs `act` unless this request has been answered before: then answers the same again.
template <typename Answer, typename Request, typename Act>
absl::StatusOr<Answer> Once(CallContext& call, const Request& request, Act act) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.request_id().empty() || request.validate_only()) return act();
  RequestLog& log = call.agent.requests;
  Answer answer;
  ASSIGN_OR_RETURN(const bool repeated, log.Recall(call.caller.name, request.request_id(), request,
                                                   call.now(), &answer));
  if (repeated) return answer;
  ASSIGN_OR_RETURN(answer, act());
  log.Remember(call.caller.name, request.request_id(), request, call.now(), answer);
  return answer;
}

// The resource as it is, or as it will be if `transaction` is committed. It must exist.
template <typename T>
T Show(const CallContext& call, const Transaction& transaction, const std::string& name) {
  v1::Resource shown = Presenter(call.agent, transaction).Present(name, *transaction.Find(name));
  transaction.HideInvented(&shown);
  return Unwrap<T>(shown);
}

// `parent` as the request gives it; empty for kinds without one.
template <typename T, typename Request>
absl::StatusOr<T> Create(CallContext& call, const Request& request, const T& given,
                         absl::string_view parent = "") {
  return Once<T>(call, request, [&]() -> absl::StatusOr<T> {
    const resource::Kind kind = KindFor<T>();
    Transaction transaction(call);
    std::string parent_name;
    if (resource::ParentKind(kind) != resource::Kind::kUnknown) {
      ASSIGN_OR_RETURN(parent_name, ResolveReference(transaction, resource::ParentKind(kind),
                                                     parent, call.agent.mesh.account, "parent"));
    }
    RETURN_IF_ERROR(Authorize(call, Action::kWrite, resource::CollectionPrefix(kind, parent_name)));
    ASSIGN_OR_RETURN(const std::string name, transaction.Create(Wrap(given), parent_name));
    RETURN_IF_ERROR(transaction.Finish(request.validate_only()));
    return Show<T>(call, transaction, name);
  });
}

template <typename T>
absl::StatusOr<T> Get(CallContext& call, absl::string_view reference) {
  const Transaction view(call);
  ASSIGN_OR_RETURN(const std::string name, ResolveReference(view, KindFor<T>(), reference,
                                                            call.agent.mesh.account, "name"));
  RETURN_IF_ERROR(Authorize(call, Action::kRead, name));
  return Show<T>(call, view, name);
}

// Calls `add` with each resource of the page; returns the token of the next page or nothing.
template <typename T, typename Request, typename Add>
absl::StatusOr<std::string> List(CallContext& call, const Request& request,
                                 absl::string_view parent, Add add) {
  const resource::Kind kind = KindFor<T>();
  const Transaction view(call);
  std::string parent_name;
  if (resource::ParentKind(kind) != resource::Kind::kUnknown) {
    ASSIGN_OR_RETURN(parent_name, ResolveReference(view, resource::ParentKind(kind), parent,
                                                   call.agent.mesh.account, "parent"));
  }
  const std::string prefix = resource::CollectionPrefix(kind, parent_name);
  RETURN_IF_ERROR(Authorize(call, Action::kRead, prefix));
  ASSIGN_OR_RETURN(const Page page, ParsePage(prefix, request.page_size(), request.page_token()));
  Presenter presenter(call.agent, view);
  std::string last;
  std::string next_page_token;
  int count = 0;
  view.Visit(prefix, page.after, [&](const std::string& name, const v1::Resource& resource) {
    // The collection's names also begin those of what is inside its resources.
    if (resource::KindOf(name) != kind) return true;
    if (count == page.size) {
      next_page_token = PageTokenAfter(last);
      return false;
    }
    add(Unwrap<T>(presenter.Present(name, resource)));
    last = name;
    ++count;
    return true;
  });
  return next_page_token;
}

template <typename T, typename Request>
absl::StatusOr<T> Update(CallContext& call, const Request& request, const T& given) {
  return Once<T>(call, request, [&]() -> absl::StatusOr<T> {
    Transaction transaction(call);
    ASSIGN_OR_RETURN(
        const std::string name,
        ResolveReference(transaction, KindFor<T>(), given.name(), call.agent.mesh.account,
                         absl::StrCat(FieldPrefix(KindFor<T>()), ".name")));
    RETURN_IF_ERROR(Authorize(call, Action::kWrite, name));
    const auto* mask = request.has_update_mask() ? &request.update_mask() : nullptr;
    RETURN_IF_ERROR(transaction.Update(name, Wrap(given), mask).status());
    RETURN_IF_ERROR(transaction.Finish(request.validate_only()));
    return Show<T>(call, transaction, name);
  });
}

template <typename T, typename Request>
absl::StatusOr<google::protobuf::Empty> Delete(CallContext& call, const Request& request) {
  using google::protobuf::Empty;
  return Once<Empty>(call, request, [&]() -> absl::StatusOr<Empty> {
    Transaction transaction(call);
    ASSIGN_OR_RETURN(const std::string name,
                     ResolveReference(transaction, KindFor<T>(), request.name(),
                                      call.agent.mesh.account, "name"));
    RETURN_IF_ERROR(Authorize(call, Action::kWrite, name));
    RETURN_IF_ERROR(transaction.Delete(name, request.etag()));
    RETURN_IF_ERROR(transaction.Finish(request.validate_only()));
    return Empty();
  });
}

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_STANDARD_H_
