// Fields of one resource: whether they can stand, and what absent ones mean. References between
// resources are references.h.
//
// Spec: VPC Lattice reference 1.2 and 1.3 (names and fields), 3.1 to 3.3 (listeners, actions,
// rules), 4.1 (target groups), 4.4 (health checks). Every refusal is INVALID_ARGUMENT and names the
// field, its value and what would be accepted: "rule.priority: 0 is out of range; give 1 to 100".
//
// Defaults go in first; validation then looks at what will be stored.
#ifndef TRELLIS_STORAGE_RESOURCE_VALIDATE_H_
#define TRELLIS_STORAGE_RESOURCE_VALIDATE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/v1/resource.pb.h"

// All functions are pure; ApplyDefaults… change their argument only, and twice is as once.
namespace trellis::resource {

// The group of secrets for admin agents alone; others are named by their VPC.
inline constexpr absl::string_view kAdminsGroup = "admins";
inline constexpr int kMaxPreviousKeys = 16;
inline constexpr size_t kSealingKeyBytes = 32;  // X25519, public.

// By the kind inside; also that its name is of that kind. INVALID_ARGUMENT for no kind.
absl::Status Validate(const v1::Resource& resource);
void ApplyDefaults(v1::Resource* resource);

absl::Status ValidateAccount(const v1::Account& account);
absl::Status ValidateVpc(const v1::Vpc& vpc);
absl::Status ValidateServiceNetwork(const v1::ServiceNetwork& network);
absl::Status ValidateService(const v1::Service& service);
// All three protocols of the reference pass: which of them a release serves is its API's word.
absl::Status ValidateListener(const v1::Listener& listener);
absl::Status ValidateRule(const v1::Rule& rule);
absl::Status ValidateTargetGroup(const v1::TargetGroup& group);
absl::Status ValidateTarget(const v1::Target& target);
absl::Status ValidateVpcAssociation(const v1::VpcAssociation& association);
absl::Status ValidateServiceAssociation(const v1::ServiceAssociation& association);
absl::Status ValidateAgent(const v1::Agent& agent);
absl::Status ValidateJoinToken(const v1::JoinToken& token);
// The shape of it; whether it opens is its readers' to find out.
absl::Status ValidateSealingKey(const v1::SealingKey& key);
absl::Status ValidateSealingShare(const v1::SealingShare& share);

void ApplyDefaultsServiceNetwork(v1::ServiceNetwork* network);
void ApplyDefaultsService(v1::Service* service);
void ApplyDefaultsListener(v1::Listener* listener);
void ApplyDefaultsRule(v1::Rule* rule);
void ApplyDefaultsTargetGroup(v1::TargetGroup* group);
// IP addresses get their one spelling. The port's default is the group's: the caller sets it.
void ApplyDefaultsTarget(v1::Target* target);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_VALIDATE_H_
