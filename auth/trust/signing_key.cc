#include "auth/trust/signing_key.h"

#include <openssl/bio.h>
#include <openssl/curve25519.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pem.h>

#include "base/crypto/digest.h"
#include "base/log/log.h"

namespace trellis::trust {
namespace {

static_assert(kSigningKeyBytes == ED25519_PUBLIC_KEY_LEN);
static_assert(kSignatureBytes == ED25519_SIGNATURE_LEN);

constexpr size_t kMaxKeyPemBytes = 16 << 10;

// Never asks a terminal for a password, as BoringSSL's default would.
int NoPassword(char*, int, int, void*) { return 0; }

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

SigningKey SigningKey::Generate() { return FromSeed(crypto::RandomBytes(kSigningSeedBytes)); }

SigningKey SigningKey::FromSeed(absl::string_view seed) {
  CHECK(seed.size() == kSigningSeedBytes) << "a signing key's seed of " << seed.size() << " bytes";
  SigningKey key;
  uint8_t public_key[kSigningKeyBytes];
  ED25519_keypair_from_seed(public_key, key.private_key_.data(), Bytes(seed));
  key.public_key_.assign(reinterpret_cast<const char*>(public_key), sizeof(public_key));
  return key;
}

absl::StatusOr<SigningKey> SigningKey::FromPem(absl::string_view pem) {
  if (pem.size() > kMaxKeyPemBytes) return absl::InvalidArgumentError("signing key: over 16 KiB");
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  char seed[kSigningSeedBytes];
  size_t size = sizeof(seed);
  const bool is_ed25519 =
      key != nullptr && EVP_PKEY_id(key.get()) == EVP_PKEY_ED25519 &&
      EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<uint8_t*>(seed), &size);
  ERR_clear_error();
  if (!is_ed25519) {
    return absl::InvalidArgumentError(
        "signing key: not an unencrypted Ed25519 private key in PEM (PKCS#8)");
  }
  return FromSeed(absl::string_view(seed, size));
}

std::string SigningKey::private_pem() const {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, private_key_.data(), kSigningSeedBytes));
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(key != nullptr &&
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  const uint8_t* data;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio.get(), &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

std::string SigningKey::Sign(absl::string_view bytes) const {
  uint8_t signature[kSignatureBytes];
  CHECK(ED25519_sign(signature, Bytes(bytes), bytes.size(), private_key_.data())) << "no memory";
  return std::string(reinterpret_cast<const char*>(signature), sizeof(signature));
}

bool VerifySignature(absl::string_view public_key, absl::string_view bytes,
                     absl::string_view signature) {
  return public_key.size() == kSigningKeyBytes && signature.size() == kSignatureBytes &&
         ED25519_verify(Bytes(bytes), bytes.size(), Bytes(signature), Bytes(public_key)) == 1;
}

}  // namespace trellis::trust
