#include "node/api/handlers/agent.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr size_t kMaxOperatorBytes = 64;
constexpr size_t kMaxPublicKeyBytes = 1024;

// Sets the default; refuses what is out of range.
template <typename Request>
absl::Status BoundTimeToLive(int64_t preset, int64_t max, absl::string_view range,
                             Request* request) {
  if (!request->has_time_to_live()) {
    *request->mutable_time_to_live() = TimeUtil::SecondsToDuration(preset);
  }
  const google::protobuf::Duration& given = request->time_to_live();
  if (given.seconds() >= kMinute && given.seconds() <= max && given.nanos() == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("time_to_live: ", given.seconds(),
                                                 "s is out of range; give whole seconds, ", range));
}

absl::StatusOr<Issuer*> IssuerOf(const CallContext& call) {
  RETURN_IF_ERROR(Authorize(call, Action::kAdmit, "joinTokens/"));
  RETURN_IF_ERROR(call.agent.gossip.CheckWritable());
  if (call.agent.issuer != nullptr) return call.agent.issuer;
  return absl::FailedPreconditionError(
      "this agent does not hold the mesh's issuing key; ask the agent that made the mesh");
}

// Without the issuing key nobody could join the mesh any more.
absl::Status CheckIssuerRemains(const storage::Catalog& catalog, const std::string& evicted) {
  bool issues = false, another = false;
  catalog.Visit(resource::CollectionPrefix(resource::Kind::kAgent), "",
                [&](const std::string& name, const storage::Catalog::Record& record) {
                  if (!record.resource->agent().issues_certificates()) return true;
                  (name == evicted ? issues : another) = true;
                  return true;
                });
  if (!issues || another) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "name: it is the only agent with the mesh's issuing key; copy its identity/root.key to the "
      "identity folder of another agent and restart that first");
}

}  // namespace

absl::StatusOr<v1::Agent> GetAgent(CallContext& call, const v1::GetAgentRequest& request) {
  return Get<v1::Agent>(call, request.name());
}

absl::StatusOr<v1::ListAgentsResponse> ListAgents(CallContext& call,
                                                  const v1::ListAgentsRequest& request) {
  v1::ListAgentsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Agent>(call, request, "", [&](v1::Agent item) {
                     *response.add_agents() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<google::protobuf::Empty> DeleteAgent(CallContext& call,
                                                    const v1::DeleteAgentRequest& request) {
  // First: who may not evict must not learn who is there either.
  RETURN_IF_ERROR(
      Authorize(call, Action::kWrite, resource::CollectionPrefix(resource::Kind::kAgent)));
  const Transaction view(call);
  const absl::StatusOr<std::string> name = ResolveReference(
      view, resource::Kind::kAgent, request.name(), call.agent.mesh.account, "name");
  if (name.ok() && *name == resource::AgentName(call.agent.node)) {
    return absl::FailedPreconditionError(
        "name: this is the answering agent; evict it through another");
  }
  if (name.ok()) RETURN_IF_ERROR(CheckIssuerRemains(call.agent.catalog, *name));
  return Delete<v1::Agent>(call, request);
}

absl::StatusOr<v1::CreateJoinTokenResponse> CreateJoinToken(
    CallContext& call, const v1::CreateJoinTokenRequest& given) {
  ASSIGN_OR_RETURN(Issuer* const issuer, IssuerOf(call));
  v1::CreateJoinTokenRequest request = given;
  const Transaction view(call);
  ASSIGN_OR_RETURN(*request.mutable_vpc(), ResolveReference(view, resource::Kind::kVpc, given.vpc(),
                                                            call.agent.mesh.account, "vpc"));
  if (request.role() != v1::WORKER && request.role() != v1::ADMIN) {
    return absl::InvalidArgumentError("role: required; give WORKER or ADMIN");
  }
  RETURN_IF_ERROR(BoundTimeToLive(kHour, 7 * kDay, "1 minute to 7 days", &request));
  return issuer->CreateJoinToken(request);
}

absl::StatusOr<v1::CreateOperatorCertificateResponse> CreateOperatorCertificate(
    CallContext& call, const v1::CreateOperatorCertificateRequest& given) {
  ASSIGN_OR_RETURN(Issuer* const issuer, IssuerOf(call));
  v1::CreateOperatorCertificateRequest request = given;
  const std::string& name = request.operator_();
  const bool named =
      !name.empty() && name.size() <= kMaxOperatorBytes &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '@' || c == '.' || c == '_' || c == '-';
      });
  if (!named) {
    return absl::InvalidArgumentError(
        absl::StrCat("operator: \"", absl::CHexEscape(name.substr(0, 100)),
                     "\"; give 1 to 64 of letters, digits, @ . _ and -"));
  }
  if (request.public_key_der().empty() || request.public_key_der().size() > kMaxPublicKeyBytes) {
    return absl::InvalidArgumentError(
        "public_key_der: give the SubjectPublicKeyInfo of a P-256 key, DER");
  }
  RETURN_IF_ERROR(BoundTimeToLive(30 * kDay, 365 * kDay, "1 minute to 365 days", &request));
  return issuer->CreateOperatorCertificate(request);
}

}  // namespace trellis::api
