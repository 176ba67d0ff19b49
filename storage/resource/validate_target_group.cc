// Target groups, their health checks and targets. Spec: VPC Lattice reference 4.1, 4.3, 4.4.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "storage/resource/errors.h"
#include "storage/resource/field_checks.h"
#include "storage/resource/status_matcher.h"
#include "storage/resource/validate.h"

namespace trellis::resource {
namespace {

constexpr int64_t kIntervalMin = 5, kIntervalDefault = 30, kIntervalMax = 300;  // Seconds.
constexpr int64_t kTimeoutMin = 1, kTimeoutDefault = 5, kTimeoutMax = 120;      // Seconds.
constexpr int kThresholdMin = 2, kThresholdMax = 10;
constexpr int kHealthyDefault = 5, kUnhealthyDefault = 2;
constexpr size_t kMaxHealthPathBytes = 2048;

bool IsLambda(const v1::TargetGroup& group) { return group.type() == v1::LAMBDA; }
bool CanBeChecked(const v1::TargetGroup& group) {
  return group.type() == v1::INSTANCE || group.type() == v1::IP;
}

absl::Status CheckLambdaHasNothing(const v1::TargetGroup& group) {
  constexpr absl::string_view kWhy = "a target group of type LAMBDA has none";
  if (group.protocol() != v1::TARGET_GROUP_PROTOCOL_UNSPECIFIED) {
    return FieldNotAllowed("target_group.protocol", kWhy);
  }
  if (group.port() != 0) return FieldNotAllowed("target_group.port", kWhy);
  if (group.protocol_version() != v1::PROTOCOL_VERSION_UNSPECIFIED) {
    return FieldNotAllowed("target_group.protocol_version", kWhy);
  }
  if (!group.vpc().empty()) return FieldNotAllowed("target_group.vpc", kWhy);
  return absl::OkStatus();
}

absl::Status CheckProtocol(const v1::TargetGroup& group) {
  const v1::ProtocolVersion version = group.protocol_version();
  switch (group.protocol()) {
    case v1::TARGET_TCP:
      if (version == v1::PROTOCOL_VERSION_UNSPECIFIED) return absl::OkStatus();
      return FieldNotAllowed("target_group.protocol_version", "TCP has no versions of HTTP");
    case v1::TARGET_HTTP:
    case v1::TARGET_HTTPS:
      break;
    default:
      return MissingField("target_group.protocol", "HTTP, HTTPS or TCP");
  }
  switch (version) {
    case v1::HTTP1:
      return absl::OkStatus();
    case v1::HTTP2:
    case v1::GRPC:
      if (CanBeChecked(group)) return absl::OkStatus();
      return FieldNotAllowed("target_group.protocol_version",
                             "HTTP2 and GRPC go with types INSTANCE and IP only");
    default:
      return MissingField("target_group.protocol_version", "HTTP1, HTTP2 or GRPC");
  }
}

absl::Status CheckHealthCheck(const v1::TargetGroup& group) {
  const v1::HealthCheck& check = group.health_check();
  const auto field = [](absl::string_view name) {
    return absl::StrCat("target_group.health_check.", name);
  };
  if (!CanBeChecked(group)) {
    return FieldNotAllowed("target_group.health_check",
                           "only types INSTANCE and IP have health checks");
  }
  const bool version_known =
      check.protocol_version() == v1::HTTP1 || check.protocol_version() == v1::HTTP2;
  const bool protocol_known =
      check.protocol() == v1::TARGET_HTTP || check.protocol() == v1::TARGET_HTTPS;
  const bool must_state = group.protocol() == v1::TARGET_TCP && check.enabled();
  if (!protocol_known &&
      (must_state || check.protocol() != v1::TARGET_GROUP_PROTOCOL_UNSPECIFIED)) {
    return BadField(field("protocol"), v1::TargetGroupProtocol_Name(check.protocol()),
                    "cannot be checked", "HTTP or HTTPS");
  }
  if (!version_known &&
      (must_state || check.protocol_version() != v1::PROTOCOL_VERSION_UNSPECIFIED)) {
    return BadField(field("protocol_version"), v1::ProtocolVersion_Name(check.protocol_version()),
                    "cannot be checked", "HTTP1 or HTTP2");
  }
  RETURN_IF_ERROR(CheckRange(field("port"), check.port(), 0, kMaxPort));
  if (!check.path().empty()) {
    RETURN_IF_ERROR(CheckPath(field("path"), check.path(), kMaxHealthPathBytes));
  }
  RETURN_IF_ERROR(CheckSeconds(field("interval"), check.interval(), kIntervalMin, kIntervalMax));
  RETURN_IF_ERROR(CheckSeconds(field("timeout"), check.timeout(), kTimeoutMin, kTimeoutMax));
  RETURN_IF_ERROR(CheckRange(field("healthy_threshold"), check.healthy_threshold(), kThresholdMin,
                             kThresholdMax));
  RETURN_IF_ERROR(CheckRange(field("unhealthy_threshold"), check.unhealthy_threshold(),
                             kThresholdMin, kThresholdMax));
  const absl::Status matcher = StatusMatcher::Parse(check.matcher()).status();
  if (matcher.ok()) return matcher;
  return absl::InvalidArgumentError(absl::StrCat(field("matcher"), ": ", matcher.message()));
}

// 0 resets to the default, as in the reference.
void DefaultSeconds(int64_t seconds, bool present, google::protobuf::Duration* duration) {
  if (!present || (duration->seconds() == 0 && duration->nanos() == 0)) {
    duration->set_seconds(seconds);
  }
}

void ApplyDefaultsHealthCheck(v1::TargetGroup* group) {
  v1::HealthCheck* check = group->mutable_health_check();
  if (!check->has_enabled()) check->set_enabled(group->protocol_version() == v1::HTTP1);
  // Over TCP nothing says what the targets speak: whoever turns checks on must.
  if (group->protocol() != v1::TARGET_TCP) {
    if (check->protocol() == v1::TARGET_GROUP_PROTOCOL_UNSPECIFIED) {
      check->set_protocol(v1::TARGET_HTTP);
    }
    if (check->protocol_version() == v1::PROTOCOL_VERSION_UNSPECIFIED) {
      check->set_protocol_version(
          group->protocol_version() == v1::GRPC ? v1::HTTP1 : group->protocol_version());
    }
  }
  if (check->path().empty()) check->set_path("/");
  DefaultSeconds(kIntervalDefault, check->has_interval(), check->mutable_interval());
  DefaultSeconds(kTimeoutDefault, check->has_timeout(), check->mutable_timeout());
  if (check->healthy_threshold() == 0) check->set_healthy_threshold(kHealthyDefault);
  if (check->unhealthy_threshold() == 0) check->set_unhealthy_threshold(kUnhealthyDefault);
  if (check->matcher().empty()) check->set_matcher("200");
}

}  // namespace

absl::Status ValidateTargetGroup(const v1::TargetGroup& group) {
  RETURN_IF_ERROR(
      CheckDisplayName("target_group.display_name", group.display_name(), 3, 128, "tg-"));
  RETURN_IF_ERROR(CheckAccount("target_group.account", group.account()));
  if (group.type() == v1::TARGET_GROUP_TYPE_UNSPECIFIED ||
      !v1::TargetGroupType_IsValid(group.type())) {
    return MissingField("target_group.type", "INSTANCE, IP, LAMBDA or ALB");
  }
  if (group.type() != v1::IP && group.ip_address_type() != v1::IP_ADDRESS_TYPE_UNSPECIFIED) {
    return FieldNotAllowed("target_group.ip_address_type", "only type IP has address families");
  }
  if (!v1::IpAddressType_IsValid(group.ip_address_type())) {
    return MissingField("target_group.ip_address_type", "IPV4 or IPV6");
  }
  if (IsLambda(group)) {
    RETURN_IF_ERROR(CheckLambdaHasNothing(group));
  } else {
    RETURN_IF_ERROR(CheckProtocol(group));
    RETURN_IF_ERROR(CheckRange("target_group.port", group.port(), 1, kMaxPort));
    RETURN_IF_ERROR(CheckReference("target_group.vpc", group.vpc(), Kind::kVpc));
  }
  return group.has_health_check() ? CheckHealthCheck(group) : absl::OkStatus();
}

namespace {

// Whoever may register a target makes every agent that calls the service connect to it: not to
// where no target can be, nor to what a host has for itself alone (docs/decisions/0013).
absl::Status CheckMayBeTarget(absl::string_view field, const std::string& text) {
  constexpr absl::string_view kIpv6Metadata = "fd00:ec2::254";
  constexpr absl::string_view kGive = "the address of one host, such as 10.1.0.11";
  const auto address = net::Endpoint::FromAddress(text, 0);
  if (!address.ok()) return absl::OkStatus();  // Of an instance or ARN.
  if (const absl::string_view what = address->Unroutable(); !what.empty()) {
    return BadField(field, text, absl::StrCat("is ", what, ", which no target can be"), kGive);
  }
  if (address->AddressString() == kIpv6Metadata) {
    return BadField(field, text, "is where a host asks for its own metadata", kGive);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateTarget(const v1::Target& target) {
  const std::string& id = target.id();
  const bool printable =
      std::all_of(id.begin(), id.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (id.empty() || id.size() > kMaxTargetIdBytes || !printable) {
    return BadField("target.id", id, "is no target",
                    absl::StrCat("an IP address, instance id or ARN of 1 to ", kMaxTargetIdBytes,
                                 " characters"));
  }
  RETURN_IF_ERROR(CheckRange("target.port", target.port(), 0, kMaxPort));
  if (!target.address().empty() && !net::Endpoint::FromAddress(target.address(), 0).ok()) {
    return BadField("target.address", target.address(), "is no IP address",
                    "the address the instance answers on");
  }
  RETURN_IF_ERROR(CheckMayBeTarget("target.id", id));
  return CheckMayBeTarget("target.address", target.address());
}

void ApplyDefaultsTargetGroup(v1::TargetGroup* group) {
  if (IsLambda(*group)) return;
  if (group->protocol() == v1::TARGET_GROUP_PROTOCOL_UNSPECIFIED) {
    group->set_protocol(v1::TARGET_HTTP);
  }
  const bool is_tcp = group->protocol() == v1::TARGET_TCP;
  if (group->port() == 0 && !is_tcp) {
    group->set_port(group->protocol() == v1::TARGET_HTTPS ? 443 : 80);
  }
  if (group->protocol_version() == v1::PROTOCOL_VERSION_UNSPECIFIED && !is_tcp) {
    group->set_protocol_version(v1::HTTP1);
  }
  if (group->type() == v1::IP && group->ip_address_type() == v1::IP_ADDRESS_TYPE_UNSPECIFIED) {
    group->set_ip_address_type(v1::IPV4);
  }
  if (CanBeChecked(*group)) ApplyDefaultsHealthCheck(group);
}

void ApplyDefaultsTarget(v1::Target* target) {
  const auto canonical = [](const std::string& text) {
    const auto address = net::Endpoint::FromAddress(text, 0);
    return address.ok() ? address->AddressString() : text;
  };
  target->set_id(canonical(target->id()));
  target->set_address(canonical(target->address()));
}

}  // namespace trellis::resource
