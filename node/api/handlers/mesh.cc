#include "node/api/handlers/mesh.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {
namespace {

constexpr int kMaxExplainHeaders = 100;
constexpr size_t kMaxExplainBytes = 60 << 10;  // VPC Lattice reference 6.5: header block.

v1::Liveness ToProto(gossip::Liveness liveness) {
  switch (liveness) {
    case gossip::Liveness::kAlive:
      return v1::ALIVE;
    case gossip::Liveness::kSuspect:
      return v1::SUSPECT;
    case gossip::Liveness::kDown:
      return v1::DOWN;
  }
  return v1::LIVENESS_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<v1::MeshState> GetMeshState(CallContext& call, const v1::GetMeshStateRequest&) {
  RETURN_IF_ERROR(Authorize(call, Action::kRead, "mesh"));
  const AgentContext& agent = call.agent;
  const Transaction view(call);
  v1::MeshState state;
  state.set_mesh_id(absl::BytesToHexString(agent.mesh.id));
  state.set_answered_by(resource::AgentName(agent.node));
  state.set_account(agent.mesh.account);
  state.set_region(agent.mesh.region);
  state.set_resources(static_cast<int64_t>(agent.catalog.live_count()));
  state.set_tombstones(static_cast<int64_t>(agent.catalog.tombstone_count()));
  for (const std::string& alarm : agent.gossip.Alarms()) state.add_alarms(alarm);
  bool converged = true;
  for (const gossip::MemberView& member : agent.gossip.View()) {
    v1::AgentState* shown = state.add_agents();
    const std::string name = resource::AgentName(member.node);
    const std::shared_ptr<const v1::Resource> stored = view.Find(name);
    if (stored != nullptr) *shown->mutable_agent() = stored->agent();
    shown->mutable_agent()->set_name(name);
    shown->set_liveness(ToProto(member.liveness));
    const int64_t nanos = absl::ToInt64Nanoseconds(member.since_heard);
    shown->mutable_last_heard()->set_seconds(nanos / 1000000000);
    shown->mutable_last_heard()->set_nanos(static_cast<int32_t>(nanos % 1000000000));
    shown->set_version(member.program_version);
    shown->set_root(absl::BytesToHexString(member.root));
    shown->set_missing_transactions(
        static_cast<int64_t>(member.holds.Missing(agent.catalog.vector())));
    shown->set_enforcing_all(member.enforces.Covers(agent.catalog.vector()));
    if (member.liveness != gossip::Liveness::kDown) {
      converged = converged && member.root == agent.catalog.root().ToBytes();
    }
  }
  state.set_converged(converged);
  return state;
}

absl::StatusOr<v1::ExplainRequestResponse> ExplainRequest(
    CallContext& call, const v1::ExplainRequestRequest& request) {
  RETURN_IF_ERROR(Authorize(call, Action::kRead, "mesh"));
  if (request.authority().empty()) {
    return absl::InvalidArgumentError("authority: required; give the host name a caller would use");
  }
  if (request.port() < 0 || request.port() > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("port: ", request.port(), " is not 1 to 65535, or 0 for the authority's"));
  }
  if (request.headers_size() > kMaxExplainHeaders || request.ByteSizeLong() > kMaxExplainBytes) {
    return absl::InvalidArgumentError(absl::StrCat("headers: more than the proxy takes, ",
                                                   kMaxExplainHeaders, " headers and ",
                                                   kMaxExplainBytes, " bytes"));
  }
  return call.agent.explain(request);
}

}  // namespace trellis::api
