#include "tools/trellisctl/schema.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "tools/trellisctl/suggest.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

// Where the word people write is not the field's name in camelCase. `message` is the short name of
// the message, or "" for every resource.
struct Rename {
  const char* message;
  const char* field;
  const char* key;
  const char* also = nullptr;  // The reference's longer spelling: read, never printed.
};

constexpr Rename kRenames[] = {
    {"Account", "name", "id"},
    // Nobody writes an agent: its reports keep the words of the API.
    {"Agent", "name", "name"},
    {"Agent", "display_name", "displayName"},
    {"", "name", "resourceName"},
    {"", "display_name", "name"},
    {"", "create_time", "createdAt"},
    {"", "update_time", "lastUpdatedAt"},
    {"Service", "custom_domain", "customDomain", "customDomainName"},
    {"HttpMatch", "path_match", "path", "pathMatch"},
    {"HttpMatch", "header_matches", "headers", "headerMatches"},
    {"WeightedTargetGroup", "target_group", "targetGroup", "targetGroupIdentifier"},
};

struct Requirement {
  const char* message;
  const char* key;
};

constexpr Requirement kRequirements[] = {
    {"WeightedTargetGroup", "targetGroup"},
    {"FixedResponseAction", "statusCode"},
    {"HeaderMatch", "name"},
};

struct EnumPrefix {
  const char* type;
  const char* prefix;
};

// Enum values of one package must differ in C++, so some carry a prefix people need not see.
constexpr EnumPrefix kEnumPrefixes[] = {
    {"ListenerProtocol", "LISTENER_"},
    {"TargetGroupProtocol", "TARGET_"},
};

std::vector<KindInfo> MakeKinds() {
  using R = v1::Resource;
  return {
      {R::kAccount,
       "Account",
       "account",
       "accounts",
       "",
       "accounts",
       {},
       {"id"},
       true,
       {{"ID", "id"}, {"NAME", "name"}}},
      {R::kVpc,
       "Vpc",
       "vpc",
       "vpcs",
       "",
       "vpcs",
       {},
       {"name"},
       true,
       {{"NAME", "name"}, {"ID", "id"}, {"CIDR BLOCKS", "cidrBlocks"}, {"ACCOUNT", "account"}}},
      {R::kServiceNetwork,
       "ServiceNetwork",
       "service-network",
       "service-networks",
       "sn",
       "serviceNetworks",
       {},
       {"name"},
       true,
       {{"NAME", "name"},
        {"ID", "id"},
        {"AUTH", "authType"},
        {"VPCS", "associatedVpcs"},
        {"SERVICES", "associatedServices"}}},
      {R::kTargetGroup,
       "TargetGroup",
       "target-group",
       "target-groups",
       "tg",
       "targetGroups",
       {},
       {"name", "type"},
       true,
       {{"NAME", "name"},
        {"ID", "id"},
        {"TYPE", "type"},
        {"PROTOCOL", "protocol"},
        {"PORT", "port"},
        {"VPC", "vpc", R::kVpc},
        {"STATUS", "status"}}},
      {R::kTarget,
       "Target",
       "target",
       "targets",
       "",
       "",
       {"targetGroup"},
       {"id"},
       true,
       {{"TARGET GROUP", "parent", R::kTargetGroup},
        {"ID", "id"},
        {"PORT", "port"},
        {"STATUS", "status"},
        {"REASON", "reasonCode"}}},
      {R::kService,
       "Service",
       "service",
       "services",
       "svc",
       "services",
       {},
       {"name"},
       true,
       {{"NAME", "name"},
        {"ID", "id"},
        {"CUSTOM DOMAIN", "customDomain"},
        {"DOMAIN", "domain"},
        {"AUTH", "authType"},
        {"STATUS", "status"}}},
      {R::kListener,
       "Listener",
       "listener",
       "listeners",
       "",
       "",
       {"service"},
       {"name", "protocol", "defaultAction"},
       true,
       {{"SERVICE", "parent", R::kService},
        {"NAME", "name"},
        {"ID", "id"},
        {"PROTOCOL", "protocol"},
        {"PORT", "port"},
        {"DEFAULT ACTION", "defaultAction"}}},
      {R::kRule,
       "Rule",
       "rule",
       "rules",
       "",
       "",
       {"service", "listener"},
       {"name", "priority", "match", "action"},
       true,
       {{"SERVICE", "parent", R::kService},
        {"LISTENER", "parent", R::kListener},
        {"PRIORITY", "priority"},
        {"NAME", "name"},
        {"ID", "id"},
        {"MATCH", "match"},
        {"ACTION", "action"}}},
      {R::kVpcAssociation,
       "VpcAssociation",
       "vpc-association",
       "vpc-associations",
       "snva",
       "vpcAssociations",
       {},
       {"serviceNetwork", "vpc"},
       true,
       {{"ID", "id"},
        {"SERVICE NETWORK", "serviceNetwork", R::kServiceNetwork},
        {"VPC", "vpc", R::kVpc},
        {"STATUS", "status"}}},
      {R::kServiceAssociation,
       "ServiceAssociation",
       "service-association",
       "service-associations",
       "snsa",
       "serviceAssociations",
       {},
       {"serviceNetwork", "service"},
       true,
       {{"ID", "id"},
        {"SERVICE NETWORK", "serviceNetwork", R::kServiceNetwork},
        {"SERVICE", "service", R::kService},
        {"STATUS", "status"}}},
      {R::kAgent,
       "Agent",
       "agent",
       "agents",
       "",
       "agents",
       {},
       {},
       false,
       {{"NAME", "displayName"},
        {"ID", "id"},
        {"ROLE", "role"},
        {"VPC", "vpc", R::kVpc},
        {"MESH ADDRESS", "meshAddress"}}},
  };
}

