#include "node/api/handlers/resolve.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "storage/resource/arn.h"
#include "storage/resource/fields.h"

namespace trellis::api {
namespace {

using resource::Kind;
using resource::Relation;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, 200)), "\"");
}

absl::Status NotFound(absl::string_view field, Kind kind, absl::string_view text) {
  return absl::NotFoundError(absl::StrCat(field, ": there is no ", resource::KindWords(kind), " ",
                                          Quoted(text),
                                          "; give its name, id, ARN or display name"));
}

// The few names that a text stands for; usually one.
using Names = std::vector<std::string>;

absl::Status Ambiguous(absl::string_view field, Kind kind, absl::string_view text,
                       const Names& names) {
  return absl::InvalidArgumentError(absl::StrCat(
      field, ": ", names.size(), " ", resource::KindWords(kind), "s ",
      text.empty() ? "match" : absl::StrCat("are called ", Quoted(text)),
      "; give the name of one: ", names[0], ", ", names[1], names.size() > 2 ? ", …" : ""));
}

// Those with that id under `parent`; with any parent when that is empty.
Names FindById(const resource::View& view, Kind kind, absl::string_view parent,
               absl::string_view id) {
  Names found;
  if (!parent.empty() || resource::ParentKind(kind) == Kind::kUnknown) {
    std::string name = resource::Join(parent, kind, id);
    if (view.Find(name) != nullptr) found.push_back(std::move(name));
    return found;
  }
  Kind outermost = kind;
  while (resource::ParentKind(outermost) != Kind::kUnknown) {
    outermost = resource::ParentKind(outermost);
  }
  view.Visit(resource::CollectionPrefix(outermost), "",
             [&](const std::string& name, const v1::Resource& resource) {
               if (resource::KindOf(resource) == kind && resource::IdOf(name) == id) {
                 found.push_back(name);
               }
               return found.empty();
             });
  return found;
}

Names FindByDisplayName(const resource::View& view, Kind kind, absl::string_view parent,
                        absl::string_view display_name, absl::string_view account) {
  if (display_name.empty()) return {};
  if (parent.empty() && resource::ParentKind(kind) != Kind::kUnknown) return {};
  const auto called = [&](absl::string_view owner) {
    const std::string identity = resource::Identity(owner, display_name);
    return view.Related(Relation::kCalled, resource::CalledKey(kind, parent, identity));
  };
  Names found = called(account);
  // Kinds that nobody owns, or whose owner is their parent's.
  if (found.empty()) found = called("");
  const std::string holder = found.size() > 1 ? view.HolderOf(found) : "";
  return holder.empty() ? found : Names{holder};
}

Names FindInParent(const resource::View& view, Kind kind, absl::string_view parent,
                   absl::string_view text, absl::string_view account) {
  Names found;
  if (resource::IsId(kind, text)) found = FindById(view, kind, parent, text);
  return found.empty() ? FindByDisplayName(view, kind, parent, text, account) : found;
}

// "cart/http/stock": a display name or id for each level, outermost first.
Names FindByPath(const resource::View& view, Kind kind, absl::string_view text,
                 absl::string_view account) {
  std::vector<Kind> kinds = {kind};
  while (resource::ParentKind(kinds.back()) != Kind::kUnknown) {
    kinds.push_back(resource::ParentKind(kinds.back()));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() != kinds.size()) return {};
  Names found = {""};
  for (size_t i = 0; i < parts.size() && found.size() == 1; ++i) {
    const std::string parent = found[0];
    found = FindInParent(view, kinds[kinds.size() - 1 - i], parent, parts[i], account);
  }
  return found;
}

// Replaces `*reference` by the resource's name. What is absent stays so: validation says when a
// reference is required, and an update may leave it out.
absl::Status Resolve(const resource::View& view, Kind kind, absl::string_view account,
                     absl::string_view field, std::string* reference) {
  if (reference->empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*reference, ResolveReference(view, kind, *reference, account, field));
  return absl::OkStatus();
}

absl::Status ResolveAction(const resource::View& view, absl::string_view account,
                           absl::string_view field, v1::RuleAction* action) {
  int i = 0;
  if (!action->has_forward()) return absl::OkStatus();
  for (v1::WeightedTargetGroup& share : *action->mutable_forward()->mutable_target_groups()) {
    RETURN_IF_ERROR(Resolve(view, Kind::kTargetGroup, account,
                            absl::StrCat(field, ".forward.target_groups[", i++, "].target_group"),
                            share.mutable_target_group()));
  }
  return absl::OkStatus();
}

// The name that the creator of an account or VPC chose; a bare id does as well.
absl::StatusOr<std::string> ChosenName(Kind kind, absl::string_view chosen) {
  std::string name =
      resource::IsId(kind, chosen) ? resource::Join("", kind, chosen) : std::string(chosen);
  if (resource::KindOf(name) == kind) return name;
  return absl::InvalidArgumentError(
      absl::StrCat(FieldPrefix(kind), ".name: ", Quoted(chosen), " is not ",
                   kind == Kind::kAccount ? "accounts/{12 digits}"
                                          : "vpcs/vpc-{8 or 17 of a-z and 0-9}, or empty"));
}

}  // namespace

std::string OwnerOf(const resource::View& view, absl::string_view name) {
  std::string account;
  for (std::string at(name); account.empty() && !at.empty(); at = resource::ParentOf(at)) {
    const std::shared_ptr<const v1::Resource> resource = view.Find(at);
    if (resource != nullptr) account = resource::AccountOf(*resource);
  }
  return account;
}

