// Where a target of the catalog is reached.
#ifndef TRELLIS_NODE_SNAPSHOT_TARGET_ENDPOINT_H_
#define TRELLIS_NODE_SNAPSHOT_TARGET_ENDPOINT_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "proto/trellis/v1/target_group.pb.h"
#include "storage/catalog/catalog.h"

namespace trellis {

// INSTANCE targets at their address, others at their id; the port is the target's, else the
// group's, else 80. INVALID_ARGUMENT: not an IP address (functions and load balancers have none),
// or a port out of range.
absl::StatusOr<net::Endpoint> EndpointOf(const v1::TargetGroup& group, const v1::Target& target);

// For who has only the name of a target, to ask health::Checker::Get with.
struct LocatedTarget {
  std::string target_group;  // targetGroups/{tg-…}
  net::Endpoint endpoint;
};
// None: no such target, or it has no endpoint.
std::optional<LocatedTarget> LocateTarget(const storage::Catalog& catalog,
                                          absl::string_view target_name);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_TARGET_ENDPOINT_H_
