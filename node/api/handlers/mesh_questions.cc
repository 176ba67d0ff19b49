#include "node/api/handlers/mesh_questions.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "google/protobuf/util/time_util.h"
#include "node/api/handlers/settling.h"
#include "node/api/handlers/standard.h"
#include "node/vault/key_book.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

using google::protobuf::util::TimeUtil;
using gossip::BarrierResult;
using gossip::SurveyRows;
using Outcome = v1::WaitForConvergenceResponse;

constexpr absl::Duration kDefaultWait = absl::Seconds(10);

google::protobuf::Duration ToProto(absl::Duration duration) {
  return TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

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

Outcome::Outcome ToProto(BarrierResult::Outcome outcome) {
  switch (outcome) {
    case BarrierResult::Outcome::kAll:
      return Outcome::ALL;
    case BarrierResult::Outcome::kMinimum:
      return Outcome::MINIMUM;
    case BarrierResult::Outcome::kReachable:
      return Outcome::REACHABLE;
    case BarrierResult::Outcome::kIncomplete:
      return Outcome::INCOMPLETE;
  }
  return Outcome::OUTCOME_UNSPECIFIED;
}

absl::StatusOr<absl::Duration> TimeoutOf(const v1::WaitForConvergenceRequest& request) {
  if (!request.has_timeout()) return kDefaultWait;
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  constexpr absl::Duration kLeast = gossip::Barriers::kLeastTimeout;
  constexpr absl::Duration kMost = gossip::Queries::kMaxTimeout;
  if (timeout >= kLeast && timeout <= kMost) return timeout;
  return absl::InvalidArgumentError(
      absl::StrCat("timeout: ", absl::FormatDuration(timeout), " is out of range; give ",
                   absl::FormatDuration(kLeast), " to ", absl::FormatDuration(kMost)));
}

// An agent as the roster has it; a bare name until its record has come.
v1::Agent AgentOf(const storage::Catalog& catalog, storage::NodeId node) {
  const std::string name = resource::AgentName(node);
  const std::shared_ptr<const v1::Resource> stored = catalog.Find(name);
  v1::Agent agent = stored == nullptr ? v1::Agent() : stored->agent();
  agent.set_name(name);
  return agent;
}

std::string TitleOf(const storage::Catalog& catalog, storage::NodeId node) {
  const v1::Agent agent = AgentOf(catalog, node);
  return agent.display_name().empty() ? agent.name() : agent.display_name();
}

int CountAgents(const storage::Catalog& catalog, absl::string_view vpc) {
  int count = 0;
  catalog.Visit(resource::CollectionPrefix(resource::Kind::kAgent), "",
                [&](const std::string&, const storage::Catalog::Record& record) {
                  if (vpc.empty() || record.resource->agent().vpc() == vpc) ++count;
                  return true;
                });
  return count;
}

absl::StatusOr<uint32_t> MinimumOf(const v1::WaitForConvergenceRequest& request, int agents) {
  if (request.minimum_agents() != 0 && request.minimum_percent() != 0) {
    return absl::InvalidArgumentError(
        "minimum_percent: given together with minimum_agents; give one of them");
  }
  if (request.minimum_percent() < 0 || request.minimum_percent() > 100) {
    return absl::InvalidArgumentError(
        absl::StrCat("minimum_percent: ", request.minimum_percent(), " is not 1 to 100"));
  }
  if (request.minimum_agents() < 0 || request.minimum_agents() > agents) {
    return absl::InvalidArgumentError(absl::StrCat("minimum_agents: ", request.minimum_agents(),
                                                   " is not 1 to ", agents,
                                                   ", the agents there are"));
  }
  if (request.minimum_percent() == 100) return 0;
  if (request.minimum_percent() > 0) return (agents * request.minimum_percent() + 99) / 100;
  return request.minimum_agents();
}

v1::WaitForConvergenceResponse ResponseOf(const storage::Catalog& catalog,
                                          const BarrierResult& result, absl::Duration took) {
  v1::WaitForConvergenceResponse response;
  response.set_outcome(ToProto(result.outcome));
  response.set_converged(response.outcome() == Outcome::ALL ||
                         response.outcome() == Outcome::MINIMUM);
  response.set_agents(static_cast<int32_t>(result.agents));
  response.set_answered(static_cast<int32_t>(result.answered));
  response.set_holding(static_cast<int32_t>(result.holding));
  response.set_enforcing(static_cast<int32_t>(result.enforcing));
  for (const auto node : result.stragglers) response.add_stragglers(TitleOf(catalog, node));
  for (const auto node : result.unreachable) response.add_unreachable(TitleOf(catalog, node));
  *response.mutable_took() = ToProto(took);
  if (result.max > absl::ZeroDuration()) {
    *response.mutable_p50() = ToProto(result.p50);
    *response.mutable_p99() = ToProto(result.p99);
    *response.mutable_max() = ToProto(result.max);
  }
  return response;
}

struct TracedWrite {
  storage::NodeId author = 0;
  absl::Time committed = absl::InfinitePast();  // Unless it is not known.
  gossip::SurveyRequest survey;
};

absl::StatusOr<TracedWrite> TracedWriteOf(const v1::TraceWriteRequest& request) {
  TracedWrite write;
  if (absl::StrContains(request.write(), '-')) {
    ASSIGN_OR_RETURN(const storage::MeshToken token, storage::MeshToken::Parse(request.write()));
    write.author = token.origin.node;
    write.survey.wanted.Advance(token.origin, token.sequence);
    return write;
  }
  const absl::StatusOr<storage::Version> version = storage::Version::FromEtag(request.write());
  if (!version.ok()) {
    return absl::InvalidArgumentError(
        "write: neither a mesh token nor an etag; use the token of a write's answer or the etag of "
        "a resource");
  }
  write.author = version->node;
  write.committed = version->time();
  write.survey.trace = *version;
  return write;
}

v1::TraceWriteResponse ResponseOf(const AgentContext& agent, const TracedWrite& write,
                                  const SurveyRows& rows) {
  v1::TraceWriteResponse response;
  response.set_author(resource::AgentName(write.author));
  absl::Time committed = write.committed;
  for (const gossip::MemberView& member : agent.gossip.View()) {
    v1::TraceOfAgent& shown = *response.add_agents();
    *shown.mutable_agent() = AgentOf(agent.catalog, member.node);
    shown.set_liveness(ToProto(member.liveness));
    const auto row = rows.find(member.node);
    if (row == rows.end()) continue;
    shown.set_answered(true);
    if (row->second.received_micros() == 0) continue;
    *shown.mutable_receive_time() =
        TimeUtil::MicrosecondsToTimestamp(row->second.received_micros());
    shown.set_received_from(resource::AgentName(row->second.received_from()));
    // To its author it came when it was committed.
    if (member.node == write.author && committed == absl::InfinitePast()) {
      committed = absl::FromUnixMicros(row->second.received_micros());
    }
    if (row->second.enforced_micros() == 0) continue;
    *shown.mutable_enforce_time() =
        TimeUtil::MicrosecondsToTimestamp(row->second.enforced_micros());
  }
  if (committed != absl::InfinitePast()) {
    *response.mutable_commit_time() =
        TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(committed));
  }
  return response;
}

}  // namespace

