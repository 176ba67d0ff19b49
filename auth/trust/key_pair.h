// A P-256 key pair: an agent's, an operator's or the mesh root's.
#ifndef TRELLIS_AUTH_TRUST_KEY_PAIR_H_
#define TRELLIS_AUTH_TRUST_KEY_PAIR_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_pkey_st;

namespace trellis::trust {

// Thread-safety: immutable; copies share the key.
class KeyPair {
 public:
  // From the system's cryptographic randomness.
  static KeyPair Generate();
  // A private key in PEM (PKCS#8 or SEC 1). INVALID_ARGUMENT: it is not one, or not P-256.
  static absl::StatusOr<KeyPair> FromPem(absl::string_view pem);

  // The private key, PKCS#8 in PEM: a secret, for files of mode 0600 only.
  std::string private_pem() const;
  // SubjectPublicKeyInfo.
  std::string public_der() const;

  // For BoringSSL's callers; borrowed.
  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit KeyPair(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

// INVALID_ARGUMENT: `der` is not a SubjectPublicKeyInfo of a P-256 key, or has bytes after it.
absl::Status CheckPublicKey(absl::string_view der);

}  // namespace trellis::trust

#endif  // TRELLIS_AUTH_TRUST_KEY_PAIR_H_
