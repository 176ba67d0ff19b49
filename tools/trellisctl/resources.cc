#include "tools/trellisctl/resources.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "google/protobuf/empty.pb.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/output.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

constexpr int kPageSize = 1000;
constexpr int kMaxPages = 1000;
constexpr size_t kMaxNamesInMessage = 20;

using Resources = std::vector<v1::Resource>;

// What the methods of one kind's admin service have in common.
struct Operations {
  Kind kind;
  absl::Status (*get)(Session&, const std::string& name, pb::Message* resource);
  // One page: `request` and `response` made for it.
  absl::Status (*list)(Session&, const std::string& parent, const std::string& page_token,
                       Kind kind, Resources* resources, std::string* next);
  absl::Status (*remove)(Session&, const std::string& name, const std::string& etag);
};

template <typename Method>
struct Types;
template <typename Stub, typename Req, typename Resp>
struct Types<grpc::Status (Stub::*)(grpc::ClientContext*, const Req&, Resp*)> {
  using Request = Req;
  using Response = Resp;
};

template <auto kMethod>
absl::Status Get(Session& session, const std::string& name, pb::Message* resource) {
  using T = Types<decltype(kMethod)>;
  typename T::Request request;
  request.set_name(name);
  return session.Call(kMethod, request, static_cast<typename T::Response*>(resource));
}

template <auto kMethod>
absl::Status Remove(Session& session, const std::string& name, const std::string& etag) {
  typename Types<decltype(kMethod)>::Request request;
  request.set_name(name);
  request.set_etag(etag);
  pb::Empty response;
  return session.Call(kMethod, request, &response);
}

// The one repeated field of a List response.
const pb::FieldDescriptor& ItemsOf(const pb::Descriptor& response) {
  for (int i = 0; i < response.field_count(); ++i) {
    if (response.field(i)->is_repeated()) return *response.field(i);
  }
  LOG(FATAL) << response.full_name() << " lists nothing";
  abort();
}

template <auto kMethod>
absl::Status List(Session& session, const std::string& parent, const std::string& page_token,
                  Kind kind, Resources* resources, std::string* next) {
  using T = Types<decltype(kMethod)>;
  typename T::Request request;
  typename T::Response response;
  if constexpr (requires { request.set_parent(parent); }) request.set_parent(parent);
  request.set_page_size(kPageSize);
  request.set_page_token(page_token);
  RETURN_IF_ERROR(session.Call(kMethod, request, &response));
  const pb::FieldDescriptor& items = ItemsOf(*response.GetDescriptor());
  const pb::Reflection& reflection = *response.GetReflection();
  for (int i = 0; i < reflection.FieldSize(response, &items); ++i) {
    MutableUnwrap(kind, &resources->emplace_back())
        ->CopyFrom(reflection.GetRepeatedMessage(response, &items, i));
  }
  *next = response.next_page_token();
  return absl::OkStatus();
}

#define TRELLIS_OPERATIONS(kind, plural)                                                           \
  {                                                                                                \
    Kind::k##kind, &Get<&v1::kind##Admin::Stub::Get##kind>,                                        \
        &List<&v1::kind##Admin::Stub::List##plural>, &Remove<&v1::kind##Admin::Stub::Delete##kind> \
  }

constexpr Operations kOperations[] = {
    TRELLIS_OPERATIONS(Account, Accounts),
    TRELLIS_OPERATIONS(Vpc, Vpcs),
    TRELLIS_OPERATIONS(ServiceNetwork, ServiceNetworks),
    TRELLIS_OPERATIONS(Service, Services),
    TRELLIS_OPERATIONS(Listener, Listeners),
    TRELLIS_OPERATIONS(Rule, Rules),
    TRELLIS_OPERATIONS(TargetGroup, TargetGroups),
    TRELLIS_OPERATIONS(VpcAssociation, VpcAssociations),
    TRELLIS_OPERATIONS(ServiceAssociation, ServiceAssociations),
    TRELLIS_OPERATIONS(Agent, Agents),
    // Targets are registered and deregistered, and have no Get.
    {Kind::kTarget, nullptr, &List<&v1::TargetAdmin::Stub::ListTargets>, nullptr},
};
#undef TRELLIS_OPERATIONS

