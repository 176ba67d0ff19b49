#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/manifest_files.h"
#include "tools/trellisctl/resources.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr absl::Duration kApplyTimeout = absl::Seconds(30);
constexpr absl::Duration kDefaultWait = absl::Seconds(10);

// What a manifest is called on the command line: "inventory/http/stock", "shop/storefront".
std::string PathOf(const v1::Manifest& manifest) {
  const v1::Resource& resource = manifest.resource();
  switch (resource.kind_case()) {
    case Kind::kVpcAssociation:
      return absl::StrCat(resource.vpc_association().service_network(), "/",
                          resource.vpc_association().vpc());
    case Kind::kServiceAssociation:
      return absl::StrCat(resource.service_association().service_network(), "/",
                          resource.service_association().service());
    case Kind::kTarget:
      return resource.target().port() == 0
                 ? absl::StrCat(manifest.parent(), "/", resource.target().id())
                 : absl::StrCat(manifest.parent(), "/", resource.target().id(), ":",
                                resource.target().port());
    default:
      return manifest.parent().empty() ? TitleOf(resource)
                                       : absl::StrCat(manifest.parent(), "/", TitleOf(resource));
  }
}

std::string OutcomeWords(v1::ApplyResponse::Outcome outcome, bool dry_run) {
  const std::string word = absl::AsciiStrToLower(v1::ApplyResponse::Outcome_Name(outcome));
  return dry_run && outcome != v1::ApplyResponse::UNCHANGED ? absl::StrCat("would be ", word)
                                                            : word;
}

void PrintOutcomes(Session& session, const v1::ApplyRequest& request,
                   const v1::ApplyResponse& response) {
  if (session.format() != OutputFormat::kTable) {
    std::vector<v1::Resource> resources;
    for (const auto& result : response.results()) resources.push_back(result.resource());
    PrintResources(session.format(), resources, session.out());
    return;
  }
  Table table({"KIND", "NAME", "OUTCOME"});
  for (int i = 0; i < std::min(request.manifests_size(), response.results_size()); ++i) {
    const v1::Manifest& manifest = request.manifests(i);
    table.Add({InfoOf(manifest.resource().kind_case()).singular, PathOf(manifest),
               OutcomeWords(response.results(i).outcome(), request.validate_only())});
  }
  table.Print(session.out());
}

absl::Status DeleteFiles(Session& session, const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(std::vector<v1::Manifest> manifests, ReadManifestFiles(paths, session.in()));
  // What refers goes before what it names; the server would refuse the other order.
  const auto rank = [](const v1::Manifest& manifest) {
    return &InfoOf(manifest.resource().kind_case()) - Kinds().data();
  };
  std::stable_sort(manifests.begin(), manifests.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  std::reverse(manifests.begin(), manifests.end());
  for (const v1::Manifest& manifest : manifests) {
    const KindInfo& info = InfoOf(manifest.resource().kind_case());
    const std::string path = PathOf(manifest);
    const auto resource = FindResource(session, info, path);
    if (absl::IsNotFound(resource.status())) {
      session.out() << info.singular << " " << path << " is not there\n";
      continue;
    }
    RETURN_IF_ERROR(resource.status());
    RETURN_IF_ERROR(DeleteResource(session, *resource));
    session.out() << info.singular << " " << path << " deleted\n";
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunApply(Session& session, const Invocation& call) {
  if (!call.Has("file")) {
    return absl::InvalidArgumentError("--file: missing; a file, a folder, or - for standard input");
  }
  ASSIGN_OR_RETURN(const absl::Duration wait, call.GetDuration("wait", kDefaultWait));
  ASSIGN_OR_RETURN(std::vector<v1::Manifest> manifests,
                   ReadManifestFiles(call.All("file"), session.in()));
  if (manifests.empty()) {
    return absl::InvalidArgumentError("--file: no resources in what was given");
  }
  v1::ApplyRequest request;
  for (v1::Manifest& manifest : manifests) *request.add_manifests() = std::move(manifest);
  request.set_account(call.Get("account"));
  request.set_validate_only(call.Has("dry-run"));
  v1::ApplyResponse response;
  RETURN_IF_ERROR(session.Call(&v1::ApplyAdmin::Stub::Apply, request, &response, kApplyTimeout));
  PrintOutcomes(session, request, response);
  if (!call.Has("wait") || request.validate_only()) return absl::OkStatus();
  return WaitForConvergence(session, response.mesh_token(), wait);
}

absl::Status RunDelete(Session& session, const Invocation& call) {
  if (call.Has("file")) {
    if (!call.arguments.empty()) {
      return absl::InvalidArgumentError("--file: given together with KIND NAME; give one of them");
    }
    return DeleteFiles(session, call.All("file"));
  }
  if (call.arguments.size() < 2) {
    return absl::InvalidArgumentError("what to delete is missing: KIND NAME, or -f FILE");
  }
  ASSIGN_OR_RETURN(const KindInfo* info, ParseKind(call.arguments[0]));
  if (info->kind == Kind::kAgent) {
    return absl::InvalidArgumentError(
        "agents are evicted, and for good: trellisctl agent evict NAME");
  }
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    ASSIGN_OR_RETURN(const v1::Resource resource, FindResource(session, *info, call.arguments[i]));
    RETURN_IF_ERROR(DeleteResource(session, resource));
    session.out() << info->singular << " " << call.arguments[i] << " deleted\n";
  }
  return absl::OkStatus();
}

}  // namespace trellis::ctl
