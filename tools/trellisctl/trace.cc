#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

absl::Time FromProto(const google::protobuf::Timestamp& proto) {
  return absl::FromUnixSeconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

std::string TitleOf(const v1::Agent& agent) {
  return agent.display_name().empty() ? agent.name() : agent.display_name();
}

// Whoever has it first, first; then those that lack it.
bool ReceivedBefore(const v1::TraceOfAgent& a, const v1::TraceOfAgent& b) {
  if (a.has_receive_time() != b.has_receive_time()) return a.has_receive_time();
  return FromProto(a.receive_time()) < FromProto(b.receive_time());
}

void PrintTrace(Session& session, const v1::TraceWriteResponse& response) {
  std::vector<v1::TraceOfAgent> agents(response.agents().begin(), response.agents().end());
  std::stable_sort(agents.begin(), agents.end(), ReceivedBefore);
  const auto name_of = [&](const std::string& name) {
    for (const v1::TraceOfAgent& one : agents) {
      if (one.agent().name() == name) return TitleOf(one.agent());
    }
    return name;
  };
  absl::Time base = FromProto(response.commit_time());
  if (!response.has_commit_time() && !agents.empty()) base = FromProto(agents[0].receive_time());
  const auto since = [base](const google::protobuf::Timestamp& time) {
    return absl::StrFormat("%+.1fms", absl::ToDoubleMilliseconds(FromProto(time) - base));
  };
  session.out() << "Written by " << name_of(response.author());
  if (response.has_commit_time()) {
    session.out() << " at " << absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", base, absl::UTCTimeZone());
  }
  session.out() << ". Times are by each agent's own clock, from then on.\n\n";
  Table table({"AGENT", "LIVENESS", "RECEIVED", "FROM", "ENFORCED"});
  for (const v1::TraceOfAgent& one : agents) {
    const bool wrote = one.received_from() == one.agent().name();
    table.Add({TitleOf(one.agent()), absl::AsciiStrToLower(v1::Liveness_Name(one.liveness())),
               !one.answered()          ? "no answer"
               : one.has_receive_time() ? since(one.receive_time())
                                        : "unknown",
               !one.has_receive_time() ? ""
               : wrote                 ? "its own"
                                       : name_of(one.received_from()),
               one.has_enforce_time()   ? since(one.enforce_time())
               : one.has_receive_time() ? "not yet"
                                        : ""});
  }
  table.Print(session.out());
}

}  // namespace

absl::Status RunTrace(Session& session, const Invocation& call) {
  v1::TraceWriteRequest request;
  request.set_write(call.arguments[0]);
  v1::TraceWriteResponse response;
  RETURN_IF_ERROR(session.Call(&v1::MeshAdmin::Stub::TraceWrite, request, &response));
  if (session.format() == OutputFormat::kTable) {
    PrintTrace(session, response);
  } else if (session.format() == OutputFormat::kName) {
    for (const v1::TraceOfAgent& one : response.agents()) {
      session.out() << one.agent().name() << "\n";
    }
  } else {
    PrintNode(session.format(), ReportToNode(response), session.out());
  }
  return absl::OkStatus();
}

}  // namespace trellis::ctl
