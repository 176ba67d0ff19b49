// The mesh port: one TCP port on which agents, operators and joining hosts reach gRPC services.
//
// Each connection does its TLS handshake here, on the port's own thread; then one end of a
// socketpair goes to the gRPC server for its kind of peer, and a tunnel carries the bytes. Handlers
// ask IdentityOf (descriptors.h) who called.
//
//   kind of peer                         protocol (ALPN)     services
//   agent's certificate                  h2                  agent_services
//   the same, or ended a few days ago    trellis-renew/1     renewal_services
//   operator's certificate               h2                  operator_services
//   none: a host with a join token       trellis-enroll/1    enrollment_services
//
// Decision: docs/decisions/0002-one-tls-stack.md.
#ifndef TRELLIS_NODE_MESH_MESH_SERVER_H_
#define TRELLIS_NODE_MESH_MESH_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth/trust/identity.h"
#include "base/net/endpoint.h"
#include "node/tls/tls_context.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace trellis::mesh {

// Thread-safety: any thread.
class MeshServer {
 public:
  struct Options {
    net::Endpoint listen;
    tls::Credentials credentials;
    tls::Now now = [] { return absl::Now(); };
    // Borrowed: they outlive the server. A kind of peer without services is refused.
    std::vector<grpc::Service*> agent_services;
    std::vector<grpc::Service*> renewal_services;
    std::vector<grpc::Service*> operator_services;
    std::vector<grpc::Service*> enrollment_services;
    // Past these, new connections are closed at once: a port under attack stays cheap.
    size_t max_connections = 4096;
    size_t max_handshakes = 256;
    absl::Duration handshake_timeout = absl::Seconds(5);
  };

  // Listens and serves when it returns.
  //   INVALID_ARGUMENT, FAILED_PRECONDITION   the credentials cannot be used
  //   ALREADY_EXISTS, PERMISSION_DENIED, NOT_FOUND, RESOURCE_EXHAUSTED   as net::Listen
  static absl::StatusOr<std::unique_ptr<MeshServer>> Start(Options options);

  // As Shutdown.
  virtual ~MeshServer() = default;

  // Where it listens: the port the kernel chose, if 0 was asked for.
  virtual net::Endpoint local_endpoint() const = 0;

  // From now on connections of such peers are refused, and theirs that are open are ended. The
  // predicate is called on the port's thread.
  virtual void SetRefused(std::function<bool(const trust::PeerIdentity&)> refused) = 0;

  // Shows these in handshakes from now on, the agent's own after its renewal: the same root.
  // Connections that are open live on. INVALID_ARGUMENT, FAILED_PRECONDITION: as Start; nothing
  // changed.
  virtual absl::Status Use(const tls::Credentials& credentials) = 0;

  // Ends all connections and waits until no handler of the services runs. A handler may wait for
  // the control thread, so this is not for that thread to call. Once is enough; again does nothing.
  virtual void Shutdown() = 0;

  virtual size_t connections() const = 0;  // Established ones.
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_MESH_SERVER_H_
