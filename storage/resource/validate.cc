#include "storage/resource/validate.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/net/endpoint.h"
#include "base/status_macros.h"
#include "storage/resource/errors.h"
#include "storage/resource/field_checks.h"
#include "storage/resource/fields.h"

namespace trellis::resource {
namespace {

constexpr int kMaxCidrBlocks = 50;
constexpr size_t kMaxTextBytes = 255;  // Of texts for people and of host names.
constexpr size_t kMaxLabelBytes = 63;  // RFC 1035 section 2.3.4.
constexpr int64_t kIdleTimeoutMin = 60;
constexpr int64_t kIdleTimeoutMax = 600;

absl::Status CheckAuthType(absl::string_view field, v1::AuthType value) {
  if (v1::AuthType_IsValid(value)) return absl::OkStatus();
  return BadField(field, absl::StrCat(static_cast<int>(value)), "is no auth type",
                  "NONE or AWS_IAM");
}

absl::Status CheckCidr(absl::string_view field, absl::string_view value) {
  const std::vector<absl::string_view> parts = absl::StrSplit(value, '/');
  int bits = 0;
  if (parts.size() == 2 && absl::SimpleAtoi(parts[1], &bits)) {
    const auto address = net::Endpoint::FromAddress(parts[0], 0);
    if (address.ok() && bits >= 0 && bits <= (address->is_ipv6() ? 128 : 32)) {
      return absl::OkStatus();
    }
  }
  return BadField(field, value, "is no address range", "one such as 10.1.0.0/16 or fd00:1::/64");
}

absl::Status CheckDomain(absl::string_view field, absl::string_view value) {
  const std::vector<absl::string_view> labels = absl::StrSplit(value, '.');
  const bool well_formed =
      value.size() >= 3 && value.size() <= kMaxTextBytes && labels.size() >= 2 &&
      std::all_of(labels.begin(), labels.end(), [](absl::string_view label) {
        return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
               label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
                 return absl::ascii_isalnum(c) || c == '-';
               });
      });
  if (well_formed) return absl::OkStatus();
  return BadField(field, value, "is no domain name",
                  "3 to 255 characters such as cart.example.com");
}

absl::Status CheckRole(absl::string_view field, v1::AgentRole role) {
  if (role == v1::WORKER || role == v1::ADMIN) return absl::OkStatus();
  return MissingField(field, "WORKER or ADMIN");
}

// Calls `f` with the message inside `resource`; `otherwise` when its kind is unknown.
template <typename Result, typename F>
Result Dispatch(const v1::Resource& resource, F f, Result otherwise) {
  switch (resource.kind_case()) {
    case v1::Resource::kAccount:
      return f(resource.account(), ValidateAccount);
    case v1::Resource::kVpc:
      return f(resource.vpc(), ValidateVpc);
    case v1::Resource::kServiceNetwork:
      return f(resource.service_network(), ValidateServiceNetwork);
    case v1::Resource::kService:
      return f(resource.service(), ValidateService);
    case v1::Resource::kListener:
      return f(resource.listener(), ValidateListener);
    case v1::Resource::kRule:
      return f(resource.rule(), ValidateRule);
    case v1::Resource::kTargetGroup:
      return f(resource.target_group(), ValidateTargetGroup);
    case v1::Resource::kTarget:
      return f(resource.target(), ValidateTarget);
    case v1::Resource::kVpcAssociation:
      return f(resource.vpc_association(), ValidateVpcAssociation);
    case v1::Resource::kServiceAssociation:
      return f(resource.service_association(), ValidateServiceAssociation);
    case v1::Resource::kAgent:
      return f(resource.agent(), ValidateAgent);
    case v1::Resource::kJoinToken:
      return f(resource.join_token(), ValidateJoinToken);
    case v1::Resource::kSealingKey:
      return f(resource.sealing_key(), ValidateSealingKey);
    case v1::Resource::kSealingShare:
      return f(resource.sealing_share(), ValidateSealingShare);
    case v1::Resource::KIND_NOT_SET:
      break;
  }
  return otherwise;
}

}  // namespace

absl::Status Validate(const v1::Resource& resource) {
  const Kind kind = KindOf(resource);
  if (kind == Kind::kUnknown) return MissingField("resource", "one of the kinds of resource");
  // The fields first: a target's name is made of them.
  RETURN_IF_ERROR(Dispatch<absl::Status>(
      resource, [](const auto& message, const auto& validate) { return validate(message); },
      absl::OkStatus()));
  const std::string name = ResourceName(resource);
  if (KindOf(name) == kind) return absl::OkStatus();
  return BadField("name", name, absl::StrCat("is not the name of ", KindWithArticle(kind)),
                  absl::StrCat("one such as ", CollectionPrefix(kind), IdPrefix(kind), "…"));
}

void ApplyDefaults(v1::Resource* resource) {
  switch (resource->kind_case()) {
    case v1::Resource::kServiceNetwork:
      return ApplyDefaultsServiceNetwork(resource->mutable_service_network());
    case v1::Resource::kService:
      return ApplyDefaultsService(resource->mutable_service());
    case v1::Resource::kListener:
      return ApplyDefaultsListener(resource->mutable_listener());
    case v1::Resource::kRule:
      return ApplyDefaultsRule(resource->mutable_rule());
    case v1::Resource::kTargetGroup:
      return ApplyDefaultsTargetGroup(resource->mutable_target_group());
    case v1::Resource::kTarget:
      return ApplyDefaultsTarget(resource->mutable_target());
    default:
      return;  // The others have no optional field with a meaning of its own.
  }
}

