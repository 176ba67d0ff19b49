#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr absl::Duration kDefaultWait = absl::Seconds(10);
constexpr absl::Duration kShortestWait =
    absl::Milliseconds(200);  // proto/trellis/v1/mesh_api.proto
constexpr absl::Duration kLongestWait = absl::Minutes(5);
constexpr absl::Duration kGraceOfWait = absl::Seconds(5);  // For the answer to travel.
constexpr size_t kShownOfRoot = 8;                         // Digits: enough to tell roots apart.
constexpr absl::string_view kAdminsGroup = "admins";       // Of those that secrets are sealed to.

std::string Words(const v1::AgentState& state) {
  return absl::AsciiStrToLower(v1::Liveness_Name(state.liveness()));
}

std::string EnforcingWords(const v1::AgentState& one) {
  if (!one.answered()) return "no answer";
  if (!one.has_bootstrap()) return one.enforcing_all() ? "all" : "not yet";
  const v1::Bootstrap& bootstrap = one.bootstrap();
  return absl::StrCat("bootstrapping: ", bootstrap.entries(), " of about ",
                      bootstrap.entries_expected(), " entries from ", bootstrap.peers(),
                      bootstrap.peers() == 1 ? " peer" : " peers");
}

// Which secrets not all of their readers can open yet; usually a line.
void PrintSealingGroups(Session& session, const NameOf& name_of, const v1::MeshState& state) {
  Table table({"SEALED TO", "GENERATION", "MEMBERS", "WITHOUT A SHARE"});
  for (const v1::SealingGroupState& group : state.sealing_groups()) {
    if (group.lacking() == 0) continue;
    const std::string lacking =
        absl::StrJoin(group.lacking_agents(), ", ", [&](std::string* out, const auto& agent) {
          absl::StrAppend(out, name_of(Kind::kAgent, agent));
        });
    const int more = group.lacking() - group.lacking_agents_size();
    table.Add({group.group() == kAdminsGroup ? group.group() : name_of(Kind::kVpc, group.group()),
               group.generation() == 0 ? "no key yet" : absl::StrCat(group.generation()),
               absl::StrCat(group.members()),
               group.generation() == 0 ? "all" : absl::StrCat(lacking, more > 0 ? ", …" : "")});
  }
  if (state.sealing_groups_size() == 0) return;  // An agent of an earlier release.
  session.out() << "\n";
  if (!table.empty()) return table.Print(session.out());
  session.out() << "Sealing keys: " << state.sealing_groups_size()
                << (state.sealing_groups_size() == 1 ? " group, " : " groups, ")
                << "all members have their share\n";
}

void PrintMeshTable(Session& session, const v1::MeshState& state) {
  const NameOf name_of = session.Names();
  std::string answered_by = IdOf(state.answered_by());
  Table table({"AGENT", "VPC", "ROLE", "ADDRESS", "LIVENESS", "LAST HEARD", "VERSION", "ROOT",
               "BEHIND", "AGREED", "ENFORCING"});
  for (const v1::AgentState& one : state.agents()) {
    const v1::Agent& agent = one.agent();
    // Alarms are what the answering agent knows, most of all of itself.
    const bool alarmed = agent.name() == state.answered_by() && state.alarms_size() > 0;
    if (agent.name() == state.answered_by()) answered_by = agent.display_name();
    table.Add({agent.display_name(), name_of(Kind::kVpc, agent.vpc()),
               absl::AsciiStrToLower(v1::AgentRole_Name(agent.role())), agent.mesh_address(),
               Words(one), AgoWords(one.last_heard()), one.version(),
               one.root().substr(0, kShownOfRoot),
               one.answered() ? absl::StrCat(one.missing_transactions()) : "",
               one.has_last_agreed() ? AgoWords(one.last_agreed()) : "",
               absl::StrCat(EnforcingWords(one), alarmed ? ", see ALARM" : "")});
  }
  session.out() << "Mesh " << state.mesh_id() << " as " << answered_by
                << " sees it: " << state.agents_size()
                << (state.agents_size() == 1 ? " agent, " : " agents, ") << state.resources()
                << " resources, ";
  if (state.conflicts() > 0) {
    session.out() << state.conflicts() << (state.conflicts() == 1 ? " conflict" : " conflicts")
                  << " (see trellisctl conflicts list), ";
  }
  if (state.lost_claims() > 0) {
    session.out() << state.lost_claims()
                  << (state.lost_claims() == 1 ? " lost claim" : " lost claims")
                  << " (see trellisctl conflicts list), ";
  }
  session.out() << (state.converged() ? "converged" : "not converged") << "\n\n";
  table.Print(session.out());
  PrintSealingGroups(session, name_of, state);
  for (const std::string& alarm : state.alarms()) session.out() << "\nALARM: " << alarm << "\n";
}

google::protobuf::Duration DurationProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  const int64_t seconds = absl::ToInt64Seconds(duration);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
  return proto;
}

absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

// "; waiting for agent-b, agent-c", or nothing.
template <typename Names>
std::string Named(absl::string_view what, const Names& names) {
  if (names.empty()) return "";
  return absl::StrCat("; ", what, " ", absl::StrJoin(names, ", "));
}

// "40" agents or "99%" of them.
absl::Status SetMinimum(absl::string_view text, v1::WaitForConvergenceRequest* request) {
  if (text.empty()) return absl::OkStatus();
  absl::string_view digits = text;
  const bool percent = absl::ConsumeSuffix(&digits, "%");
  int32_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || number < 1 || (percent && number > 100)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--min: \"", text, "\"; expected a number of agents, or 1% to 100%"));
  }
  percent ? request->set_minimum_percent(number) : request->set_minimum_agents(number);
  return absl::OkStatus();
}