const Operations& OperationsOf(Kind kind) {
  for (const Operations& operations : kOperations) {
    if (operations.kind == kind) return operations;
  }
  LOG(FATAL) << "no operations for resource kind " << kind;
  abort();
}

const KindInfo& ParentInfo(const KindInfo& info) { return InfoOfParent(info.parent_keys.back()); }

absl::StatusOr<v1::Resource> GetByName(Session& session, const KindInfo& info,
                                       const std::string& name) {
  v1::Resource resource;
  RETURN_IF_ERROR(OperationsOf(info.kind).get(session, name, MutableUnwrap(info.kind, &resource)));
  return resource;
}

bool Answers(const v1::Resource& resource, const std::string& name) {
  const std::string whole = ResourceNameOf(resource);
  return name == TitleOf(resource) || name == whole || name == IdOf(whole) ||
         (resource.has_target() && name == resource.target().id());
}

// The one of `resources` that `name` means; `where` completes the message when none or several do.
absl::StatusOr<v1::Resource> Pick(const KindInfo& info, const Resources& resources,
                                  const std::string& name, absl::string_view where) {
  const v1::Resource* found = nullptr;
  std::vector<std::string> titles;
  for (const v1::Resource& resource : resources) {
    if (titles.size() < kMaxNamesInMessage) titles.push_back(TitleOf(resource));
    if (!Answers(resource, name)) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          info.singular, " \"", name, "\": means several", where, "; give the resource name"));
    }
    found = &resource;
  }
  if (found != nullptr) return *found;
  return WithExit(
      ExitCode::kRefused,
      absl::NotFoundError(absl::StrCat(
          info.singular, " \"", name, "\": not found", where,
          titles.empty() ? "; there are none"
                         : absl::StrCat("; there are: ", absl::StrJoin(titles, ", ")))));
}

// "shop/storefront": the association between the two.
absl::StatusOr<v1::Resource> FindAssociation(Session& session, const KindInfo& info,
                                             const std::string& name) {
  const std::pair<std::string, std::string> ends = absl::StrSplit(name, absl::MaxSplits('/', 1));
  const bool of_vpc = info.kind == Kind::kVpcAssociation;
  ASSIGN_OR_RETURN(const v1::Resource network,
                   GetByName(session, InfoOf(Kind::kServiceNetwork), ends.first));
  ASSIGN_OR_RETURN(const v1::Resource other,
                   GetByName(session, InfoOf(of_vpc ? Kind::kVpc : Kind::kService), ends.second));
  ASSIGN_OR_RETURN(const Resources all, ListResources(session, info));
  for (const v1::Resource& resource : all) {
    const bool same =
        of_vpc ? resource.vpc_association().service_network() == ResourceNameOf(network) &&
                     resource.vpc_association().vpc() == ResourceNameOf(other)
               : resource.service_association().service_network() == ResourceNameOf(network) &&
                     resource.service_association().service() == ResourceNameOf(other);
    if (same) return resource;
  }
  return WithExit(ExitCode::kRefused,
                  absl::NotFoundError(absl::StrCat(info.singular, " \"", name, "\": not found")));
}

}  // namespace

