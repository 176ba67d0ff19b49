#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr int kHttpsPort = 443;

// RFC 3986, section 3.1: schemes in any letter case.
bool ConsumeScheme(absl::string_view scheme, absl::string_view* url) {
  if (!absl::StartsWithIgnoreCase(*url, scheme)) return false;
  url->remove_prefix(scheme.size());
  return true;
}

// [http://]host[:port][/path][?query]: the authority, the port where the scheme says it, the path.
absl::Status ParseUrl(absl::string_view url, v1::ExplainRequestRequest* request) {
  const absl::string_view whole = url;
  const bool https = ConsumeScheme("https://", &url);
  if (!https) ConsumeScheme("http://", &url);
  url = url.substr(0, url.find('#'));
  const size_t end = url.find_first_of("/?");
  const absl::string_view authority = url.substr(0, end);
  if (authority.empty() || absl::StrContains(url, "://") || absl::StrContains(authority, "@")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", whole, "\"; expected a URL such as http://inventory.shop.example/stock"));
  }
  request->set_authority(std::string(authority));
  const bool has_port = absl::StrContains(authority.substr(authority.find(']') + 1), ":");
  if (https && !has_port) request->set_port(kHttpsPort);
  std::string path = end == absl::string_view::npos ? "/" : std::string(url.substr(end));
  if (path[0] == '?') path = absl::StrCat("/", path);
  request->set_path(path);
  return absl::OkStatus();
}

absl::Status ParseHeader(const std::string& text, v1::ExplainRequestRequest* request) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  const absl::string_view name = absl::StripAsciiWhitespace(parts.first);
  if (name.empty() || !absl::StrContains(text, ":")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--header: \"", text, "\"; expected 'Name: value'"));
  }
  auto* header = request->add_headers();
  header->set_name(std::string(name));
  header->set_value(std::string(absl::StripAsciiWhitespace(parts.second)));
  return absl::OkStatus();
}

std::string Decision(const v1::ExplainRequestResponse& response, const NameOf& name_of) {
  const std::string by = response.rule().empty() ? "the listener's default action"
                                                 : absl::StrCat("rule ", response.rule());
  if (response.status_code() != 0) {
    return absl::StrCat("Answers ", response.status_code(), " (", response.reason(), ")");
  }
  return absl::StrCat("Forwards, by ", by, " of service ",
                      name_of(Kind::kService, response.service()));
}

void PrintDecision(Session& session, const v1::ExplainRequestResponse& response) {
  const NameOf name_of = session.Names();
  int number = 0;
  for (const std::string& step : response.steps()) {
    session.out() << absl::StrFormat("%2d. ", ++number) << step << "\n";
  }
  session.out() << (number == 0 ? "" : "\n") << Decision(response, name_of) << "\n";
  Table table({"TARGET GROUP", "SHARE", "TARGET", "STATUS"});
  for (const auto& group : response.target_groups()) {
    std::string name = name_of(Kind::kTargetGroup, group.target_group());
    std::string share = absl::StrFormat("%.1f%%", 100 * group.share());
    if (group.targets().empty()) table.Add({name, share, "none", ""});
    for (const auto& candidate : group.targets()) {
      table.Add({name, share, candidate.target(), candidate.status()});
    }
  }
  if (table.empty()) return;
  session.out() << "\n";
  table.Print(session.out());
}

}  // namespace

absl::Status RunExplain(Session& session, const Invocation& call) {
  v1::ExplainRequestRequest request;
  request.set_method(call.arguments[0]);
  RETURN_IF_ERROR(ParseUrl(call.arguments[1], &request));
  for (const std::string& header : call.All("header")) {
    RETURN_IF_ERROR(ParseHeader(header, &request));
  }
  v1::ExplainRequestResponse response;
  RETURN_IF_ERROR(session.Call(&v1::MeshAdmin::Stub::ExplainRequest, request, &response));
  if (session.format() == OutputFormat::kTable || session.format() == OutputFormat::kName) {
    PrintDecision(session, response);
  } else {
    PrintNode(session.format(), ReportToNode(response), session.out());
  }
  return absl::OkStatus();
}

}  // namespace trellis::ctl
