#include "node/api/handlers/target.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "node/api/handlers/standard.h"
#include "node/snapshot/target_admission.h"
#include "storage/resource/validate.h"

namespace trellis::api {
namespace {

using resource::Kind;

template <typename Request>
absl::Status CheckCount(const Request& request) {
  if (request.targets_size() >= 1 && request.targets_size() <= kMaxTargetsPerCall) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("targets: ", request.targets_size(),
                                                 " are given; give 1 to ", kMaxTargetsPerCall));
}

void AddFailure(const v1::Target& target, const absl::Status& status, v1::TargetFailure* failure) {
  failure->set_id(target.id());
  failure->set_port(target.port());
  failure->set_failure_code(absl::StatusCodeToString(status.code()));
  failure->set_failure_message(std::string(status.message()));
}

// With its group's port, unless it brings one, and its address in the one spelling.
v1::Target FilledTarget(const resource::View& view, const std::string& group, v1::Target target) {
  v1::Resource resource = Wrap(target);
  Inherit(view, "", group, &resource);
  resource::ApplyDefaults(&resource);
  return resource.target();
}

// What Register and Deregister share: one transaction over the targets for which `act` succeeds.
// `act` returns the target's name, or why it fails, having changed nothing then.
template <typename Response, typename Request, typename Act>
absl::StatusOr<Response> ForEachTarget(CallContext& call, const Request& request, Act act) {
  return Once<Response>(call, request, [&]() -> absl::StatusOr<Response> {
    RETURN_IF_ERROR(CheckCount(request));
    Transaction transaction(call);
    ASSIGN_OR_RETURN(const std::string group,
                     ResolveReference(transaction, Kind::kTargetGroup, request.parent(),
                                      call.agent.mesh.account, "parent"));
    RETURN_IF_ERROR(Authorize(call, Action::kRegister, group));
    Response response;
    std::vector<std::pair<std::string, v1::Target>> done;
    for (const v1::Target& given : request.targets()) {
      v1::Target target = FilledTarget(transaction, group, given);
      const absl::Status may = CheckMayRegister(call.agent.catalog.self(),
                                                transaction.Find(group)->target_group(), target);
      absl::StatusOr<std::string> name =
          may.ok() ? act(transaction, group, target) : absl::StatusOr<std::string>(may);
      if (name.ok()) {
        done.emplace_back(*std::move(name), std::move(target));
      } else {
        AddFailure(given, name.status(), response.add_unsuccessful());
      }
    }
    RETURN_IF_ERROR(transaction.Finish(request.validate_only()));
    Presenter presenter(call.agent, transaction);
    for (const auto& [name, target] : done) {
      const auto stored = transaction.Find(name);  // Null: deregistered.
      *response.add_successful() =
          stored == nullptr ? target : Unwrap<v1::Target>(presenter.Present(name, *stored));
    }
    return response;
  });
}

}  // namespace

absl::StatusOr<v1::RegisterTargetsResponse> RegisterTargets(
    CallContext& call, const v1::RegisterTargetsRequest& request) {
  return ForEachTarget<v1::RegisterTargetsResponse>(
      call, request,
      [](Transaction& transaction, const std::string& group,
         const v1::Target& target) -> absl::StatusOr<std::string> {
        v1::ApplyResponse::Outcome outcome;
        ASSIGN_OR_RETURN(const std::string name, transaction.Put(Wrap(target), group, &outcome));
        const auto written = transaction.Find(name);
        const absl::Status fits = resource::CheckReferences(transaction, *written);
        if (fits.ok()) return name;
        if (outcome != v1::ApplyResponse::UNCHANGED) transaction.Undo();
        return fits;
      });
}

absl::StatusOr<v1::DeregisterTargetsResponse> DeregisterTargets(
    CallContext& call, const v1::DeregisterTargetsRequest& request) {
  return ForEachTarget<v1::DeregisterTargetsResponse>(
      call, request,
      [](Transaction& transaction, const std::string& group,
         const v1::Target& target) -> absl::StatusOr<std::string> {
        const std::string name = resource::TargetName(group, target.id(), target.port());
        if (transaction.Find(name) == nullptr) {
          return absl::NotFoundError(
              absl::StrCat("target: ", target.id(), " is not registered on port ", target.port()));
        }
        RETURN_IF_ERROR(transaction.Delete(name, target.etag()));
        return name;
      });
}

absl::StatusOr<v1::ListTargetsResponse> ListTargets(CallContext& call,
                                                    const v1::ListTargetsRequest& request) {
  v1::ListTargetsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Target>(call, request, request.parent(), [&](v1::Target item) {
                     *response.add_targets() = std::move(item);
                   }));
  return response;
}

}  // namespace trellis::api
