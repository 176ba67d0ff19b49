// One service of the catalog, with its listeners and rules, compiled.
#ifndef TRELLIS_NODE_SNAPSHOT_COMPILE_SERVICE_H_
#define TRELLIS_NODE_SNAPSHOT_COMPILE_SERVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "node/snapshot/naming.h"
#include "node/snapshot/snapshot.h"
#include "node/snapshot/visibility.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/claims.h"

namespace trellis {

struct ServiceParts {
  std::shared_ptr<const CompiledService> service;  // Null: there is no service of that name.
  // Host names, lower-case; empty: none. The generated one is this service's alone.
  std::string generated_host;
  std::string custom_host;
  std::vector<storage::Claim> claims;  // On the custom one: usually one.
};

// The compiled group of a name, or null: it does not exist.
using TargetGroupLookup =
    absl::FunctionRef<std::shared_ptr<const CompiledTargetGroup>(const std::string& name)>;

// Takes whatever a peer wrote. What cannot be served is left out (listeners other than HTTP, the
// later of two listeners on one port) or answers 503 as a missing target group does (an action that
// cannot be read); each is told in `problems`, a line each. O(listeners and rules of the service).
ServiceParts CompileService(const storage::Catalog& catalog, const std::string& name,
                            const Naming& naming, const Membership& membership,
                            TargetGroupLookup find_target_group,
                            std::vector<std::string>* problems);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_COMPILE_SERVICE_H_