std::string EventWords(const v1::WatchMeshResponse& event) {
  switch (event.event_case()) {
    case v1::WatchMeshResponse::kPut:
      if (event.put().kind_case() == Kind::KIND_NOT_SET) return "put (of a newer kind)";
      return absl::StrCat("put ", ResourceNameOf(event.put()), " ", TitleOf(event.put()));
    case v1::WatchMeshResponse::kDeleted:
      return absl::StrCat("deleted ", event.deleted().name());
    case v1::WatchMeshResponse::kSynced:
      return "synced: changes follow";
    default:
      return "";
  }
}

}  // namespace

absl::StatusOr<absl::Duration> WaitTimeout(const Invocation& call) {
  ASSIGN_OR_RETURN(const absl::Duration timeout, call.GetDuration("timeout", kDefaultWait));
  if (timeout >= kShortestWait && timeout <= kLongestWait) return timeout;
  return absl::InvalidArgumentError(absl::StrCat(
      "--timeout: \"", call.Get("timeout"), "\"; expected ", absl::FormatDuration(kShortestWait),
      " to ", absl::FormatDuration(kLongestWait)));
}

absl::Status WaitForConvergence(Session& session, v1::WaitForConvergenceRequest request,
                                absl::Duration timeout) {
  *request.mutable_timeout() = DurationProto(timeout);
  v1::WaitForConvergenceResponse response;
  RETURN_IF_ERROR(session.Call(&v1::MeshAdmin::Stub::WaitForConvergence, request, &response,
                               timeout + kGraceOfWait));
  const std::string reached =
      absl::StrCat(response.enforcing(), " of ", response.agents(), " agents");
  if (!response.converged()) {
    return WithExit(ExitCode::kNotConverged,
                    absl::DeadlineExceededError(absl::StrCat(
                        "not enforced everywhere after ", absl::FormatDuration(timeout), ": by ",
                        reached, Named("waiting for", response.stragglers()),
                        Named("not reached:", response.unreachable()))));
  }
  std::string latency;
  if (response.has_p99()) {
    latency = absl::StrCat("; commit to enforced p50 ", MillisecondWords(FromProto(response.p50())),
                           ", p99 ", MillisecondWords(FromProto(response.p99())), ", max ",
                           MillisecondWords(FromProto(response.max())));
  }
  // Beside a table it is one more line; scripts that read yaml or json find it aside.
  (session.format() == OutputFormat::kTable ? session.out() : session.err())
      << "Enforced by " << reached << " after " << MillisecondWords(FromProto(response.took()))
      << latency << "\n";
  return absl::OkStatus();
}

absl::Status RunMeshStatus(Session& session, const Invocation&) {
  v1::MeshState state;
  RETURN_IF_ERROR(
      session.Call(&v1::MeshAdmin::Stub::GetMeshState, v1::GetMeshStateRequest(), &state));
  if (session.format() == OutputFormat::kTable) {
    PrintMeshTable(session, state);
  } else if (session.format() == OutputFormat::kName) {
    for (const v1::AgentState& one : state.agents()) session.out() << one.agent().name() << "\n";
  } else {
    PrintNode(session.format(), ReportToNode(state), session.out());
  }
  return absl::OkStatus();
}

absl::Status RunMeshRotateKeys(Session& session, const Invocation& call) {
  v1::RotateSealingKeysRequest request;
  request.set_vpc(call.Get("vpc"));
  v1::RotateSealingKeysResponse response;
  RETURN_IF_ERROR(session.Call(&v1::MeshAdmin::Stub::RotateSealingKeys, request, &response));
  if (session.format() == OutputFormat::kYaml || session.format() == OutputFormat::kJson) {
    PrintNode(session.format(), WithMeshToken(session.written(), ReportToNode(response)),
              session.out());
    return absl::OkStatus();
  }
  const NameOf name_of = session.Names();
  for (const v1::SealingGroupState& group : response.sealing_groups()) {
    session.out() << (group.group() == kAdminsGroup ? group.group()
                                                    : name_of(Kind::kVpc, group.group()))
                  << ": generation " << group.generation() << "\n";
  }
  return absl::OkStatus();
}

absl::Status RunMeshWait(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const absl::Duration timeout, WaitTimeout(call));
  v1::WaitForConvergenceRequest request;
  request.set_mesh_token(call.Get("token"));
  request.set_vpc(call.Get("vpc"));
  RETURN_IF_ERROR(SetMinimum(call.Get("min"), &request));
  return WaitForConvergence(session, std::move(request), timeout);
}

absl::Status RunMeshWatch(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, session.Channel());
  v1::MeshAdmin::Stub stub(channel);
  grpc::ClientContext context;  // No deadline: it watches until it is stopped.
  v1::WatchMeshRequest request;
  request.set_name_prefix(call.Get("prefix"));
  const auto stream = stub.WatchMesh(&context, request);
  for (v1::WatchMeshResponse event; stream->Read(&event);) {
    if (event.has_resync()) {
      context.TryCancel();
      return WithExit(ExitCode::kRefused,
                      absl::DataLossError("changes came faster than they were read; watch again"));
    }
    if (session.format() == OutputFormat::kTable || session.format() == OutputFormat::kName) {
      session.out() << EventWords(event) << "\n";
    } else {
      if (session.format() == OutputFormat::kYaml) session.out() << "---\n";
      PrintNode(session.format(), ReportToNode(event), session.out());
    }
    session.out().flush();
  }
  return session.FromGrpc(stream->Finish());
}

}  // namespace trellis::ctl