bool Applies(const Rename& rename, const pb::FieldDescriptor& field) {
  const pb::Descriptor& message = *field.containing_type();
  return field.name() == rename.field &&
         (*rename.message == '\0' ? IsResource(message) : message.name() == rename.message);
}

const Rename* RenameOf(const pb::FieldDescriptor& field) {
  for (const Rename& rename : kRenames) {
    if (Applies(rename, field)) return &rename;
  }
  return nullptr;
}

bool IsDuration(const pb::FieldDescriptor& field) {
  return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == "google.protobuf.Duration";
}

absl::string_view PrefixOf(const pb::EnumDescriptor& type) {
  for (const EnumPrefix& row : kEnumPrefixes) {
    if (type.name() == row.type) return row.prefix;
  }
  return "";
}

std::string Squeeze(absl::string_view word) {
  return absl::AsciiStrToLower(absl::StrReplaceAll(word, {{"-", ""}, {"_", ""}}));
}

}  // namespace

absl::Span<const KindInfo> Kinds() {
  static const auto* const kKinds = new std::vector<KindInfo>(MakeKinds());
  return *kKinds;
}

const KindInfo& InfoOf(Kind kind) {
  for (const KindInfo& info : Kinds()) {
    if (info.kind == kind) return info;
  }
  LOG(FATAL) << "no table row for resource kind " << kind;
  abort();
}

const KindInfo& InfoOfParent(absl::string_view key) {
  for (const KindInfo& info : Kinds()) {
    if (absl::EqualsIgnoreCase(info.document, key)) return info;
  }
  LOG(FATAL) << "no kind of resource is called " << key;
  abort();
}

absl::StatusOr<const KindInfo*> ParseKind(absl::string_view word) {
  const std::string squeezed = Squeeze(word);
  std::vector<std::string> accepted;
  for (const KindInfo& info : Kinds()) {
    if (squeezed == Squeeze(info.singular) || squeezed == Squeeze(info.plural) ||
        (*info.alias != '\0' && squeezed == info.alias)) {
      return &info;
    }
    accepted.push_back(info.singular);
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", word, "\" is not a kind of resource",
                                                 DidYouMean(word, accepted),
                                                 "\nKinds: ", absl::StrJoin(accepted, ", ")));
}

std::string KeyOf(const pb::FieldDescriptor& field) {
  if (const Rename* rename = RenameOf(field)) return rename->key;
  return absl::StrCat(field.json_name(), IsDuration(field) ? "Seconds" : "");
}

const pb::FieldDescriptor* FieldOf(const pb::Descriptor& message, absl::string_view key) {
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    if (KeyOf(field) == key) return &field;
    const Rename* rename = RenameOf(field);
    if (rename != nullptr && rename->also != nullptr && key == rename->also) return &field;
  }
  return nullptr;
}

bool IsUnionWrapper(const pb::Descriptor& message, absl::string_view key) {
  return key == "match" && (message.name() == "PathMatch" || message.name() == "HeaderMatch");
}

std::vector<std::string> RequiredKeysOf(const pb::Descriptor& message) {
  std::vector<std::string> keys;
  for (const Requirement& row : kRequirements) {
    if (message.name() == row.message) keys.push_back(row.key);
  }
  for (const KindInfo& info : Kinds()) {
    if (IsResource(message) && message.name() == info.document) {
      keys.assign(info.required.begin(), info.required.end());
    }
  }
  return keys;
}

std::string WordOf(const pb::EnumValueDescriptor& value) {
  return std::string(absl::StripPrefix(absl::string_view(value.name()), PrefixOf(*value.type())));
}

const pb::EnumValueDescriptor* EnumValueOf(const pb::EnumDescriptor& type, absl::string_view word) {
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0 && WordOf(*type.value(i)) == word) return type.value(i);
  }
  return nullptr;
}

std::vector<std::string> WordsOf(const pb::EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) words.push_back(WordOf(*type.value(i)));
  }
  return words;
}

bool IsResource(const pb::Descriptor& message) {
  return message.FindFieldByName("etag") != nullptr && message.FindFieldByName("name") != nullptr;
}

const pb::Message& Unwrap(const v1::Resource& resource) {
  const pb::FieldDescriptor* field =
      resource.GetDescriptor()->FindFieldByNumber(resource.kind_case());
  CHECK(field != nullptr) << "an empty resource has no kind";
  return resource.GetReflection()->GetMessage(resource, field);
}

pb::Message* MutableUnwrap(Kind kind, v1::Resource* resource) {
  const pb::FieldDescriptor* field = resource->GetDescriptor()->FindFieldByNumber(kind);
  CHECK(field != nullptr) << "no resource of kind " << kind;
  return resource->GetReflection()->MutableMessage(resource, field);
}

}  // namespace trellis::ctl
