// Founding a mesh: its root, its first agent, and the first records of its catalog.
#ifndef TRELLIS_NODE_AGENT_FOUNDING_H_
#define TRELLIS_NODE_AGENT_FOUNDING_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "node/agent/identity.h"
#include "node/agent/options.h"
#include "storage/catalog/catalog.h"

namespace trellis::agent {

// Makes the root key and the first agent's identity; writes nothing.
//   INVALID_ARGUMENT  an option that a founder must give is missing or malformed; named
absl::StatusOr<Identity> FoundMesh(const AgentOptions& options, absl::Time now);

// What a founder's catalog begins with: the mesh's account, the first VPC, the first agent. The
// first `run` commits them and ends the founding, so a crash leaves nothing half made and a catalog
// that is lost later is not founded again beside the mesh that others still hold.
std::vector<storage::Change> FoundingRecords(const Identity& identity);

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_FOUNDING_H_
