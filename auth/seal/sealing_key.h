// Sealing to one recipient: whoever has the private key opens it, and only in the place that it was
// sealed for.
//
//   ASSIGN_OR_RETURN(const std::string box, Seal(key.public_key(), kPurpose, place, "a secret"));
//   ASSIGN_OR_RETURN(const Secret opened, key.Open(kPurpose, place, box));
//
// Spec: RFC 9180 (HPKE), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; one
// message a context. RFC 8410 (the key's form in PKCS#8). A box is the encapsulated key (32 bytes),
// then the ciphertext, whose last 16 bytes are its tag.
// Decision: docs/decisions/0017-sealed-secrets.md.
#ifndef TRELLIS_AUTH_SEAL_SEALING_KEY_H_
#define TRELLIS_AUTH_SEAL_SEALING_KEY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "auth/seal/secret.h"

namespace trellis::seal {

inline constexpr size_t kSealingKeyBytes = 32;  // Public as well as private.
inline constexpr size_t kBoxOverhead = 48;      // What a box is longer than what is in it.
inline constexpr size_t kMaxSecretBytes = 64 << 10;

// An X25519 key pair. Thread-safety: immutable. Wiped when it goes.
class SealingKey {
 public:
  // From the system's cryptographic randomness.
  static SealingKey Generate();
  // The private key as Private() gave it. INVALID_ARGUMENT: not kSealingKeyBytes.
  static absl::StatusOr<SealingKey> FromPrivate(absl::string_view bytes);
  // A private key in PEM (PKCS#8). INVALID_ARGUMENT: it is not one, or not X25519.
  static absl::StatusOr<SealingKey> FromPem(absl::string_view pem);

  SealingKey(const SealingKey&) = default;
  SealingKey& operator=(const SealingKey&) = default;
  ~SealingKey();

  // PKCS#8 in PEM: a secret, for files of mode 0600 only.
  std::string private_pem() const;
  Secret Private() const { return Secret(absl::string_view(private_.data(), private_.size())); }
  const std::string& public_key() const { return public_; }  // kSealingKeyBytes.

  // INVALID_ARGUMENT: `box` is not what Seal gave for this key, purpose and place; or too long. The
  // message does not say which: nobody learns by trying. Some 50 us.
  absl::StatusOr<Secret> Open(absl::string_view purpose, absl::string_view place,
                              absl::string_view box) const;

 private:
  SealingKey() = default;

  std::array<char, kSealingKeyBytes> private_;
  std::string public_;
};

// `purpose` is one of few constants, so that what is sealed for one is not taken for another;
// `place` is where the box will lie.
//   INVALID_ARGUMENT  `public_key` is no X25519 key that can be sealed to; or `secret` is longer
//                     than kMaxSecretBytes
// Some 80 us. Any thread.
absl::StatusOr<std::string> Seal(absl::string_view public_key, absl::string_view purpose,
                                 absl::string_view place, absl::string_view secret);

// The same for a private key, and the same box each time: what Seal draws by chance, this derives
// from `key`, which nobody can guess, and all else that the box depends on.
absl::StatusOr<std::string> SealKey(absl::string_view public_key, absl::string_view purpose,
                                    absl::string_view place, const SealingKey& key);

}  // namespace trellis::seal

#endif  // TRELLIS_AUTH_SEAL_SEALING_KEY_H_