MeshQuestions::MeshQuestions(AgentContext& agent) : agent_(agent) {
  agent.catalog.SubscribeDeltas([this, alive = alive_](const storage::v1::Delta&) {
    if (*alive) OnCatalogChanged();
  });
}

MeshQuestions::~MeshQuestions() {
  *alive_ = false;
  for (const auto& [id, query] : asked_) agent_.gossip.CancelQuery(query);
  for (const auto& [id, awaited] : awaited_) agent_.runtime.scheduler.Cancel(awaited.timer);
}

absl::Status MeshQuestions::CheckRoom() const {
  if (asked_.size() + awaited_.size() < kMaxWaiting) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("already ", kMaxWaiting, " calls wait for the mesh; try again later"));
}

void MeshQuestions::Cancel(uint64_t id) {
  if (const auto asked = asked_.find(id); asked != asked_.end()) {
    agent_.gossip.CancelQuery(asked->second);
    asked_.erase(asked);
  }
  if (const auto awaited = awaited_.find(id); awaited != awaited_.end()) {
    agent_.runtime.scheduler.Cancel(awaited->second.timer);
    awaited_.erase(awaited);
  }
}

// --- Convergence ---------------------------------------------------------------------------------

absl::StatusOr<gossip::BarrierRequest> MeshQuestions::BarrierOf(
    const v1::WaitForConvergenceRequest& request) const {
  RETURN_IF_ERROR(CheckRoom());
  gossip::BarrierRequest barrier;
  ASSIGN_OR_RETURN(barrier.timeout, TimeoutOf(request));
  if (request.mesh_token().empty()) {
    barrier.wanted = agent_.catalog.vector();
  } else {
    ASSIGN_OR_RETURN(const storage::MeshToken token,
                     storage::MeshToken::Parse(request.mesh_token()));
    barrier.wanted.Advance(token.origin, token.sequence);
  }
  barrier.only_self = request.answering_agent_only();
  if (!request.vpc().empty()) {
    if (barrier.only_self) {
      return absl::InvalidArgumentError(
          "vpc: given together with answering_agent_only; give one of them");
    }
    CallContext call{agent_, {}};
    const Transaction view(call);
    ASSIGN_OR_RETURN(barrier.vpc, ResolveReference(view, resource::Kind::kVpc, request.vpc(),
                                                   agent_.mesh.account, "vpc"));
  }
  const int agents = barrier.only_self ? 1 : CountAgents(agent_.catalog, barrier.vpc);
  ASSIGN_OR_RETURN(barrier.minimum, MinimumOf(request, agents));
  return barrier;
}

