// The mesh's root: the key that makes certificates, held by agents that may issue.
//
//   ASSIGN_OR_RETURN(MeshAuthority authority, MeshAuthority::Create(crypto::RandomBytes(16), now));
//   authority.Issue(keys.public_der(), PeerIdentity::Agent(...), now, absl::Hours(24));
//
// Decision: docs/decisions/0003-trust.md.
#ifndef TRELLIS_AUTH_TRUST_AUTHORITY_H_
#define TRELLIS_AUTH_TRUST_AUTHORITY_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"

namespace trellis::trust {

inline constexpr absl::Duration kRootLifetime = absl::Hours(24 * 365 * 10);
// Certificates begin this much before they are made, so that a host whose clock is a little behind
// accepts them.
inline constexpr absl::Duration kClockAllowance = absl::Minutes(5);

// Thread-safety: immutable.
class MeshAuthority {
 public:
  // A new mesh. INVALID_ARGUMENT: `mesh_id` is not 16 bytes.
  static absl::StatusOr<MeshAuthority> Create(absl::string_view mesh_id, absl::Time now);
  //   INVALID_ARGUMENT      one of them is not what it should be
  //   FAILED_PRECONDITION   the key is not the certificate's
  static absl::StatusOr<MeshAuthority> Load(absl::string_view root_pem, absl::string_view key_pem);

  const MeshRoot& root() const { return root_; }
  std::string key_pem() const { return key_.private_pem(); }  // The mesh's secret.

  // A certificate in PEM for the holder of `public_key_der`, who is `identity` from now on.
  //   INVALID_ARGUMENT  the key is not P-256, or a field of `identity` is not of its form, or its
  //                     mesh is not this one, or `lifetime` is not positive
  absl::StatusOr<std::string> Issue(absl::string_view public_key_der, const PeerIdentity& identity,
                                    absl::Time now, absl::Duration lifetime) const;

 private:
  MeshAuthority(KeyPair key, MeshRoot root) : key_(std::move(key)), root_(std::move(root)) {}

  KeyPair key_;
  MeshRoot root_;
};

}  // namespace trellis::trust

#endif  // TRELLIS_AUTH_TRUST_AUTHORITY_H_
