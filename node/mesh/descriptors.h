// Descriptors as names of connections: gRPC knows a connection it was given only as `fd:N`.
//
// The kernel reuses numbers at once, so a call of a dead connection could be taken for one of the
// next. Two things keep that from happening: numbers are taken in rotation from a range of their
// own, and gRPC holds the descriptor open until the last call of its connection is gone, so the
// number cannot come back while one lives (mesh_server_test shows it).
//
// Descriptor numbers belong to the process, and so does this table.
#ifndef TRELLIS_NODE_MESH_DESCRIPTORS_H_
#define TRELLIS_NODE_MESH_DESCRIPTORS_H_

#include <optional>

#include "absl/status/statusor.h"
#include "auth/trust/identity.h"
#include "node/net/fd.h"

namespace grpc {
class ServerContextBase;
}  // namespace grpc

namespace trellis::mesh {

// Moves `fd` to the next number of the rotation and notes whose connection it is (none: a host that
// enrols). The answer is for gRPC to close. RESOURCE_EXHAUSTED. Any thread.
absl::StatusOr<int> NameConnection(net::Fd fd, std::optional<trust::PeerIdentity> peer);

// Who made a call on the mesh port, as its certificate says. For handlers.
//   UNAUTHENTICATED  the call came another way (admin socket), or from a host without certificate
// Any thread.
absl::StatusOr<trust::PeerIdentity> IdentityOf(const grpc::ServerContextBase& context);

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_DESCRIPTORS_H_
