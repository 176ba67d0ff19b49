// Who answers at which host, and on which ports anybody does, kept as services come, change and go.
//
// A generated host is its service's own. A custom one is served by who holds the claim on it
// (storage/catalog/claims.h), unless it is another's generated one.
#ifndef TRELLIS_NODE_SNAPSHOT_HOST_ASSIGNMENT_H_
#define TRELLIS_NODE_SNAPSHOT_HOST_ASSIGNMENT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "node/snapshot/compile_service.h"
#include "node/snapshot/host_table.h"
#include "node/snapshot/problems.h"
#include "storage/catalog/version.h"

namespace trellis {

// Thread-safety: none.
class HostAssignment {
 public:
  // Replaces the service of that name. Null `parts.service`: it is gone.
  void Set(const std::string& name, ServiceParts parts);

  // Assigns the hosts of services that were set, and those that more than one wants, for whose
  // claims `settled` may have changed. Tells who is not served where it wants to be.
  // O(services set and hosts contested).
  void Decide(const storage::VersionVector& settled, Problems* problems);

  // As last decided.
  HostTable ShareTable() { return table_.Share(); }
  std::vector<uint16_t> Ports() const;  // Ascending.
  // Whether any listener is HTTPS.
  bool HasTls() const { return tls_listeners_ > 0; }

 private:
  void Want(const std::string& host, const std::string& name);
  void Unwant(const std::string& host, const std::string& name);
  void DecideHost(const std::string& host, const storage::VersionVector& settled,
                  Problems* problems);
  // Of those that want it.
  const std::string& HolderOf(const std::string& host, const std::set<std::string>& names,
                              const storage::VersionVector& settled) const;

  absl::btree_map<std::string, ServiceParts> services_;
  absl::flat_hash_map<std::string, std::set<std::string>> wanted_;  // Names of services by host.
  std::set<std::string> contested_;                                 // Hosts that several want.
  std::set<std::string> changed_;                                   // Hosts, since Decide.
  std::map<uint16_t, int> ports_;                                   // Listeners on each.
  size_t tls_listeners_ = 0;
  HostTable table_;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_HOST_ASSIGNMENT_H_
