#include "node/agent/founding.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "auth/seal/sealing_key.h"
#include "auth/trust/authority.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"
#include "auth/trust/signing_key.h"
#include "base/crypto/digest.h"
#include "base/runtime/random.h"
#include "base/status_macros.h"
#include "node/agent/addresses.h"
#include "node/agent/display_name.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/arn.h"
#include "storage/resource/names.h"

namespace trellis::agent {
namespace {

// Node ids are not secret, but two agents with one id would be fenced: so the kernel draws them.
uint64_t NewNodeId() {
  SeededRandom random = RandomFromSystem();
  uint64_t node = 0;
  while (node == 0) node = random.Next64();
  return node;
}

absl::Status CheckFounderOptions(const AgentOptions& options) {
  if (options.mesh_address.empty()) {
    return absl::InvalidArgumentError(
        "mesh_address: missing; give the host:port at which other agents reach this one, such as "
        "192.0.2.10:7950");
  }
  if (options.vpc.empty()) {
    return absl::InvalidArgumentError(
        "vpc: missing; name the VPC this host is in, such as storefront");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Identity> FoundMesh(const AgentOptions& options, absl::Time now) {
  RETURN_IF_ERROR(CheckFounderOptions(options));
  ASSIGN_OR_RETURN(const std::vector<std::string> addresses,
                   ChooseAddresses(options.addresses, InterfaceAddresses()));
  ASSIGN_OR_RETURN(const std::string display_name,
                   ChooseDisplayName(options.display_name, HostName()));
  SeededRandom random = RandomFromSystem();
  const std::string mesh_id = crypto::RandomBytes(trust::kMeshIdBytes);
  ASSIGN_OR_RETURN(const trust::MeshAuthority authority,
                   trust::MeshAuthority::Create(mesh_id, now));
  const trust::KeyPair keys = trust::KeyPair::Generate();
  const trust::SigningKey signing_key = trust::SigningKey::Generate();
  const uint64_t node = NewNodeId();
  const std::string vpc =
      resource::Join("", resource::Kind::kVpc, resource::NewId(resource::Kind::kVpc, random));

  Identity identity;
  identity.local.set_mesh_id(absl::BytesToHexString(mesh_id));
  identity.local.set_node(trust::NodeHex(node));
  identity.local.set_display_name(display_name);
  identity.local.set_vpc(vpc);
  identity.local.set_vpc_display_name(options.vpc);
  identity.local.set_account(options.account);
  identity.local.set_region(options.region);
  identity.local.set_mesh_domain(options.mesh_domain);
  identity.local.set_mesh_address(options.mesh_address);
  for (const std::string& address : addresses) identity.local.add_addresses(address);
  ASSIGN_OR_RETURN(identity.certificate_pem,
                   authority.Issue(keys.public_der(),
                                   trust::PeerIdentity::Agent(mesh_id, node, options.account, vpc,
                                                              trust::PeerRole::kAdmin,
                                                              signing_key.public_key(), addresses),
                                   now, options.certificate_lifetime));
  identity.key_pem = keys.private_pem();
  identity.signing_key_pem = signing_key.private_pem();
  identity.sealing_key_pem = seal::SealingKey::Generate().private_pem();
  identity.root_pem = authority.root().pem();
  identity.root_key_pem = authority.key_pem();
  identity.founding = true;
  return identity;
}

std::vector<storage::Change> FoundingRecords(const Identity& identity) {
  std::vector<storage::Change> changes;
  const auto add = [&changes](v1::Resource resource, std::string name) {
    changes.push_back({std::move(name), std::move(resource), {}});
  };
  const storage::v1::LocalIdentity& local = identity.local;
  {
    v1::Resource resource;
    v1::Account& account = *resource.mutable_account();
    account.set_name(absl::StrCat("accounts/", local.account()));
    std::string name = account.name();
    add(std::move(resource), std::move(name));
  }
  {
    v1::Resource resource;
    v1::Vpc& vpc = *resource.mutable_vpc();
    vpc.set_name(local.vpc());
    vpc.set_display_name(local.vpc_display_name());
    vpc.set_account(local.account());
    add(std::move(resource), local.vpc());
  }
  {
    v1::Resource resource;
    v1::Agent& agent = *resource.mutable_agent();
    agent.set_name(resource::AgentName(identity.node()));
    agent.set_display_name(local.display_name());
    agent.set_role(v1::ADMIN);
    agent.set_issues_certificates(true);
    agent.set_vpc(local.vpc());
    agent.set_mesh_address(local.mesh_address());
    const absl::StatusOr<std::string> der = trust::CertificateDerFromPem(identity.certificate_pem);
    if (der.ok()) agent.set_certificate_sha256(crypto::Sha256String(*der));
    std::string name = agent.name();
    add(std::move(resource), std::move(name));
  }
  return changes;
}

}  // namespace trellis::agent