uint64_t MeshQuestions::WaitForConvergence(const v1::WaitForConvergenceRequest& request,
                                           Answer<v1::WaitForConvergenceResponse> answer) {
  absl::StatusOr<gossip::BarrierRequest> barrier = BarrierOf(request);
  if (!barrier.ok()) {
    answer(barrier.status());
    return 0;
  }
  const uint64_t id = next_id_++;
  const absl::Duration began = agent_.runtime.scheduler.MonotonicNow();
  // What only some were asked about says nothing of the others.
  storage::VersionVector asked_of_all;
  if (!barrier->only_self && barrier->vpc.empty()) asked_of_all = barrier->wanted;
  asked_[id] = agent_.gossip.Barrier(
      *std::move(barrier), [this, id, began, asked_of_all = std::move(asked_of_all),
                            answer = std::move(answer)](const BarrierResult& result) mutable {
        asked_.erase(id);
        if (result.outcome == BarrierResult::Outcome::kAll && agent_.settling != nullptr) {
          agent_.settling->OnEnforced(asked_of_all);
        }
        answer(ResponseOf(agent_.catalog, result, agent_.runtime.scheduler.MonotonicNow() - began));
      });
  return id;
}

// --- Surveys -------------------------------------------------------------------------------------

uint64_t MeshQuestions::Survey(const gossip::SurveyRequest& request,
                               absl::AnyInvocable<void(const SurveyRows&)> done) {
  const uint64_t id = next_id_++;
  asked_[id] = agent_.gossip.Survey(
      request, [this, id, done = std::move(done)](const SurveyRows& rows) mutable {
        asked_.erase(id);
        done(rows);
      });
  return id;
}

uint64_t MeshQuestions::GetMeshState(const v1::GetMeshStateRequest&, Answer<v1::MeshState> answer) {
  if (const absl::Status room = CheckRoom(); !room.ok()) {
    answer(room);
    return 0;
  }
  return Survey({.wanted = agent_.catalog.vector(), .timeout = kSurveyTime},
                [this, answer = std::move(answer)](const SurveyRows& rows) mutable {
                  answer(StateOf(rows));
                });
}