bool IsWholeName(absl::string_view name) {
  if (absl::StartsWith(name, "arn:")) return true;
  for (const KindInfo& info : Kinds()) {
    if (*info.collection != '\0' && absl::StartsWith(name, absl::StrCat(info.collection, "/"))) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<Resources> ListResources(Session& session, const KindInfo& info,
                                        const std::string& parent) {
  Resources resources;
  if (parent.empty() && !info.parent_keys.empty()) {
    ASSIGN_OR_RETURN(const Resources parents, ListResources(session, ParentInfo(info)));
    for (const v1::Resource& one : parents) {
      ASSIGN_OR_RETURN(Resources children, ListResources(session, info, ResourceNameOf(one)));
      std::move(children.begin(), children.end(), std::back_inserter(resources));
    }
    return resources;
  }
  std::string page_token;
  for (int page = 0; page < kMaxPages; ++page) {
    RETURN_IF_ERROR(OperationsOf(info.kind).list(session, parent, page_token, info.kind, &resources,
                                                 &page_token));
    if (page_token.empty()) return resources;
  }
  return WithExit(ExitCode::kRefused, absl::ResourceExhaustedError(absl::StrCat(
                                          "more than ", kMaxPages * kPageSize, " ", info.plural)));
}

absl::StatusOr<std::string> FindParent(Session& session, const KindInfo& info,
                                       const std::vector<std::string>& parents) {
  std::vector<std::string> above(parents.begin(), parents.end() - 1);
  ASSIGN_OR_RETURN(const v1::Resource parent,
                   FindResource(session, ParentInfo(info), parents.back(), std::move(above)));
  return ResourceNameOf(parent);
}

absl::StatusOr<v1::Resource> FindResource(Session& session, const KindInfo& info,
                                          const std::string& name,
                                          std::vector<std::string> parents) {
  if (info.kind == Kind::kAgent) {
    ASSIGN_OR_RETURN(const Resources agents, ListResources(session, info));
    return Pick(info, agents, name, "");
  }
  const bool association =
      info.kind == Kind::kVpcAssociation || info.kind == Kind::kServiceAssociation;
  if (association && absl::StrContains(name, "/") && !IsWholeName(name)) {
    return FindAssociation(session, info, name);
  }
  if (info.parent_keys.empty() || (IsWholeName(name) && info.kind != Kind::kTarget)) {
    return GetByName(session, info, name);
  }
  // Parents that were not given apart begin the name.
  std::string rest = name;
  if (IsWholeName(name)) {  // targetGroups/tg-1/targets/10.1.0.11:8080
    const size_t end = name.find('/', name.find('/') + 1);
    parents = {name.substr(0, end)};
  }
  while (parents.size() < info.parent_keys.size() && absl::StrContains(rest, "/")) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(rest, absl::MaxSplits('/', 1));
    parents.push_back(parts.first);
    rest = parts.second;
  }
  if (parents.size() < info.parent_keys.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        info.singular, " \"", name, "\": say also which ", absl::StrJoin(info.parent_keys, " and "),
        ", as ", absl::StrJoin(info.parent_keys, "/"), "/", info.singular));
  }
  ASSIGN_OR_RETURN(const std::string parent, FindParent(session, info, parents));
  ASSIGN_OR_RETURN(const Resources children, ListResources(session, info, parent));
  return Pick(info, children, rest, absl::StrCat(" in ", absl::StrJoin(parents, "/")));
}

absl::StatusOr<v1::Resource> FindOneResource(Session& session, const KindInfo& info,
                                             const std::string& name) {
  ASSIGN_OR_RETURN(const v1::Resource found, FindResource(session, info, name));
  // In a parent, and among agents, FindResource itself sees to it.
  if (!info.parent_keys.empty() || name != TitleOf(found)) return found;
  ASSIGN_OR_RETURN(const Resources all, ListResources(session, info));
  std::vector<std::string> twins;
  for (const v1::Resource& resource : all) {
    if (TitleOf(resource) == name && twins.size() < kMaxNamesInMessage) {
      twins.push_back(ResourceNameOf(resource));
    }
  }
  if (twins.size() < 2) return found;
  return absl::InvalidArgumentError(absl::StrCat(
      info.singular, " \"", name, "\": means several; give one of ", absl::StrJoin(twins, ", ")));
}

absl::Status DeleteResource(Session& session, const v1::Resource& resource,
                            const std::string& etag) {
  const std::string name = ResourceNameOf(resource);
  if (!resource.has_target()) {
    return OperationsOf(resource.kind_case()).remove(session, name, etag);
  }
  v1::DeregisterTargetsRequest request;
  v1::DeregisterTargetsResponse response;
  request.set_parent(absl::StrCat("targetGroups/", ParentOf(name)));
  request.add_targets()->set_id(resource.target().id());
  request.mutable_targets(0)->set_port(resource.target().port());
  request.mutable_targets(0)->set_etag(etag);
  RETURN_IF_ERROR(session.Call(&v1::TargetAdmin::Stub::DeregisterTargets, request, &response));
  if (response.unsuccessful().empty()) return absl::OkStatus();
  return WithExit(ExitCode::kRefused,
                  absl::FailedPreconditionError(response.unsuccessful(0).failure_message()));
}

}  // namespace trellis::ctl
