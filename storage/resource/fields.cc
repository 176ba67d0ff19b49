#include "storage/resource/fields.h"

#include <google/protobuf/unknown_field_set.h>

#include <type_traits>

#include "google/protobuf/timestamp.pb.h"

namespace trellis::resource {
namespace {

// Calls `f` with the message inside, if its kind is known.
template <typename Resource, typename F>
void WithKind(Resource& resource, F f) {
  constexpr bool kConst = std::is_const_v<Resource>;
#define TRELLIS_KIND(tag, field)      \
  case v1::Resource::tag:             \
    if constexpr (kConst) {           \
      f(resource.field());            \
    } else {                          \
      f(*resource.mutable_##field()); \
    }                                 \
    break
  switch (resource.kind_case()) {
    TRELLIS_KIND(kAccount, account);
    TRELLIS_KIND(kVpc, vpc);
    TRELLIS_KIND(kServiceNetwork, service_network);
    TRELLIS_KIND(kService, service);
    TRELLIS_KIND(kListener, listener);
    TRELLIS_KIND(kRule, rule);
    TRELLIS_KIND(kTargetGroup, target_group);
    TRELLIS_KIND(kTarget, target);
    TRELLIS_KIND(kVpcAssociation, vpc_association);
    TRELLIS_KIND(kServiceAssociation, service_association);
    TRELLIS_KIND(kAgent, agent);
    TRELLIS_KIND(kJoinToken, join_token);
    TRELLIS_KIND(kSealingKey, sealing_key);
    TRELLIS_KIND(kSealingShare, sealing_share);
    case v1::Resource::KIND_NOT_SET:
      break;
  }
#undef TRELLIS_KIND
}

// Field 1 of the only message of an unknown kind: where every resource keeps its name.
std::string NameOfUnknownKind(const v1::Resource& resource) {
  const google::protobuf::UnknownFieldSet& fields =
      v1::Resource::GetReflection()->GetUnknownFields(resource);
  if (fields.field_count() != 1 ||
      fields.field(0).type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
    return "";
  }
  google::protobuf::UnknownFieldSet inner;
  if (!inner.ParseFromString(fields.field(0).length_delimited())) return "";
  for (int i = 0; i < inner.field_count(); ++i) {
    const google::protobuf::UnknownField& field = inner.field(i);
    if (field.number() == 1 &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      return field.length_delimited();
    }
  }
  return "";
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

void ToProto(absl::Time time, google::protobuf::Timestamp* proto) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto->set_seconds(seconds);
  proto->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

}  // namespace

Kind KindOf(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kAccount:
      return Kind::kAccount;
    case v1::Resource::kVpc:
      return Kind::kVpc;
    case v1::Resource::kServiceNetwork:
      return Kind::kServiceNetwork;
    case v1::Resource::kService:
      return Kind::kService;
    case v1::Resource::kListener:
      return Kind::kListener;
    case v1::Resource::kRule:
      return Kind::kRule;
    case v1::Resource::kTargetGroup:
      return Kind::kTargetGroup;
    case v1::Resource::kTarget:
      return Kind::kTarget;
    case v1::Resource::kVpcAssociation:
      return Kind::kVpcAssociation;
    case v1::Resource::kServiceAssociation:
      return Kind::kServiceAssociation;
    case v1::Resource::kAgent:
      return Kind::kAgent;
    case v1::Resource::kJoinToken:
      return Kind::kJoinToken;
    case v1::Resource::kSealingKey:
      return Kind::kSealingKey;
    case v1::Resource::kSealingShare:
      return Kind::kSealingShare;
    case v1::Resource::KIND_NOT_SET:
      return Kind::kUnknown;
  }
  return Kind::kUnknown;
}

std::string ResourceName(const v1::Resource& resource) {
  if (KindOf(resource) == Kind::kUnknown) return NameOfUnknownKind(resource);
  std::string name;
  WithKind(resource, [&](const auto& message) { name = message.name(); });
  return name;
}

void SetResourceName(v1::Resource& resource, absl::string_view name) {
  WithKind(resource, [&](auto& message) { message.set_name(std::string(name)); });
}

std::string DisplayName(const v1::Resource& resource) {
  std::string name;
  WithKind(resource, [&](const auto& message) {
    if constexpr (requires { message.display_name(); }) name = message.display_name();
  });
  return name;
}

std::string AccountOf(const v1::Resource& resource) {
  std::string account;
  WithKind(resource, [&](const auto& message) {
    if constexpr (requires { message.account(); }) account = message.account();
  });
  return account;
}

void SetArn(v1::Resource& resource, absl::string_view arn) {
  WithKind(resource, [&](auto& message) {
    if constexpr (requires { message.set_arn(""); }) message.set_arn(std::string(arn));
  });
}

std::string EtagOf(const v1::Resource& resource) {
  std::string etag;
  WithKind(resource, [&](const auto& message) { etag = message.etag(); });
  return etag;
}

void SetEtag(v1::Resource& resource, absl::string_view etag) {
  WithKind(resource, [&](auto& message) { message.set_etag(std::string(etag)); });
}

absl::Time CreateTime(const v1::Resource& resource) {
  absl::Time time = absl::InfinitePast();
  WithKind(resource, [&](const auto& message) {
    if (message.has_create_time()) time = FromProto(message.create_time());
  });
  return time;
}

void SetTimes(v1::Resource& resource, absl::Time create_time, absl::Time update_time) {
  WithKind(resource, [&](auto& message) {
    ToProto(create_time, message.mutable_create_time());
    if constexpr (requires { message.mutable_update_time(); }) {
      ToProto(update_time, message.mutable_update_time());
    }
  });
}

storage::v1::MergeClass MergeClassOf(Kind kind) {
  switch (kind) {
    case Kind::kTarget:
    case Kind::kSealingShare:
      return storage::v1::MEMBER;
    case Kind::kAgent:
    case Kind::kJoinToken:
    case Kind::kSealingKey:
      return storage::v1::GUARD;
    default:
      return storage::v1::LWW;
  }
}

}  // namespace trellis::resource
