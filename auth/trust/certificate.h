// Reading and verifying the mesh's certificates.
//
// Spec: RFC 5280. A chain is always one leaf signed by the mesh's root: no intermediates.
#ifndef TRELLIS_AUTH_TRUST_CERTIFICATE_H_
#define TRELLIS_AUTH_TRUST_CERTIFICATE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth/trust/identity.h"

struct x509_st;

namespace trellis::trust {

inline constexpr size_t kMaxCertificateBytes = 16 << 10;
// Longer than any agent that issues should be away: docs/decisions/0003-trust.md.
inline constexpr absl::Duration kRenewalGrace = absl::Hours(24 * 7);

// The trust anchor: the mesh's self-signed root certificate.
//
// Thread-safety: immutable; copies share it.
class MeshRoot {
 public:
  // INVALID_ARGUMENT: not a self-signed CA certificate that names a mesh.
  static absl::StatusOr<MeshRoot> FromPem(absl::string_view pem);
  static absl::StatusOr<MeshRoot> FromDer(absl::string_view der);

  const std::string& mesh_id() const { return mesh_id_; }  // 16 bytes.
  const std::string& der() const { return der_; }
  std::string pem() const;
  // Of the DER: what a join token pins.
  std::string sha256() const;

  x509_st* get() const { return certificate_.get(); }  // For BoringSSL's callers; borrowed.

 private:
  MeshRoot() = default;

  std::string der_;
  std::string mesh_id_;
  std::shared_ptr<x509_st> certificate_;
};

// Whose certificate `leaf_der` is, if `root` signed it and `now` is within its validity.
//   INVALID_ARGUMENT     not a certificate, or one without a mesh identity
//   UNAUTHENTICATED      of another mesh, or not signed by the root; the message says which
//   FAILED_PRECONDITION  all is well but the time: expired or not yet valid; the message says when
absl::StatusOr<PeerIdentity> VerifyChain(absl::string_view leaf_der, const MeshRoot& root,
                                         absl::Time now);

// The same, whatever the time: who wrote what is stored. Dates are for handshakes; what was written
// while a certificate was valid stays written.
absl::StatusOr<PeerIdentity> VerifyIssued(absl::string_view leaf_der, const MeshRoot& root);

// As VerifyChain, but for who asks for a later certificate: one that ended less than kRenewalGrace
// ago will do.
absl::StatusOr<PeerIdentity> VerifyForRenewal(absl::string_view leaf_der, const MeshRoot& root,
                                              absl::Time now);

// The one certificate in `pem`. INVALID_ARGUMENT.
absl::StatusOr<std::string> CertificateDerFromPem(absl::string_view pem);
std::string CertificatePemFromDer(absl::string_view der);

// INVALID_ARGUMENT: it is not one.
struct Validity {
  absl::Time begin;
  absl::Time end;
};
absl::StatusOr<Validity> CertificateValidity(absl::string_view der);
// Its SubjectPublicKeyInfo. INVALID_ARGUMENT: it is not one.
absl::StatusOr<std::string> CertificatePublicKey(absl::string_view der);

}  // namespace trellis::trust

#endif  // TRELLIS_AUTH_TRUST_CERTIFICATE_H_
