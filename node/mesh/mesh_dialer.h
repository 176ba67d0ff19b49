// Opens gRPC channels to other agents' mesh ports: the client's end of mesh_server.h.
//
//   ASSIGN_OR_RETURN(auto dialer, MeshDialer::ForMember(credentials));
//   ASSIGN_OR_RETURN(MeshConnection connection, dialer->DialAndWait("agent-1:7950", std::nullopt));
//   auto stub = v1::MeshAdmin::NewStub(connection.channel);
#ifndef TRELLIS_NODE_MESH_MESH_DIALER_H_
#define TRELLIS_NODE_MESH_MESH_DIALER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth/trust/identity.h"
#include "node/tls/tls_context.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace trellis::mesh {

// One TLS connection: when it breaks the channel is dead, and is dialled anew.
struct MeshConnection {
  std::shared_ptr<grpc::Channel> channel;
  trust::PeerIdentity peer;
};

struct MeshDialerOptions {
  tls::Now now = [] { return absl::Now(); };
  // For all of it: name, connection, handshake, the server's first words.
  absl::Duration timeout = absl::Seconds(5);
  size_t max_connections = 4096;
};

// Whether a dial failed because that very agent, which proved to be who was dialled, refuses this
// certificate: we were evicted, or our certificate does not allow this. Anybody on the way can make
// a dial fail otherwise, and nobody like this.
bool IsTurnedAway(const absl::Status& status);

// Owns a thread that pumps its connections, which end with it.
//
// Thread-safety: any thread.
class MeshDialer {
 public:
  using Options = MeshDialerOptions;

  // For agents and operators.
  //   INVALID_ARGUMENT, FAILED_PRECONDITION   the credentials cannot be used
  //   RESOURCE_EXHAUSTED                      no more descriptors
  static absl::StatusOr<std::unique_ptr<MeshDialer>> ForMember(const tls::Credentials& credentials,
                                                               Options options = Options());
  // For a host that joins with a token: any agent under the root of that SHA-256.
  static absl::StatusOr<std::unique_ptr<MeshDialer>> ForEnrollment(const std::string& root_sha256,
                                                                   Options options = Options());

  // Dials still under way are answered with CANCELLED first.
  virtual ~MeshDialer() = default;

  // `address` is host:port. When `node` is given, only that agent will do. Calls `done` on the
  // dialer's thread.
  //   INVALID_ARGUMENT     not host:port, or not TLS 1.3 at the other end
  //   UNAVAILABLE          no address, refused (net::IsRefused tells), or broken on the way
  //   DEADLINE_EXCEEDED    the timeout passed
  //   UNAUTHENTICATED, FAILED_PRECONDITION, PERMISSION_DENIED   one of the certificates does not
  //                        satisfy the other side; the message says which and why, IsTurnedAway
  //                        whether the other side said so
  using Done = absl::AnyInvocable<void(absl::StatusOr<MeshConnection>)>;
  virtual void Dial(const std::string& address, std::optional<uint64_t> node, Done done) = 0;

  // Not on the dialer's thread.
  virtual absl::StatusOr<MeshConnection> DialAndWait(const std::string& address,
                                                     std::optional<uint64_t> node) = 0;
  // Members only: to where Renewal is served, whose other end takes a certificate that ended a few
  // days ago (tls::kAlpnRenew). Not on the dialer's thread.
  virtual absl::StatusOr<MeshConnection> DialToRenewAndWait(const std::string& address,
                                                            uint64_t node) = 0;

  // Members only. Shows these in handshakes from now on, our own after its renewal: the same root.
  // INVALID_ARGUMENT, FAILED_PRECONDITION: as ForMember; nothing changed.
  virtual absl::Status Use(const tls::Credentials& credentials) = 0;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_MESH_DIALER_H_
