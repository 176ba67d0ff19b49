#include "node/api/handlers/apply.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "node/api/handlers/standard.h"
#include "storage/resource/fields.h"

namespace trellis::api {
namespace {

using resource::Kind;

// Each kind refers only to kinds before it, so this order makes every reference findable. Kinds
// that are not here are not applied.
constexpr Kind kOrder[] = {Kind::kAccount,        Kind::kVpc,
                           Kind::kServiceNetwork, Kind::kService,
                           Kind::kTargetGroup,    Kind::kListener,
                           Kind::kRule,           Kind::kTarget,
                           Kind::kVpcAssociation, Kind::kServiceAssociation};

int RankOf(const v1::Manifest& manifest) {
  return static_cast<int>(
      std::find(std::begin(kOrder), std::end(kOrder), resource::KindOf(manifest.resource())) -
      std::begin(kOrder));
}

std::string SourceOf(const v1::ApplyRequest& request, int index) {
  const std::string& source = request.manifests(index).source();
  return source.empty() ? absl::StrCat("manifests[", index, "]") : source;
}

absl::Status At(const std::string& source, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(source, ": ", status.message()));
}

// Gives the kinds that have an owner the request's, unless they bring their own.
void SetOwner(const std::string& account, v1::Resource* resource) {
  const google::protobuf::Reflection* reflection = resource->GetReflection();
  const auto* member = reflection->GetOneofFieldDescriptor(
      *resource, v1::Resource::descriptor()->FindOneofByName("kind"));
  google::protobuf::Message* message = reflection->MutableMessage(resource, member);
  const auto* field = message->GetDescriptor()->FindFieldByName("account");
  if (field == nullptr || message->GetReflection()->HasField(*message, field)) return;
  message->GetReflection()->SetString(message, field, account);
}

absl::StatusOr<std::string> PutOne(const CallContext& call, const std::string& account,
                                   const v1::Manifest& manifest, Transaction& transaction,
                                   v1::ApplyResponse::Outcome* outcome) {
  const Kind kind = resource::KindOf(manifest.resource());
  if (RankOf(manifest) == std::ssize(kOrder)) {
    return absl::InvalidArgumentError(
        kind == Kind::kUnknown
            ? "resource: required"
            : absl::StrCat("resource: ", resource::KindWithArticle(kind),
                           " cannot be applied; it makes itself known by joining"));
  }
  std::string parent;
  if (resource::ParentKind(kind) != Kind::kUnknown) {
    ASSIGN_OR_RETURN(parent, ResolveReference(transaction, resource::ParentKind(kind),
                                              manifest.parent(), account, "parent"));
  }
  RETURN_IF_ERROR(Authorize(call, Action::kWrite, resource::CollectionPrefix(kind, parent)));
  v1::Resource resource = manifest.resource();
  if (!account.empty()) SetOwner(account, &resource);
  return transaction.Put(std::move(resource), parent, outcome);
}

absl::StatusOr<v1::ApplyResponse> ApplyAll(CallContext& call, const v1::ApplyRequest& request) {
  if (request.manifests_size() < 1 || request.manifests_size() > kMaxManifests) {
    return absl::InvalidArgumentError(absl::StrCat("manifests: ", request.manifests_size(),
                                                   " are given; give 1 to ", kMaxManifests));
  }
  const std::string account =
      request.account().empty() ? call.agent.mesh.account : request.account();
  std::vector<int> order(request.manifests_size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return RankOf(request.manifests(a)) < RankOf(request.manifests(b));
  });

  Transaction transaction(call);
  v1::ApplyResponse response;
  for (int i = 0; i < request.manifests_size(); ++i) response.add_results();
  std::vector<std::string> names(request.manifests_size());
  absl::flat_hash_map<std::string, int> manifest_of;  // By name.
  for (const int i : order) {
    v1::ApplyResponse::Outcome outcome;
    const absl::StatusOr<std::string> name =
        PutOne(call, account, request.manifests(i), transaction, &outcome);
    if (!name.ok()) return At(SourceOf(request, i), name.status());
    const auto [earlier, is_new] = manifest_of.emplace(*name, i);
    if (!is_new) {
      return At(SourceOf(request, std::max(i, earlier->second)),
                absl::InvalidArgumentError(
                    absl::StrCat("the same resource as ",
                                 SourceOf(request, std::min(i, earlier->second)), "; keep one")));
    }
    names[i] = *name;
    response.mutable_results(i)->set_outcome(outcome);
  }

  std::string failed;
  const absl::Status finished = transaction.Finish(request.validate_only(), &failed);
  if (!finished.ok()) {
    const auto manifest = manifest_of.find(failed);
    return manifest == manifest_of.end() ? finished
                                         : At(SourceOf(request, manifest->second), finished);
  }
  Presenter presenter(call.agent, transaction);
  for (int i = 0; i < request.manifests_size(); ++i) {
    v1::Resource& shown = *response.mutable_results(i)->mutable_resource();
    shown = presenter.Present(names[i], *transaction.Find(names[i]));
    transaction.HideInvented(&shown);
  }
  if (call.written.has_value()) response.set_mesh_token(call.written->ToString());
  return response;
}

}  // namespace

absl::StatusOr<v1::ApplyResponse> Apply(CallContext& call, const v1::ApplyRequest& request) {
  return Once<v1::ApplyResponse>(call, request, [&] { return ApplyAll(call, request); });
}

}  // namespace trellis::api
