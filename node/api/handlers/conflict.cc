#include "node/api/handlers/conflict.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {
namespace {

using Record = storage::Catalog::Record;

constexpr int kMaxLostClaims = 1000;  // Of one answer.

void Fill(const std::string& name, const Record& record, Presenter& presenter,
          v1::Conflict::Write* write) {
  // Of what agents keep for themselves nothing is shown but that it is there.
  if (record.resource != nullptr && !resource::IsInternal(name)) {
    *write->mutable_resource() = presenter.Present(name, *record.resource);
  }
  write->set_author(resource::AgentName(record.origin.node));
  write->mutable_write_time()->set_seconds(absl::ToUnixSeconds(record.version.time()));
}

v1::Conflict Describe(const CallContext& call, const std::string& name, const Record& lost,
                      Presenter& presenter) {
  const Record won = *call.agent.catalog.FindRecord(name);
  v1::Conflict conflict;
  conflict.set_name(name);
  conflict.set_version(lost.version.ToEtag());
  conflict.set_etag(won.version.ToEtag());
  Fill(name, lost, presenter, conflict.mutable_lost());
  Fill(name, won, presenter, conflict.mutable_won());
  return conflict;
}

// The one conflict of `name` that `version` means.
absl::StatusOr<Record> FindConflict(const CallContext& call, const std::string& name,
                                    const std::string& version) {
  if (name.empty()) return absl::InvalidArgumentError("name: required; give a resource name");
  std::vector<Record> all;
  // Nothing is between a name and itself with a byte more.
  call.agent.catalog.VisitConflicts(name, "", [&](const std::string& visited, const Record& lost) {
    if (visited != name) return false;
    if (version.empty() || lost.version.ToEtag() == version) all.push_back(lost);
    return true;
  });
  if (all.size() == 1) return all.front();
  if (all.empty()) {
    return absl::NotFoundError(absl::StrCat("name: ", name, " has no conflict",
                                            version.empty() ? "" : " ", version,
                                            "; it may have been resolved by another"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("version: ", name, " has ", all.size(), " conflicts; give one of ",
                   absl::StrJoin(all, ", ", [](std::string* out, const Record& lost) {
                     absl::StrAppend(out, lost.version.ToEtag());
                   })));
}

void AddLostClaims(const LostClaims& claims, v1::ListConflictsResponse* response) {
  for (const auto& [name, losses] : claims.all()) {
    for (const v1::LostClaim& lost : losses) {
      if (response->lost_claims_size() == kMaxLostClaims) return;
      *response->add_lost_claims() = lost;
    }
  }
}

}  // namespace

absl::StatusOr<v1::ListConflictsResponse> ListConflicts(CallContext& call,
                                                        const v1::ListConflictsRequest& request) {
  RETURN_IF_ERROR(Authorize(call, Action::kRead, "conflicts"));
  ASSIGN_OR_RETURN(const Page page, ParsePage("", request.page_size(), request.page_token()));
  const Transaction view(call);
  Presenter presenter(call.agent, view);
  v1::ListConflictsResponse response;
  if (page.after.empty()) AddLostClaims(*call.agent.lost_claims, &response);
  std::string last;
  call.agent.catalog.VisitConflicts(
      "", page.after, [&](const std::string& name, const Record& lost) {
        if (name != last && response.conflicts_size() >= page.size) {
          response.set_next_page_token(PageTokenAfter(last));
          return false;
        }
        *response.add_conflicts() = Describe(call, name, lost, presenter);
        last = name;
        return true;
      });
  return response;
}

absl::StatusOr<v1::Conflict> GetConflict(CallContext& call, const v1::GetConflictRequest& request) {
  RETURN_IF_ERROR(Authorize(call, Action::kRead, request.name()));
  ASSIGN_OR_RETURN(const Record lost, FindConflict(call, request.name(), request.version()));
  const Transaction view(call);
  Presenter presenter(call.agent, view);
  return Describe(call, request.name(), lost, presenter);
}

absl::StatusOr<v1::ResolveConflictResponse> ResolveConflict(
    CallContext& call, const v1::ResolveConflictRequest& request) {
  using Response = v1::ResolveConflictResponse;
  return Once<Response>(call, request, [&]() -> absl::StatusOr<Response> {
    RETURN_IF_ERROR(Authorize(call, Action::kWrite, request.name()));
    if (request.resolution() != v1::APPLY && request.resolution() != v1::DROP) {
      return absl::InvalidArgumentError("resolution: required; give APPLY or DROP");
    }
    ASSIGN_OR_RETURN(const Record lost, FindConflict(call, request.name(), request.version()));
    const Record won = *call.agent.catalog.FindRecord(request.name());
    if (!request.etag().empty() && request.etag() != won.version.ToEtag()) {
      return absl::AbortedError(absl::StrCat("etag: ", request.name(),
                                             " was written meanwhile; look at the conflict again"));
    }
    Transaction transaction(call);
    RETURN_IF_ERROR(transaction.Resolve(
        request.name(), request.resolution() == v1::APPLY ? lost.resource : won.resource,
        lost.version));
    RETURN_IF_ERROR(transaction.Finish(request.validate_only()));
    Response response;
    const auto now = transaction.Find(request.name());
    if (now != nullptr && !resource::IsInternal(request.name())) {
      *response.mutable_resource() =
          Presenter(call.agent, transaction).Present(request.name(), *now);
    }
    return response;
  });
}

}  // namespace trellis::api
