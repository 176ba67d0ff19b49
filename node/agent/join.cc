#include "node/agent/join.h"

#include <string>

#include "absl/strings/escaping.h"
#include "auth/seal/sealing_key.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/join_token.h"
#include "auth/trust/key_pair.h"
#include "auth/trust/signing_key.h"
#include "base/runtime/random.h"
#include "base/status_macros.h"
#include "node/agent/addresses.h"
#include "node/agent/display_name.h"
#include "node/mesh/join.h"

namespace trellis::agent {

absl::StatusOr<Identity> JoinMesh(const AgentOptions& options, absl::string_view token_text,
                                  absl::Time now) {
  if (options.mesh_address.empty()) {
    return absl::InvalidArgumentError(
        "mesh_address: missing; give the host:port at which other agents reach this one, such as "
        "192.0.2.20:7950");
  }
  ASSIGN_OR_RETURN(const trust::JoinToken token, trust::JoinToken::Parse(token_text));
  const trust::KeyPair keys = trust::KeyPair::Generate();
  const trust::SigningKey signing_key = trust::SigningKey::Generate();
  SeededRandom random = RandomFromSystem();
  mesh::JoinRequest request;
  request.node = random.Next64() | 1;  // Never 0, which means none.
  ASSIGN_OR_RETURN(request.display_name, ChooseDisplayName(options.display_name, HostName()));
  request.mesh_address = options.mesh_address;
  request.vpc = options.vpc;
  request.signing_key = signing_key.public_key();
  ASSIGN_OR_RETURN(request.addresses, ChooseAddresses(options.addresses, InterfaceAddresses()));
  ASSIGN_OR_RETURN(const peer::v1::EnrollResponse response,
                   mesh::Join(token, keys, request, [now] { return now; }));
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(response.root_pem()));
  ASSIGN_OR_RETURN(const std::string der, trust::CertificateDerFromPem(response.certificate_pem()));
  ASSIGN_OR_RETURN(const trust::PeerIdentity self, trust::VerifyChain(der, root, now));

  Identity identity;
  identity.local.set_mesh_id(absl::BytesToHexString(self.mesh_id));
  identity.local.set_node(trust::NodeHex(self.node));
  identity.local.set_display_name(request.display_name);
  identity.local.set_vpc(self.vpc);
  identity.local.set_vpc_display_name(response.vpc_display_name());
  identity.local.set_account(response.account());
  identity.local.set_region(response.region());
  identity.local.set_mesh_domain(response.mesh_domain());
  identity.local.set_mesh_address(options.mesh_address);
  for (const std::string& address : self.addresses) identity.local.add_addresses(address);
  for (const peer::v1::EnrollResponse::Member& member : response.members()) {
    storage::v1::LocalIdentity::Seed& seed = *identity.local.add_seeds();
    seed.set_node(trust::NodeHex(member.node()));
    seed.set_address(member.mesh_address());
  }
  identity.certificate_pem = response.certificate_pem();
  identity.key_pem = keys.private_pem();
  identity.signing_key_pem = signing_key.private_pem();
  identity.sealing_key_pem = seal::SealingKey::Generate().private_pem();
  identity.root_pem = response.root_pem();
  return identity;
}

}  // namespace trellis::agent
