#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/commands.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/manifest_files.h"
#include "tools/trellisctl/resources.h"
#include "tools/trellisctl/server_words.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

constexpr absl::Duration kApplyTimeout = absl::Seconds(30);

// An IPv6 address before a port stands in brackets, as in the target's resource name.
std::string HostOf(const std::string& target_id) {
  const bool is_ipv6 = absl::StrContains(target_id, ":") && !absl::StartsWith(target_id, "arn:");
  return is_ipv6 ? absl::StrCat("[", target_id, "]") : target_id;
}

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
                 : absl::StrCat(manifest.parent(), "/", HostOf(resource.target().id()), ":",
                                resource.target().port());
    default:
      return manifest.parent().empty() ? TitleOf(resource)
                                       : absl::StrCat(manifest.parent(), "/", TitleOf(resource));
  }
}

// The display name of `applied` where the manifest gave its id, else what it gave.
std::string Spoken(const std::string& given, Kind kind, const std::string& applied,
                   const NameOf& name_of) {
  return IdOf(given) == IdOf(applied) ? name_of(kind, applied) : given;
}

// `manifest`, which made `applied`, with display names for the ids it refers by.
v1::Manifest WithNames(v1::Manifest manifest, const v1::Resource& applied, const NameOf& name_of) {
  const std::vector<const char*>& keys = InfoOf(applied.kind_case()).parent_keys;
  if (!keys.empty()) {
    std::vector<std::string> given =
        absl::StrSplit(manifest.parent(), absl::MaxSplits('/', static_cast<int>(keys.size()) - 1));
    const std::vector<std::string> ids = absl::StrSplit(ParentOf(ResourceNameOf(applied)), '/');
    for (size_t i = 0; i < given.size() && i < ids.size(); ++i) {
      given[i] = Spoken(given[i], InfoOfParent(keys[i]).kind, ids[i], name_of);
    }
    manifest.set_parent(absl::StrJoin(given, "/"));
  }
  v1::Resource& resource = *manifest.mutable_resource();
  if (applied.has_vpc_association()) {
    auto& ends = *resource.mutable_vpc_association();
    const v1::VpcAssociation& made = applied.vpc_association();
    ends.set_vpc(Spoken(ends.vpc(), Kind::kVpc, made.vpc(), name_of));
    ends.set_service_network(
        Spoken(ends.service_network(), Kind::kServiceNetwork, made.service_network(), name_of));
  } else if (applied.has_service_association()) {
    auto& ends = *resource.mutable_service_association();
    const v1::ServiceAssociation& made = applied.service_association();
    ends.set_service(Spoken(ends.service(), Kind::kService, made.service(), name_of));
    ends.set_service_network(
        Spoken(ends.service_network(), Kind::kServiceNetwork, made.service_network(), name_of));
  }
  return manifest;
}

std::string OutcomeWord(v1::ApplyResponse::Outcome outcome) {
  return absl::AsciiStrToLower(v1::ApplyResponse::Outcome_Name(outcome));
}

std::string OutcomeWords(v1::ApplyResponse::Outcome outcome, bool dry_run) {
  const std::string word = OutcomeWord(outcome);
  return dry_run && outcome != v1::ApplyResponse::UNCHANGED ? absl::StrCat("would be ", word)
                                                            : word;
}

void PrintOutcomes(Session& session, const v1::ApplyRequest& request,
                   const v1::ApplyResponse& response) {
  if (session.format() == OutputFormat::kName) {
    for (const auto& result : response.results()) {
      session.out() << ResourceNameOf(result.resource()) << "\n";
    }
    return;
  }
  if (session.format() != OutputFormat::kTable) {
    Node results = Node::Sequence();
    for (int i = 0; i < std::min(request.manifests_size(), response.results_size()); ++i) {
      const v1::ApplyResponse::Result& result = response.results(i);
      Node& shown = results.items.emplace_back(Node::Mapping());
      shown.Add("outcome", Node::String(OutcomeWord(result.outcome())));
      shown.Add("resource", ToNamedDocument(result.resource(), session.References(),
                                            request.manifests(i).parent()));
    }
    PrintNode(session.format(), WriteReport(response.mesh_token(), std::move(results)),
              session.out());
    return;
  }
  Table table({"KIND", "NAME", "OUTCOME"});
  for (int i = 0; i < std::min(request.manifests_size(), response.results_size()); ++i) {
    const v1::Resource& applied = response.results(i).resource();
    const v1::Manifest manifest = WithNames(request.manifests(i), applied, session.Names());
    table.Add({InfoOf(manifest.resource().kind_case()).singular, PathOf(manifest),
               OutcomeWords(response.results(i).outcome(), request.validate_only())});
  }
  table.Print(session.out());
}

std::string EtagOf(const v1::Resource& resource) {
  const google::protobuf::Message& message = Unwrap(resource);
  return message.GetReflection()->GetString(message,
                                            message.GetDescriptor()->FindFieldByName("etag"));
}

// What to delete, as the caller called it and as it was found.
struct Doomed {
  std::string path;
  v1::Resource resource;
  std::string etag;  // That it must still have; empty: whatever it has.
};

