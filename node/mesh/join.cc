#include "node/mesh/join.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "auth/trust/certificate.h"
#include "base/status_macros.h"
#include "node/mesh/mesh_dialer.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::mesh {
namespace {

absl::StatusOr<peer::v1::EnrollResponse> EnrollAt(MeshDialer& dialer, const std::string& address,
                                                  const peer::v1::EnrollRequest& request,
                                                  absl::Duration timeout) {
  ASSIGN_OR_RETURN(const MeshConnection connection, dialer.DialAndWait(address, std::nullopt));
  const auto stub = peer::v1::Enrollment::NewStub(connection.channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  peer::v1::EnrollResponse response;
  const grpc::Status status = stub->Enroll(&context, request, &response);
  if (status.ok()) return response;
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      absl::StrCat(address, ": ", status.error_message()));
}

// The agent that answered is the mesh's; what it sent may still be broken.
absl::Status Check(const peer::v1::EnrollResponse& response, const trust::JoinToken& token,
                   const trust::KeyPair& key, const JoinRequest& request, absl::Time now) {
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(response.root_pem()));
  if (root.sha256() != token.root_sha256 || root.mesh_id() != token.mesh_id ||
      response.mesh_id() != token.mesh_id) {
    return absl::UnauthenticatedError("the answer is of another mesh than the token");
  }
  ASSIGN_OR_RETURN(const std::string der, trust::CertificateDerFromPem(response.certificate_pem()));
  ASSIGN_OR_RETURN(const trust::PeerIdentity identity, trust::VerifyChain(der, root, now));
  ASSIGN_OR_RETURN(const std::string certified, trust::CertificatePublicKey(der));
  if (identity.kind != trust::PeerKind::kAgent || identity.node != request.node ||
      identity.signing_key != request.signing_key || identity.addresses != request.addresses ||
      certified != key.public_der()) {
    return absl::InternalError("the certificate in the answer is not ours");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<peer::v1::EnrollResponse> Join(const trust::JoinToken& token,
                                              const trust::KeyPair& key, const JoinRequest& request,
                                              const tls::Now& now) {
  if (now() >= token.expire_time) {
    return absl::FailedPreconditionError(
        "join token: expired; make a new one with `trellisctl token create`");
  }
  MeshDialerOptions options;
  options.now = now;
  options.timeout = request.timeout;
  ASSIGN_OR_RETURN(const auto dialer, MeshDialer::ForEnrollment(token.root_sha256, options));
  peer::v1::EnrollRequest enroll;
  enroll.set_token_id(token.id);
  enroll.set_token_secret(token.secret);
  enroll.set_public_key_der(key.public_der());
  enroll.set_node(request.node);
  enroll.set_display_name(request.display_name);
  enroll.set_mesh_address(request.mesh_address);
  enroll.set_vpc(request.vpc);
  enroll.set_signing_key(request.signing_key);
  for (const std::string& address : request.addresses) enroll.add_addresses(address);

  absl::Status failure;
  for (const std::string& address : token.mesh_addresses) {
    const auto response = EnrollAt(*dialer, address, enroll, request.timeout);
    if (response.ok()) {
      RETURN_IF_ERROR(Check(*response, token, key, request, now()));
      return *response;
    }
    failure = failure.ok()
                  ? response.status()
                  : absl::Status(failure.code(), absl::StrCat(failure.message(), "; ",
                                                              response.status().message()));
  }
  return failure;
}

}  // namespace trellis::mesh
