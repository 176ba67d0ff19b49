// An agent's Ed25519 key: signs what it writes. Its public half stands in the agent's certificate.
//
// Spec: RFC 8032 (Ed25519), RFC 8410 (its form in PKCS#8).
// Decision: docs/decisions/0009-signed-transactions.md.
#ifndef TRELLIS_AUTH_TRUST_SIGNING_KEY_H_
#define TRELLIS_AUTH_TRUST_SIGNING_KEY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::trust {

inline constexpr size_t kSigningSeedBytes = 32;
inline constexpr size_t kSigningKeyBytes = 32;  // The public key.
inline constexpr size_t kSignatureBytes = 64;

// Thread-safety: immutable.
class SigningKey {
 public:
  // From the system's cryptographic randomness.
  static SigningKey Generate();
  // The same seed, the same key: for simulations, which repeat. `seed` has kSigningSeedBytes.
  static SigningKey FromSeed(absl::string_view seed);
  // A private key in PEM (PKCS#8). INVALID_ARGUMENT: it is not one, or not Ed25519.
  static absl::StatusOr<SigningKey> FromPem(absl::string_view pem);

  // The private key, PKCS#8 in PEM: a secret, for files of mode 0600 only.
  std::string private_pem() const;
  const std::string& public_key() const { return public_key_; }  // kSigningKeyBytes.

  // kSignatureBytes over `bytes`, the same each time. Some 25 µs.
  std::string Sign(absl::string_view bytes) const;

 private:
  SigningKey() = default;

  std::array<uint8_t, 64> private_key_;  // Seed, then public key: BoringSSL's form.
  std::string public_key_;
};

// Whether the holder of `public_key` signed `bytes`. False also when key or signature are not of
// their sizes. Some 60 µs. Any thread.
bool VerifySignature(absl::string_view public_key, absl::string_view bytes,
                     absl::string_view signature);

}  // namespace trellis::trust

#endif  // TRELLIS_AUTH_TRUST_SIGNING_KEY_H_
