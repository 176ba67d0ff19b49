#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

std::string TimeWords(const v1::Conflict::Write& write) {
  return absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(write.write_time().seconds()),
                          absl::UTCTimeZone());
}

std::string AuthorWords(const v1::Conflict::Write& write, const NameOf& name_of) {
  return absl::StrCat(name_of(Kind::kAgent, write.author()), ", ", TimeWords(write));
}

// What people call it, as far as either side still knows.
std::string TitleWords(const v1::Conflict& conflict) {
  if (conflict.won().has_resource()) return TitleOf(conflict.won().resource());
  if (conflict.lost().has_resource()) return TitleOf(conflict.lost().resource());
  return IdOf(conflict.name());
}

std::string SaysWords(const v1::Conflict::Write& write) {
  return write.has_resource() ? "changed" : "deleted";
}

void PrintWrite(Session& session, const char* which, const v1::Conflict::Write& write) {
  session.out() << which << ", " << SaysWords(write) << " by "
                << AuthorWords(write, session.Names()) << "\n";
  if (write.has_resource()) {
    session.out() << EmitYaml(ToNamedDocument(write.resource(), session.References()));
  }
}

void PrintLostClaims(Session& session, const v1::ListConflictsResponse& all) {
  if (all.lost_claims().empty()) return;
  const NameOf name_of = session.Names();
  Table table({"RESOURCE", "LOST CLAIM", "VALUE", "IN NETWORK", "HELD BY", "SETTLED"});
  for (const v1::LostClaim& lost : all.lost_claims()) {
    table.Add({lost.name(), lost.claim() == "display_name" ? "name" : "custom domain", lost.value(),
               lost.service_network().empty()
                   ? ""
                   : name_of(Kind::kServiceNetwork, lost.service_network()),
               lost.holder(), lost.settled() ? "yes" : "not yet"});
  }
  table.Print(session.out());
}

absl::StatusOr<v1::Conflict> Fetch(Session& session, const Invocation& call) {
  v1::GetConflictRequest request;
  request.set_name(call.arguments[0]);
  if (call.arguments.size() > 1) request.set_version(call.arguments[1]);
  v1::Conflict conflict;
  RETURN_IF_ERROR(session.Call(&v1::ConflictAdmin::Stub::GetConflict, request, &conflict));
  return conflict;
}

absl::Status Resolve(Session& session, const Invocation& call, v1::Resolution resolution) {
  ASSIGN_OR_RETURN(const v1::Conflict conflict, Fetch(session, call));
  v1::ResolveConflictRequest request;
  request.set_name(conflict.name());
  request.set_version(conflict.version());
  request.set_etag(conflict.etag());
  request.set_resolution(resolution);
  v1::ResolveConflictResponse response;
  RETURN_IF_ERROR(session.Call(&v1::ConflictAdmin::Stub::ResolveConflict, request, &response));
  if (session.format() != OutputFormat::kTable && session.format() != OutputFormat::kName) {
    PrintNode(session.format(), WithMeshToken(session.written(), ReportToNode(response)),
              session.out());
    return absl::OkStatus();
  }
  session.out() << conflict.name() << " (" << TitleWords(conflict) << "): "
                << (resolution == v1::APPLY ? "applied what was lost" : "dropped what was lost")
                << (response.has_resource() ? "" : "; it is deleted") << "\n";
  return absl::OkStatus();
}

}  // namespace

absl::Status RunListConflicts(Session& session, const Invocation&) {
  v1::ListConflictsResponse all;
  for (v1::ListConflictsRequest request;;) {
    v1::ListConflictsResponse page;
    RETURN_IF_ERROR(session.Call(&v1::ConflictAdmin::Stub::ListConflicts, request, &page));
    all.mutable_conflicts()->MergeFrom(page.conflicts());
    all.mutable_lost_claims()->MergeFrom(page.lost_claims());
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  if (session.format() == OutputFormat::kName) {
    for (const v1::Conflict& one : all.conflicts()) {
      session.out() << one.name() << " " << one.version() << "\n";
    }
  } else if (session.format() != OutputFormat::kTable) {
    PrintNode(session.format(), ReportToNode(all), session.out());
  } else if (all.conflicts().empty() && all.lost_claims().empty()) {
    session.out() << "No conflicts\n";
  } else if (all.conflicts().empty()) {
    PrintLostClaims(session, all);
  } else {
    const NameOf name_of = session.Names();
    Table table({"RESOURCE", "NAME", "LOST", "BY", "WON", "BY", "VERSION"});
    for (const v1::Conflict& one : all.conflicts()) {
      table.Add({one.name(), TitleWords(one), SaysWords(one.lost()),
                 AuthorWords(one.lost(), name_of), SaysWords(one.won()),
                 AuthorWords(one.won(), name_of), one.version()});
    }
    table.Print(session.out());
    if (!all.lost_claims().empty()) session.out() << "\n";
    PrintLostClaims(session, all);
  }
  return absl::OkStatus();
}

absl::Status RunShowConflict(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const v1::Conflict conflict, Fetch(session, call));
  if (session.format() == OutputFormat::kName) {
    session.out() << conflict.name() << " " << conflict.version() << "\n";
  } else if (session.format() != OutputFormat::kTable) {
    PrintNode(session.format(), ReportToNode(conflict), session.out());
  } else {
    session.out() << conflict.name() << " " << conflict.version() << "\n\n";
    PrintWrite(session, "Won", conflict.won());
    session.out() << "\n";
    PrintWrite(session, "Lost", conflict.lost());
  }
  return absl::OkStatus();
}

absl::Status RunApplyConflict(Session& session, const Invocation& call) {
  return Resolve(session, call, v1::APPLY);
}

absl::Status RunDropConflict(Session& session, const Invocation& call) {
  return Resolve(session, call, v1::DROP);
}

}  // namespace trellis::ctl
