// Authorship as the mesh has it: certificates by its root, Ed25519 signatures.
//
//   ASSIGN_OR_RETURN(auto authorship, MeshAuthorship::Create(certificate_der, key, root));
//   Catalog::Open({.authorship = authorship.get(), ...}, ...);
//
// Decision: docs/decisions/0009-signed-transactions.md.
#ifndef TRELLIS_GOSSIP_AUTHORSHIP_MESH_AUTHORSHIP_H_
#define TRELLIS_GOSSIP_AUTHORSHIP_MESH_AUTHORSHIP_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "auth/trust/certificate.h"
#include "auth/trust/signing_key.h"
#include "storage/catalog/authorship.h"

namespace trellis::gossip {

// Thread-safety: immutable, so any thread.
class MeshAuthorship final : public storage::Authorship {
 public:
  //   UNAUTHENTICATED      `certificate` (DER) is not an agent's, or not by `root`
  //   FAILED_PRECONDITION  it names another signing key than `key`
  static absl::StatusOr<std::unique_ptr<MeshAuthorship>> Create(absl::string_view certificate,
                                                                const trust::SigningKey& key,
                                                                const trust::MeshRoot& root);

  const std::string& certificate() const override { return certificate_; }
  std::string Sign(absl::string_view bytes) const override { return key_.Sign(bytes); }
  absl::StatusOr<std::shared_ptr<const storage::Author>> Read(
      absl::string_view certificate) override;
  bool Verify(const storage::Author& author, absl::string_view bytes,
              absl::string_view signature) override {
    return trust::VerifySignature(author.signing_key, bytes, signature);
  }

 private:
  MeshAuthorship(absl::string_view certificate, const trust::SigningKey& key,
                 const trust::MeshRoot& root)
      : certificate_(certificate), key_(key), root_(root) {}

  const std::string certificate_;
  const trust::SigningKey key_;
  const trust::MeshRoot root_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_AUTHORSHIP_MESH_AUTHORSHIP_H_
