#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/resources.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr int kMaxTargetsOfOneCall = 100;

void Show(Session& session, const KindInfo& info, const std::vector<v1::Resource>& resources) {
  if (session.format() == OutputFormat::kTable) {
    PrintResourceTable(info, resources, session.Names(), session.out());
  } else {
    PrintResources(session.format(), resources, session.References(), session.out());
  }
}

// --parent, or --service, --listener and --target-group: those the kind has, in its order.
absl::StatusOr<std::vector<std::string>> ParentsGiven(const Invocation& call,
                                                      const KindInfo& info) {
  if (call.Has("parent")) {
    if (info.parent_keys.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--parent: a ", info.singular, " has none"));
    }
    const std::string parent = call.Get("parent");
    const size_t levels = info.parent_keys.size();
    if (!IsWholeName(parent)) {
      const std::vector<std::string> parts =
          absl::StrSplit(parent, absl::MaxSplits('/', static_cast<int>(levels) - 1));
      return parts;
    }
    // A whole name says by itself what is above it.
    std::vector<std::string> parents(levels);
    parents.back() = parent;
    return parents;
  }
  std::vector<std::string> parents;
  for (const absl::string_view key : info.parent_keys) {
    const absl::string_view flag = key == "targetGroup" ? "target-group" : key;
    if (call.Has(flag)) parents.push_back(call.Get(flag));
  }
  return parents;
}

// "10.1.0.11:8080", "[fd00::1]:80", "fd00::1", "i-0123:80", "arn:…": the id, and the port if any.
absl::StatusOr<v1::Target> ParseTarget(const std::string& text) {
  v1::Target target;
  std::string port;
  if (text.size() > 1 && text[0] == '[' && absl::StrContains(text, "]")) {
    const size_t end = text.find(']');
    target.set_id(text.substr(1, end - 1));
    if (end + 1 < text.size() && text[end + 1] != ':') port = "?";
    if (end + 1 < text.size() && text[end + 1] == ':') port = text.substr(end + 2);
    if (absl::EndsWith(text, ":")) port = "?";
  } else if (const size_t colon = text.find(':');
             colon != std::string::npos && text.rfind(':') == colon) {
    target.set_id(text.substr(0, colon));
    port = colon + 1 < text.size() ? text.substr(colon + 1) : "?";
  } else {
    target.set_id(text);  // An IPv6 address or an ARN: its colons are its own.
  }
  int number = 0;
  if (target.id().empty() ||
      (!port.empty() && (!absl::SimpleAtoi(port, &number) || number < 1 || number > 65535))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "target \"", text, "\"; expected ID or ID:PORT, such as 10.1.0.11:8080 or [fd00::1]:80"));
  }
  target.set_port(number);
  return target;
}