// Collects what became of each thing that was to be deleted. To people it is told as it happens: a
// refusal leaves what was deleted before it deleted.
class DeletionReport {
 public:
  explicit DeletionReport(Session& session) : session_(session) {}
  ~DeletionReport() {
    if (results_.items.empty() || session_.format() == OutputFormat::kTable) return;
    PrintNode(session_.format(), WriteReport(session_.written(), std::move(results_)),
              session_.out());
  }
  DeletionReport(const DeletionReport&) = delete;
  DeletionReport& operator=(const DeletionReport&) = delete;

  void Deleted(const KindInfo& info, const Doomed& one) {
    if (session_.format() == OutputFormat::kName) {
      session_.out() << ResourceNameOf(one.resource) << "\n";
    } else {
      Add(info, one.path, "deleted")
          .Add("resourceName", Node::String(ResourceNameOf(one.resource)));
    }
  }
  void NotThere(const KindInfo& info, const std::string& path) {
    if (session_.format() != OutputFormat::kName) Add(info, path, "not there");
  }

 private:
  Node& Add(const KindInfo& info, const std::string& path, absl::string_view outcome) {
    if (session_.format() == OutputFormat::kTable) {
      session_.out() << info.singular << " " << path
                     << (outcome == "deleted" ? " deleted\n" : " is not there\n");
    }
    Node& shown = results_.items.emplace_back(Node::Mapping());
    shown.Add("outcome", Node::String(outcome));
    shown.Add("kind", Node::String(info.document));
    shown.Add("name", Node::String(path));
    return shown;
  }

  Session& session_;
  Node results_ = Node::Sequence();
};

// A document that brings an etag speaks of the resource as it was then.
absl::Status CheckEtag(const v1::Manifest& manifest, const Doomed& found,
                       const ManifestPlaces& places) {
  const std::string current = EtagOf(found.resource);
  if (found.etag.empty() || found.etag == current) return absl::OkStatus();
  v1::ApplyRequest only;
  *only.add_manifests() = manifest;
  const std::string message = absl::StrCat(
      manifest.source(), ": etag: ", ResourceNameOf(found.resource), " (", found.path,
      ") is now at ", current,
      "; read it again and decide anew, or leave the etag out to delete it whatever it is now");
  return WithExit(ExitCode::kRefused, absl::AbortedError(InManifestWords(message, only, places)));
}

absl::Status DeleteFiles(Session& session, const std::vector<std::string>& paths) {
  ManifestPlaces places;
  ASSIGN_OR_RETURN(std::vector<v1::Manifest> manifests,
                   ReadManifestFiles(paths, session.in(), &places));
  // What refers goes before what it names; the server would refuse the other order.
  const auto rank = [](const v1::Manifest& manifest) {
    return &InfoOf(manifest.resource().kind_case()) - Kinds().data();
  };
  std::stable_sort(manifests.begin(), manifests.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  std::reverse(manifests.begin(), manifests.end());
  DeletionReport report(session);
  // All is found before any is deleted: a name that means nothing certain leaves everything.
  std::vector<Doomed> all;
  for (const v1::Manifest& manifest : manifests) {
    const KindInfo& info = InfoOf(manifest.resource().kind_case());
    const std::string path = PathOf(manifest);
    const auto resource = FindOneResource(session, info, path);
    if (absl::IsNotFound(resource.status())) {
      report.NotThere(info, path);
      continue;
    }
    RETURN_IF_ERROR(resource.status());
    all.push_back({path, *resource, EtagOf(manifest.resource())});
    RETURN_IF_ERROR(CheckEtag(manifest, all.back(), places));
  }
  for (const Doomed& one : all) {
    RETURN_IF_ERROR(DeleteResource(session, one.resource, one.etag));
    report.Deleted(InfoOf(one.resource.kind_case()), one);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunApply(Session& session, const Invocation& call) {
  if (!call.Has("file")) {
    return absl::InvalidArgumentError("--file: missing; a file, a folder, or - for standard input");
  }
  ASSIGN_OR_RETURN(const absl::Duration timeout, WaitTimeout(call));
  ManifestPlaces places;
  ASSIGN_OR_RETURN(std::vector<v1::Manifest> manifests,
                   ReadManifestFiles(call.All("file"), session.in(), &places));
  if (manifests.empty()) {
    return absl::InvalidArgumentError("--file: no resources in what was given");
  }
  v1::ApplyRequest request;
  for (v1::Manifest& manifest : manifests) *request.add_manifests() = std::move(manifest);
  request.set_account(call.Get("account"));
  request.set_validate_only(call.Has("dry-run"));
  v1::ApplyResponse response;
  const absl::Status applied =
      session.Call(&v1::ApplyAdmin::Stub::Apply, request, &response, kApplyTimeout);
  if (!applied.ok()) {
    return WithExit(
        ExitCodeOf(applied),
        absl::Status(applied.code(), InManifestWords(applied.message(), request, places)));
  }
  PrintOutcomes(session, request, response);
  if (!call.Has("wait") || request.validate_only()) return absl::OkStatus();
  v1::WaitForConvergenceRequest wait;
  wait.set_mesh_token(response.mesh_token());
  wait.set_answering_agent_only(call.Get("wait") == "local");
  return WaitForConvergence(session, std::move(wait), timeout);
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
  DeletionReport report(session);
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    Doomed one{.path = call.arguments[i]};
    ASSIGN_OR_RETURN(one.resource, FindOneResource(session, *info, one.path));
    RETURN_IF_ERROR(DeleteResource(session, one.resource));
    report.Deleted(*info, one);
  }
  return absl::OkStatus();
}

}  // namespace trellis::ctl
