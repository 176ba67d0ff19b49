// A mesh for tests: one root, and credentials for whoever is wanted.
#ifndef TRELLIS_NODE_MESH_MESH_TESTING_H_
#define TRELLIS_NODE_MESH_MESH_TESTING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth/trust/authority.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"
#include "auth/trust/signing_key.h"
#include "base/crypto/digest.h"
#include "node/tls/tls_context.h"

namespace trellis::mesh {

class TestMesh {
 public:
  explicit TestMesh(char id = 'm', absl::Time start = absl::FromUnixSeconds(1767225600))
      : id_(16, id), start_(start), authority_(*trust::MeshAuthority::Create(id_, start)) {}

  const trust::MeshAuthority& authority() const { return authority_; }
  absl::Time start() const { return start_; }
  tls::Now now() const {
    return [start = start_] { return start; };
  }

  trust::PeerIdentity Agent(uint64_t node, trust::PeerRole role = trust::PeerRole::kWorker) const {
    return trust::PeerIdentity::Agent(id_, node, "123456789012", "vpcs/vpc-1a2b3c4d", role,
                                      SigningKey(node).public_key(), {"192.0.2.1"});
  }
  trust::SigningKey SigningKey(uint64_t node) const {
    return trust::SigningKey::FromSeed(crypto::Sha256String(trust::NodeHex(node)));
  }
  trust::PeerIdentity Operator(absl::string_view name) const {
    return trust::PeerIdentity::Operator(id_, name);
  }
  tls::Credentials Credentials(const trust::PeerIdentity& identity,
                               absl::Duration lifetime = absl::Hours(1)) const {
    const trust::KeyPair key = trust::KeyPair::Generate();
    return {*authority_.Issue(key.public_der(), identity, start_, lifetime), key.private_pem(),
            authority_.root().pem()};
  }

 private:
  const std::string id_;
  const absl::Time start_;
  const trust::MeshAuthority authority_;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_MESH_TESTING_H_