// RegisterTargets and DeregisterTargets differ in name only.
template <typename Request, typename Response>
absl::Status ChangeTargets(Session& session, const Invocation& call,
                           grpc::Status (v1::TargetAdmin::Stub::*method)(grpc::ClientContext*,
                                                                         const Request&, Response*),
                           absl::string_view done) {
  std::vector<v1::Target> targets;
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    ASSIGN_OR_RETURN(targets.emplace_back(), ParseTarget(call.arguments[i]));
    targets.back().set_address(call.Get("address"));
  }
  ASSIGN_OR_RETURN(const v1::Resource group,
                   FindResource(session, InfoOf(Kind::kTargetGroup), call.arguments[0]));
  Table table({"TARGET", "PORT", "OUTCOME"});
  Node results = Node::Sequence();
  std::string names;
  const auto add_result = [&](const auto& target, absl::string_view outcome) -> Node& {
    Node& shown = results.items.emplace_back(Node::Mapping());
    shown.Add("outcome", Node::String(outcome));
    shown.Add("id", Node::String(target.id()));
    shown.Add("port", Node::Literal(absl::StrCat(target.port())));
    return shown;
  };
  int failures = 0;
  for (size_t begin = 0; begin < targets.size(); begin += kMaxTargetsOfOneCall) {
    Request request;
    Response response;
    request.set_parent(ResourceNameOf(group));
    for (size_t i = begin; i < targets.size() && i < begin + kMaxTargetsOfOneCall; ++i) {
      *request.add_targets() = targets[i];
    }
    RETURN_IF_ERROR(session.Call(method, request, &response));
    for (const v1::Target& target : response.successful()) {
      table.Add({target.id(), absl::StrCat(target.port()), std::string(done)});
      add_result(target, done).Add("resourceName", Node::String(target.name()));
      absl::StrAppend(&names, target.name(), "\n");
    }
    for (const v1::TargetFailure& failure : response.unsuccessful()) {
      ++failures;
      Node& shown = add_result(failure, "refused");
      shown.Add("failureCode", Node::String(failure.failure_code()));
      shown.Add("failureMessage", Node::String(failure.failure_message()));
      table.Add({failure.id(), failure.port() == 0 ? "" : absl::StrCat(failure.port()),
                 absl::StrCat("refused: ", failure.failure_message(), " (", failure.failure_code(),
                              ")")});
    }
  }
  if (session.format() == OutputFormat::kTable) {
    table.Print(session.out());
  } else if (session.format() == OutputFormat::kName) {
    session.out() << names;
  } else {
    PrintNode(session.format(), WriteReport(session.written(), std::move(results)), session.out());
  }
  if (failures == 0) return absl::OkStatus();
  return WithExit(ExitCode::kRefused,
                  absl::FailedPreconditionError(
                      absl::StrCat(failures, " of ", targets.size(), " targets were refused")));
}

}  // namespace

absl::Status RunGet(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const KindInfo* info, ParseKind(call.arguments[0]));
  ASSIGN_OR_RETURN(const std::vector<std::string> parents, ParentsGiven(call, *info));
  ASSIGN_OR_RETURN(const v1::Resource resource,
                   FindResource(session, *info, call.arguments[1], parents));
  if (session.format() == OutputFormat::kJson) {  // One was asked for: no list around it.
    PrintNode(OutputFormat::kJson, ToNamedDocument(resource, session.References()), session.out());
  } else {
    Show(session, *info, {resource});
  }
  return absl::OkStatus();
}

absl::Status RunList(Session& session, const Invocation& call) {
  ASSIGN_OR_RETURN(const KindInfo* info, ParseKind(call.arguments[0]));
  ASSIGN_OR_RETURN(const std::vector<std::string> parents, ParentsGiven(call, *info));
  std::vector<v1::Resource> resources;
  if (parents.empty()) {
    ASSIGN_OR_RETURN(resources, ListResources(session, *info));
  } else if (info->kind == Kind::kRule && parents.size() == 1 && call.Has("service")) {
    // Every listener's rules of one service.
    const KindInfo& listener = InfoOf(Kind::kListener);
    ASSIGN_OR_RETURN(const std::string service, FindParent(session, listener, parents));
    ASSIGN_OR_RETURN(const std::vector<v1::Resource> listeners,
                     ListResources(session, listener, service));
    for (const v1::Resource& one : listeners) {
      ASSIGN_OR_RETURN(const std::vector<v1::Resource> rules,
                       ListResources(session, *info, ResourceNameOf(one)));
      resources.insert(resources.end(), rules.begin(), rules.end());
    }
  } else {
    ASSIGN_OR_RETURN(const std::string parent, FindParent(session, *info, parents));
    ASSIGN_OR_RETURN(resources, ListResources(session, *info, parent));
  }
  Show(session, *info, resources);
  return absl::OkStatus();
}

absl::Status RunListAgents(Session& session, const Invocation&) {
  const KindInfo& info = InfoOf(Kind::kAgent);
  ASSIGN_OR_RETURN(const std::vector<v1::Resource> agents, ListResources(session, info));
  Show(session, info, agents);
  return absl::OkStatus();
}

absl::Status RunRegister(Session& session, const Invocation& call) {
  return ChangeTargets(session, call, &v1::TargetAdmin::Stub::RegisterTargets, "registered");
}

absl::Status RunDeregister(Session& session, const Invocation& call) {
  return ChangeTargets(session, call, &v1::TargetAdmin::Stub::DeregisterTargets, "deregistered");
}

}  // namespace trellis::ctl
