// One target group of the catalog, compiled.
#ifndef TRELLIS_NODE_SNAPSHOT_COMPILE_TARGET_GROUP_H_
#define TRELLIS_NODE_SNAPSHOT_COMPILE_TARGET_GROUP_H_

#include <memory>
#include <string>
#include <vector>

#include "node/health/registry.h"
#include "node/snapshot/naming.h"
#include "node/snapshot/snapshot.h"
#include "storage/catalog/catalog.h"

namespace trellis {

// Null: there is no target group of that name. INSTANCE targets are reached at their address, IP
// targets at their id. Targets that cannot be reached (no address), or that their writer may not
// register (target_admission.h), are left out, and so are all
// targets of groups this agent cannot speak to yet (HTTPS, TCP, HTTP2, GRPC, LAMBDA, ALB): never
// wrongly, in plain HTTP/1.1. Each is told in `problems`, a line each. O(targets).
std::shared_ptr<const CompiledTargetGroup> CompileTargetGroup(const storage::Catalog& catalog,
                                                              const std::string& name,
                                                              const Naming& naming,
                                                              health::Registry& registry,
                                                              std::vector<std::string>* problems);

// The endpoints that group's targets would be compiled to: ascending, each once. O(targets).
std::vector<net::Endpoint> TargetEndpoints(const storage::Catalog& catalog,
                                           const std::string& name);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_COMPILE_TARGET_GROUP_H_
