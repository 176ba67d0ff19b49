// Which services the workloads of one VPC may call, and through which network.
//
// Spec: VPC Lattice reference 1.8: a VPC is associated with at most one service network, and sees
// the services associated with that.
#ifndef TRELLIS_NODE_SNAPSHOT_VISIBILITY_H_
#define TRELLIS_NODE_SNAPSHOT_VISIBILITY_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "node/snapshot/naming.h"
#include "storage/catalog/catalog.h"

namespace trellis {

// The network through which a service is seen.
struct Membership {
  std::string service_network;  // serviceNetworks/{sn-…}
  std::string service_network_arn;
  // Of the associations of the service with it: usually one.
  std::vector<storage::Birth> associations;

  bool operator==(const Membership&) const = default;
};

// By name of the service; services that do not exist may be among them. An association with a
// network that does not exist connects nothing. Of several networks (a partition let them in) the
// first claim counts; the others are told in `problems`, a line each. O(associations).
absl::btree_map<std::string, Membership> VisibleServices(const storage::Catalog& catalog,
                                                         absl::string_view vpc,
                                                         const Naming& naming,
                                                         std::vector<std::string>* problems);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_VISIBILITY_H_
