// Joining a mesh with a token: this host's key, a certificate for it, and whom to gossip with.
#ifndef TRELLIS_NODE_AGENT_JOIN_H_
#define TRELLIS_NODE_AGENT_JOIN_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "node/agent/identity.h"
#include "node/agent/options.h"

namespace trellis::agent {

// Blocks while it talks to the agents the token names. The keys made here never leave this host.
// Writes nothing.
//   INVALID_ARGUMENT  the token, mesh_address or an address is malformed or missing
//   others            as mesh::Join
absl::StatusOr<Identity> JoinMesh(const AgentOptions& options, absl::string_view token,
                                  absl::Time now);

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_JOIN_H_