v1::MeshState MeshQuestions::StateOf(const SurveyRows& rows) const {
  const storage::Catalog& catalog = agent_.catalog;
  v1::MeshState state;
  state.set_mesh_id(absl::BytesToHexString(agent_.mesh.id));
  state.set_answered_by(resource::AgentName(agent_.node));
  state.set_account(agent_.mesh.account);
  state.set_region(agent_.mesh.region);
  state.set_resources(static_cast<int64_t>(catalog.live_count()));
  state.set_tombstones(static_cast<int64_t>(catalog.tombstone_count()));
  state.set_conflicts(static_cast<int64_t>(catalog.conflict_count()));
  state.set_lost_claims(static_cast<int64_t>(agent_.lost_claims->count()));
  for (const auto& [name, group] : vault::ReadGroups(catalog)) {
    if (!group.retired) *state.add_sealing_groups() = vault::Describe(group);
  }
  for (const std::string& alarm : agent_.gossip.Alarms()) state.add_alarms(alarm);
  if (agent_.alarms != nullptr) {
    for (const std::string& alarm : agent_.alarms()) state.add_alarms(alarm);
  }
  bool converged = true;
  for (const gossip::MemberView& member : agent_.gossip.View()) {
    v1::AgentState& shown = *state.add_agents();
    *shown.mutable_agent() = AgentOf(catalog, member.node);
    shown.set_liveness(ToProto(member.liveness));
    *shown.mutable_last_heard() = ToProto(member.since_heard);
    const auto row = rows.find(member.node);
    if (row == rows.end()) {
      converged = converged && member.liveness == gossip::Liveness::kDown;
      continue;
    }
    shown.set_answered(true);
    shown.set_version(row->second.program_version());
    shown.set_root(absl::BytesToHexString(row->second.root()));
    shown.set_missing_transactions(static_cast<int64_t>(row->second.missing()));
    shown.set_enforcing_all(row->second.enforcing());
    if (row->second.has_agreed_millis_ago()) {
      constexpr uint64_t kMost = uint64_t{1} << 42;  // 139 years, and no overflow by who lies.
      *shown.mutable_last_agreed() = ToProto(absl::Milliseconds(
          static_cast<int64_t>(std::min(row->second.agreed_millis_ago(), kMost))));
    }
    if (row->second.has_bootstrap()) {
      const auto& bootstrap = row->second.bootstrap();
      shown.mutable_bootstrap()->set_entries(static_cast<int64_t>(bootstrap.entries()));
      shown.mutable_bootstrap()->set_entries_expected(
          static_cast<int64_t>(bootstrap.entries_expected()));
      shown.mutable_bootstrap()->set_peers(static_cast<int32_t>(bootstrap.peers()));
    }
    converged = converged && row->second.root() == catalog.root().ToBytes();
  }
  state.set_converged(converged);
  return state;
}

uint64_t MeshQuestions::TraceWrite(const v1::TraceWriteRequest& request,
                                   Answer<v1::TraceWriteResponse> answer) {
  absl::StatusOr<TracedWrite> write = TracedWriteOf(request);
  const absl::Status refused = write.ok() ? CheckRoom() : write.status();
  if (!refused.ok()) {
    answer(refused);
    return 0;
  }
  gossip::SurveyRequest survey = write->survey;
  survey.timeout = kSurveyTime;
  return Survey(survey,
                [this, write = *std::move(write), answer = std::move(answer)](
                    const SurveyRows& rows) mutable { answer(ResponseOf(agent_, write, rows)); });
}

// --- Read your writes ----------------------------------------------------------------------------

uint64_t MeshQuestions::AwaitToken(absl::string_view mesh_token,
                                   absl::AnyInvocable<void(absl::Status)> done) {
  const absl::StatusOr<storage::MeshToken> token = storage::MeshToken::Parse(mesh_token);
  const bool held = token.ok() && agent_.catalog.vector().head(token->origin) >= token->sequence;
  const absl::Status refused = held ? absl::OkStatus() : token.ok() ? CheckRoom() : token.status();
  if (held || !refused.ok()) {
    done(refused);
    return 0;
  }
  const uint64_t id = next_id_++;
  Awaited& awaited = awaited_[id];
  awaited.token = *token;
  awaited.done = std::move(done);
  awaited.timer = agent_.runtime.scheduler.RunAfter(kTokenPatience, [this, id] {
    const storage::MeshToken& token = awaited_.at(id).token;
    const uint64_t head = agent_.catalog.vector().head(token.origin);
    EndAwaiting(id, absl::FailedPreconditionError(absl::StrCat(
                        "mesh token: after ", absl::FormatDuration(kTokenPatience),
                        " this agent still lacks ", token.sequence - head, " transactions of ",
                        TitleOf(agent_.catalog, token.origin.node),
                        ", that write among them; try again, or ask another agent")));
  });
  return id;
}

void MeshQuestions::OnCatalogChanged() {
  std::vector<uint64_t> held;
  for (const auto& [id, awaited] : awaited_) {
    const uint64_t head = agent_.catalog.vector().head(awaited.token.origin);
    if (head >= awaited.token.sequence) held.push_back(id);
  }
  // Not inside the commit: the caller goes on to read, or to write.
  for (const uint64_t id : held) {
    Scheduler::TimerId& timer = awaited_.at(id).timer;
    agent_.runtime.scheduler.Cancel(timer);
    timer = agent_.runtime.scheduler.RunAfter(absl::ZeroDuration(),
                                              [this, id] { EndAwaiting(id, absl::OkStatus()); });
  }
}

void MeshQuestions::EndAwaiting(uint64_t id, const absl::Status& status) {
  Awaited awaited = std::move(awaited_.extract(id).mapped());
  awaited.done(status);
}

}  // namespace trellis::api
