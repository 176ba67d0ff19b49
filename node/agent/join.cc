#include "node/agent/join.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/join_token.h"
#include "auth/trust/key_pair.h"
#include "base/runtime/random.h"
#include "base/status_macros.h"
#include "node/mesh/mesh_dialer.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::agent {
namespace {

constexpr std::chrono::seconds kEnrollTimeout(15);

absl::Status CheckJoinerOptions(const AgentOptions& options, const trust::JoinToken& token,
                                absl::Time now) {
  if (options.mesh_address.empty()) {
    return absl::InvalidArgumentError(
        "mesh_address: missing; give the host:port at which other agents reach this one, such as "
        "192.0.2.20:7950");
  }
  if (token.expire_time <= now) {
    return absl::PermissionDeniedError(
        absl::StrCat("token: expired at ", absl::FormatTime(token.expire_time),
                     "; make another with `trellisctl token create`"));
  }
  return absl::OkStatus();
}

absl::StatusOr<peer::v1::EnrollResponse> EnrollAt(const std::string& address,
                                                  mesh::MeshDialer& dialer,
                                                  const peer::v1::EnrollRequest& request) {
  ASSIGN_OR_RETURN(const mesh::MeshConnection connection,
                   dialer.DialAndWait(address, std::nullopt));
  auto stub = peer::v1::Enrollment::NewStub(connection.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kEnrollTimeout);
  peer::v1::EnrollResponse response;
  const grpc::Status status = stub->Enroll(&context, request, &response);
  if (!status.ok()) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
  return response;
}

// What was received is checked before it is trusted: the root is the one the token pins, and the
// certificate is that root's, for this host's key.
absl::StatusOr<trust::PeerIdentity> CheckResponse(const peer::v1::EnrollResponse& response,
                                                  const trust::JoinToken& token,
                                                  const trust::KeyPair& keys, absl::Time now) {
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(response.root_pem()));
  if (root.sha256() != token.root_sha256 || root.mesh_id() != token.mesh_id) {
    return absl::PermissionDeniedError("the agent answered with a root the token does not pin");
  }
  ASSIGN_OR_RETURN(const std::string der, trust::CertificateDerFromPem(response.certificate_pem()));
  ASSIGN_OR_RETURN(const std::string public_key, trust::CertificatePublicKey(der));
  if (public_key != keys.public_der()) {
    return absl::PermissionDeniedError("the agent answered with a certificate for another key");
  }
  return trust::VerifyChain(der, root, now);
}

Identity MakeIdentity(const AgentOptions& options, const trust::PeerIdentity& self,
                      const trust::KeyPair& keys, const peer::v1::EnrollResponse& response) {
  Identity identity;
  identity.local.set_mesh_id(absl::BytesToHexString(self.mesh_id));
  identity.local.set_node(trust::NodeHex(self.node));
  identity.local.set_display_name(options.display_name);
  identity.local.set_vpc(self.vpc);
  identity.local.set_account(response.account());
  identity.local.set_region(response.region());
  identity.local.set_mesh_domain(response.mesh_domain());
  identity.local.set_mesh_address(options.mesh_address);
  for (const peer::v1::EnrollResponse::Member& member : response.members()) {
    storage::v1::LocalIdentity::Seed& seed = *identity.local.add_seeds();
    seed.set_node(trust::NodeHex(member.node()));
    seed.set_address(member.mesh_address());
  }
  identity.certificate_pem = response.certificate_pem();
  identity.key_pem = keys.private_pem();
  identity.root_pem = response.root_pem();
  return identity;
}

}  // namespace

absl::StatusOr<Identity> JoinMesh(const AgentOptions& options, absl::string_view token_text,
                                  absl::Time now) {
  ASSIGN_OR_RETURN(const trust::JoinToken token, trust::JoinToken::Parse(token_text));
  RETURN_IF_ERROR(CheckJoinerOptions(options, token, now));
  const trust::KeyPair keys = trust::KeyPair::Generate();
  SeededRandom random = RandomFromSystem();
  peer::v1::EnrollRequest request;
  request.set_token_id(token.id);
  request.set_token_secret(token.secret);
  request.set_public_key_der(keys.public_der());
  request.set_node(random.Next64() | 1);  // Never 0, which means none.
  request.set_display_name(options.display_name);
  request.set_mesh_address(options.mesh_address);

  ASSIGN_OR_RETURN(const std::unique_ptr<mesh::MeshDialer> dialer,
                   mesh::MeshDialer::ForEnrollment(token.root_sha256));
  std::vector<std::string> refusals;
  for (const std::string& address : token.mesh_addresses) {
    const absl::StatusOr<peer::v1::EnrollResponse> response = EnrollAt(address, *dialer, request);
    if (response.ok()) {
      ASSIGN_OR_RETURN(const trust::PeerIdentity self, CheckResponse(*response, token, keys, now));
      return MakeIdentity(options, self, keys, *response);
    }
    // The agent has spoken; another would say the same.
    if (absl::IsPermissionDenied(response.status()) || absl::IsInvalidArgument(response.status())) {
      return response.status();
    }
    refusals.push_back(absl::StrCat(address, ": ", response.status().message()));
  }
  return absl::UnavailableError(absl::StrCat("no agent that the token names admitted this host: ",
                                             absl::StrJoin(refusals, "; ")));
}

}  // namespace trellis::agent
