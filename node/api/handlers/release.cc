#include "node/api/handlers/release.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace trellis::api {
namespace {

absl::Status NotServed(absl::string_view field, absl::string_view value, absl::string_view use) {
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is not served by this release; use ", use));
}

absl::Status CheckAuthType(absl::string_view field, v1::AuthType type) {
  return type == v1::AWS_IAM ? NotServed(field, "AWS_IAM", "NONE") : absl::OkStatus();
}

absl::Status CheckListener(const v1::Listener& listener) {
  if (listener.protocol() != v1::LISTENER_TLS_PASSTHROUGH) return absl::OkStatus();
  return NotServed("listener.protocol", "TLS_PASSTHROUGH", "HTTP or HTTPS");
}

absl::Status CheckProtocol(absl::string_view field, v1::TargetGroupProtocol protocol) {
  switch (protocol) {
    case v1::TARGET_HTTPS:
      return NotServed(field, "HTTPS", "HTTP");
    case v1::TARGET_TCP:
      return NotServed(field, "TCP", "HTTP");
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckVersion(absl::string_view field, v1::ProtocolVersion version) {
  switch (version) {
    case v1::HTTP2:
      return NotServed(field, "HTTP2", "HTTP1");
    case v1::GRPC:
      return NotServed(field, "GRPC", "HTTP1");
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckTargetGroup(const v1::TargetGroup& group) {
  if (group.type() == v1::LAMBDA) return NotServed("target_group.type", "LAMBDA", "IP or INSTANCE");
  if (group.type() == v1::ALB) return NotServed("target_group.type", "ALB", "IP or INSTANCE");
  RETURN_IF_ERROR(CheckProtocol("target_group.protocol", group.protocol()));
  const v1::HealthCheck& check = group.health_check();
  if (!check.enabled()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckProtocol("target_group.health_check.protocol", check.protocol()));
  return CheckVersion("target_group.health_check.protocol_version", check.protocol_version());
}

}  // namespace

absl::Status CheckServedByRelease(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kServiceNetwork:
      return CheckAuthType("service_network.auth_type", resource.service_network().auth_type());
    case v1::Resource::kService:
      return CheckAuthType("service.auth_type", resource.service().auth_type());
    case v1::Resource::kListener:
      return CheckListener(resource.listener());
    case v1::Resource::kTargetGroup:
      return CheckTargetGroup(resource.target_group());
    default:
      return absl::OkStatus();
  }
}

}  // namespace trellis::api
