#include "storage/resource/arn.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::resource {
namespace {

constexpr size_t kMaxRegionBytes = 32;
constexpr size_t kMeshHexDigits = 7;

struct ArnType {
  Kind kind;
  absl::string_view service;
  absl::string_view type;
};

constexpr ArnType kArnTypes[] = {
    {Kind::kVpc, "ec2", "vpc"},
    {Kind::kServiceNetwork, "vpc-lattice", "servicenetwork"},
    {Kind::kService, "vpc-lattice", "service"},
    {Kind::kListener, "vpc-lattice", "listener"},
    {Kind::kRule, "vpc-lattice", "rule"},
    {Kind::kTargetGroup, "vpc-lattice", "targetgroup"},
    {Kind::kVpcAssociation, "vpc-lattice", "servicenetworkvpcassociation"},
    {Kind::kServiceAssociation, "vpc-lattice", "servicenetworkserviceassociation"},
};

const ArnType* FindType(Kind kind) {
  for (const ArnType& type : kArnTypes) {
    if (type.kind == kind) return &type;
  }
  return nullptr;
}

const ArnType* FindType(absl::string_view type_name, Kind parent) {
  for (const ArnType& type : kArnTypes) {
    if (type.type == type_name && ParentKind(type.kind) == parent) return &type;
  }
  return nullptr;
}

// "service/svc-…/listener/listener-…" of a name; the types stand in for the collections.
std::string ResourcePart(const Name& name) {
  std::string part;
  Kind kind = name.kind;
  for (auto id = name.ids.rbegin(); id != name.ids.rend(); ++id, kind = ParentKind(kind)) {
    const ArnType* type = FindType(kind);
    CHECK(type != nullptr);
    part = absl::StrCat(type->type, "/", *id, part.empty() ? "" : "/", part);
  }
  return part;
}

bool IsRegion(absl::string_view region) {
  return !region.empty() && region.size() <= kMaxRegionBytes &&
         region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
             absl::string_view::npos;
}

absl::Status Malformed(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("arn: \"", absl::CHexEscape(text.substr(0, kMaxTargetIdBytes)),
                   "\" is not a resource of this mesh; give "
                   "arn:aws:vpc-lattice:{region}:{account}:service/svc-… or alike"));
}

}  // namespace

std::string MakeArn(absl::string_view name, absl::string_view region, absl::string_view account) {
  const absl::StatusOr<Name> parsed = ParseName(name);
  if (!parsed.ok()) return "";
  const ArnType* type = FindType(parsed->kind);
  if (type == nullptr) return "";
  return absl::StrCat("arn:aws:", type->service, ":", region, ":", account, ":",
                      ResourcePart(*parsed));
}

absl::StatusOr<Arn> ParseArn(absl::string_view text) {
  if (text.size() > kMaxNameBytes) return Malformed(text);
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[1] != "aws" || !IsRegion(parts[3]) ||
      !IsId(Kind::kAccount, parts[4])) {
    return Malformed(text);
  }
  Name name;
  const std::vector<absl::string_view> segments = absl::StrSplit(parts[5], '/');
  if (segments.size() % 2 != 0) return Malformed(text);
  for (size_t i = 0; i < segments.size(); i += 2) {
    const ArnType* type = FindType(segments[i], name.kind);
    if (type == nullptr || type->service != parts[2] || !IsId(type->kind, segments[i + 1])) {
      return Malformed(text);
    }
    name.kind = type->kind;
    name.ids.emplace_back(segments[i + 1]);
  }
  return Arn{std::string(parts[3]), std::string(parts[4]), name.ToString()};
}

std::string GeneratedDomain(absl::string_view display_name, absl::string_view service_id,
                            absl::string_view mesh_id, absl::string_view region,
                            absl::string_view mesh_domain) {
  const std::string mesh = absl::BytesToHexString(mesh_id);
  return absl::StrCat(display_name, "-", absl::StripPrefix(service_id, IdPrefix(Kind::kService)),
                      ".", absl::string_view(mesh).substr(0, kMeshHexDigits), ".vpc-lattice-svcs.",
                      region, ".", mesh_domain);
}

}  // namespace trellis::resource