absl::Status ValidateAccount(const v1::Account& account) {
  if (account.display_name().size() > kMaxTextBytes) {
    return BadField("account.display_name", account.display_name(), "is too long",
                    absl::StrCat("at most ", kMaxTextBytes, " characters"));
  }
  return absl::OkStatus();
}

absl::Status ValidateVpc(const v1::Vpc& vpc) {
  RETURN_IF_ERROR(CheckDisplayName("vpc.display_name", vpc.display_name(), 1, 63, "vpc-"));
  RETURN_IF_ERROR(CheckAccount("vpc.account", vpc.account()));
  if (vpc.cidr_blocks_size() > kMaxCidrBlocks) {
    return OutOfRange("vpc.cidr_blocks", vpc.cidr_blocks_size(), 0, kMaxCidrBlocks, " ranges");
  }
  for (const std::string& cidr : vpc.cidr_blocks()) {
    RETURN_IF_ERROR(CheckCidr("vpc.cidr_blocks", cidr));
  }
  return absl::OkStatus();
}

absl::Status ValidateServiceNetwork(const v1::ServiceNetwork& network) {
  RETURN_IF_ERROR(
      CheckDisplayName("service_network.display_name", network.display_name(), 3, 63, ""));
  RETURN_IF_ERROR(CheckAccount("service_network.account", network.account()));
  return CheckAuthType("service_network.auth_type", network.auth_type());
}

absl::Status ValidateService(const v1::Service& service) {
  RETURN_IF_ERROR(CheckDisplayName("service.display_name", service.display_name(), 3, 40, "svc-"));
  RETURN_IF_ERROR(CheckAccount("service.account", service.account()));
  if (!service.custom_domain().empty()) {
    RETURN_IF_ERROR(CheckDomain("service.custom_domain", service.custom_domain()));
  }
  RETURN_IF_ERROR(CheckAuthType("service.auth_type", service.auth_type()));
  if (!service.has_idle_timeout()) return absl::OkStatus();
  return CheckSeconds("service.idle_timeout", service.idle_timeout(), kIdleTimeoutMin,
                      kIdleTimeoutMax);
}

absl::Status ValidateVpcAssociation(const v1::VpcAssociation& association) {
  RETURN_IF_ERROR(CheckAccount("vpc_association.account", association.account()));
  RETURN_IF_ERROR(CheckReference("vpc_association.service_network", association.service_network(),
                                 Kind::kServiceNetwork));
  return CheckReference("vpc_association.vpc", association.vpc(), Kind::kVpc);
}

absl::Status ValidateServiceAssociation(const v1::ServiceAssociation& association) {
  RETURN_IF_ERROR(CheckAccount("service_association.account", association.account()));
  RETURN_IF_ERROR(CheckReference("service_association.service_network",
                                 association.service_network(), Kind::kServiceNetwork));
  return CheckReference("service_association.service", association.service(), Kind::kService);
}

absl::Status ValidateAgent(const v1::Agent& agent) {
  RETURN_IF_ERROR(CheckRole("agent.role", agent.role()));
  RETURN_IF_ERROR(CheckReference("agent.vpc", agent.vpc(), Kind::kVpc));
  if (agent.display_name().size() > kMaxAgentDisplayNameBytes) {
    return BadField("agent.display_name", agent.display_name(), "is too long",
                    absl::StrCat("at most ", kMaxAgentDisplayNameBytes, " characters"));
  }
  if (!agent.sealing_key().empty() && agent.sealing_key().size() != kSealingKeyBytes) {
    return BadField("agent.sealing_key", absl::StrCat(agent.sealing_key().size(), " bytes"),
                    "is no key", "an X25519 public key of 32 bytes, or none");
  }
  // A host name or an address, and a port; who dials it resolves it.
  const std::string& address = agent.mesh_address();
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 || colon > kMaxTextBytes ||
      !absl::SimpleAtoi(absl::string_view(address).substr(colon + 1), &port) || port < 1 ||
      port > kMaxPort) {
    return BadField("agent.mesh_address", address, "is no host and port",
                    "one that all agents reach, such as 192.0.2.10:7950");
  }
  return absl::OkStatus();
}

absl::Status ValidateJoinToken(const v1::JoinToken& token) {
  RETURN_IF_ERROR(CheckRole("join_token.role", token.role()));
  if (!token.has_expire_time()) return MissingField("join_token.expire_time", "a time to come");
  return CheckReference("join_token.vpc", token.vpc(), Kind::kVpc);
}

void ApplyDefaultsServiceNetwork(v1::ServiceNetwork* network) {
  if (network->auth_type() == v1::AUTH_TYPE_UNSPECIFIED) network->set_auth_type(v1::NONE);
}

void ApplyDefaultsService(v1::Service* service) {
  if (service->auth_type() == v1::AUTH_TYPE_UNSPECIFIED) service->set_auth_type(v1::NONE);
  if (!service->has_idle_timeout()) service->mutable_idle_timeout()->set_seconds(kIdleTimeoutMin);
  // Host names compare without case: one spelling, so that a clash is seen.
  service->set_custom_domain(absl::AsciiStrToLower(service->custom_domain()));
}

}  // namespace trellis::resource
