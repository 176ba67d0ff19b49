// Amazon resource names of our resources, and the host names of services.
//
// Spec: VPC Lattice reference 1.1; a VPC's is the one its own service gives:
// arn:aws:ec2:{region}:{account}:vpc/vpc-….
#ifndef TRELLIS_STORAGE_RESOURCE_ARN_H_
#define TRELLIS_STORAGE_RESOURCE_ARN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// All functions are pure.
namespace trellis::resource {

struct Arn {
  std::string region;   // 1-32 of [a-z0-9-].
  std::string account;  // 12 digits.
  std::string name;     // The resource's name: services/svc-…

  bool operator==(const Arn&) const = default;
};

// arn:aws:vpc-lattice:{region}:{account}:service/svc-… for the resource of that name. Empty for
// kinds that have none: accounts, targets, agents, join tokens.
std::string MakeArn(absl::string_view name, absl::string_view region, absl::string_view account);

// Accepts exactly what MakeArn gives. INVALID_ARGUMENT otherwise.
absl::StatusOr<Arn> ParseArn(absl::string_view text);

// {service}-{id without svc-}.{7 hex of the mesh}.vpc-lattice-svcs.{region}.{mesh domain}.
// `mesh_id` is the 16 bytes; `service_id` is "svc-…".
std::string GeneratedDomain(absl::string_view display_name, absl::string_view service_id,
                            absl::string_view mesh_id, absl::string_view region,
                            absl::string_view mesh_domain);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_ARN_H_