absl::StatusOr<std::string> ResolveReference(const resource::View& view, Kind kind,
                                             absl::string_view text, absl::string_view account,
                                             absl::string_view field) {
  if (text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": required; give the ",
                                                   resource::KindWords(kind),
                                                   "'s name, id, ARN or display name"));
  }
  if (text.size() > resource::kMaxNameBytes) return NotFound(field, kind, text);
  std::string name;
  if (absl::StartsWith(text, "arn:")) {
    const absl::StatusOr<resource::Arn> arn = resource::ParseArn(text);
    if (!arn.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(field, ": ", arn.status().message()));
    }
    name = arn->name;
  } else if (resource::KindOf(text) != Kind::kUnknown) {
    name = std::string(text);
  }
  if (!name.empty()) {
    if (resource::KindOf(name) != kind) {
      return absl::InvalidArgumentError(absl::StrCat(
          field, ": ", Quoted(text), " is ", resource::KindWithArticle(resource::KindOf(name)),
          "; give ", resource::KindWithArticle(kind)));
    }
    if (view.Find(name) == nullptr) return NotFound(field, kind, text);
    return name;
  }
  Names names = absl::StrContains(text, '/') ? FindByPath(view, kind, text, account)
                                             : FindInParent(view, kind, "", text, account);
  if (names.empty()) return NotFound(field, kind, text);
  if (names.size() > 1) return Ambiguous(field, kind, text, names);
  return std::move(names[0]);
}

absl::Status ResolveReferences(const resource::View& view, absl::string_view account,
                               v1::Resource* resource) {
  std::string owner = resource::AccountOf(*resource);
  if (owner.empty()) owner = std::string(account);
  switch (resource->kind_case()) {
    case v1::Resource::kListener:
      return ResolveAction(view, owner, "listener.default_action",
                           resource->mutable_listener()->mutable_default_action());
    case v1::Resource::kRule:
      return ResolveAction(view, owner, "rule.action", resource->mutable_rule()->mutable_action());
    case v1::Resource::kTargetGroup:
      return Resolve(view, Kind::kVpc, owner, "target_group.vpc",
                     resource->mutable_target_group()->mutable_vpc());
    case v1::Resource::kVpcAssociation: {
      v1::VpcAssociation* association = resource->mutable_vpc_association();
      RETURN_IF_ERROR(Resolve(view, Kind::kServiceNetwork, owner, "vpc_association.service_network",
                              association->mutable_service_network()));
      return Resolve(view, Kind::kVpc, owner, "vpc_association.vpc", association->mutable_vpc());
    }
    case v1::Resource::kServiceAssociation: {
      v1::ServiceAssociation* association = resource->mutable_service_association();
      RETURN_IF_ERROR(Resolve(view, Kind::kServiceNetwork, owner,
                              "service_association.service_network",
                              association->mutable_service_network()));
      return Resolve(view, Kind::kService, owner, "service_association.service",
                     association->mutable_service());
    }
    default:
      return absl::OkStatus();
  }
}

void Inherit(const resource::View& view, absl::string_view account, absl::string_view parent,
             v1::Resource* resource) {
  if (resource->has_target()) {
    const std::shared_ptr<const v1::Resource> group = view.Find(parent);
    if (resource->target().port() == 0 && group != nullptr) {
      resource->mutable_target()->set_port(group->target_group().port());
    }
    return;
  }
  const auto own = [&](auto* message) {
    if (message->account().empty()) message->set_account(std::string(account));
  };
  switch (resource->kind_case()) {
    case v1::Resource::kVpc:
      return own(resource->mutable_vpc());
    case v1::Resource::kServiceNetwork:
      return own(resource->mutable_service_network());
    case v1::Resource::kService:
      return own(resource->mutable_service());
    case v1::Resource::kTargetGroup:
      return own(resource->mutable_target_group());
    case v1::Resource::kVpcAssociation:
      return own(resource->mutable_vpc_association());
    case v1::Resource::kServiceAssociation:
      return own(resource->mutable_service_association());
    default:
      return;
  }
}

absl::StatusOr<std::string> FindExisting(const resource::View& view, const v1::Resource& given,
                                         absl::string_view parent) {
  const Kind kind = resource::KindOf(given);
  const auto if_there = [&](std::string name) {
    return view.Find(name) == nullptr ? std::string() : name;
  };
  const std::string chosen = resource::ResourceName(given);
  if (kind == Kind::kAccount || (kind == Kind::kVpc && !chosen.empty())) {
    ASSIGN_OR_RETURN(std::string name, ChosenName(kind, chosen));
    return if_there(std::move(name));
  }
  if (kind == Kind::kTarget) {
    return if_there(resource::TargetName(parent, given.target().id(), given.target().port()));
  }
  const Names names = view.Related(Relation::kCalled,
                                   resource::CalledKey(kind, parent, resource::IdentityOf(given)));
  if (names.empty()) return std::string();
  // Ids are the server's business, but of several the one that is named is meant.
  if (absl::c_linear_search(names, chosen)) return chosen;
  if (names.size() == 1) return names[0];
  if (std::string holder = view.HolderOf(names); !holder.empty()) return holder;
  return Ambiguous(absl::StrCat(FieldPrefix(kind), ".name"), kind, resource::DisplayName(given),
                   names);
}

absl::StatusOr<std::string> NewName(const v1::Resource& resource, absl::string_view parent,
                                    Random& random) {
  const Kind kind = resource::KindOf(resource);
  const std::string chosen = resource::ResourceName(resource);
  if (kind == Kind::kTarget) {
    return resource::TargetName(parent, resource.target().id(), resource.target().port());
  }
  if (kind == Kind::kAccount || (kind == Kind::kVpc && !chosen.empty())) {
    return ChosenName(kind, chosen);
  }
  return resource::Join(parent, kind, resource::NewId(kind, random));
}

}  // namespace trellis::api
