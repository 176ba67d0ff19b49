#include "auth/seal/sealing_key.h"

#include <openssl/bio.h>
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hkdf.h>
#include <openssl/hpke.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"

namespace trellis::seal {
namespace {

static_assert(kSealingKeyBytes == X25519_PRIVATE_KEY_LEN);
static_assert(kSealingKeyBytes == X25519_PUBLIC_VALUE_LEN);

constexpr size_t kEncapsulatedBytes = kSealingKeyBytes;
constexpr size_t kTagBytes = kBoxOverhead - kEncapsulatedBytes;
constexpr size_t kMaxKeyPemBytes = 16 << 10;
constexpr absl::string_view kDeriving = "trellis ephemeral key 1";

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

uint8_t* Bytes(char* text) { return reinterpret_cast<uint8_t*>(text); }

// Never asks a terminal for a password, as BoringSSL's default would.
int NoPassword(char*, int, int, void*) { return 0; }

// The private key of one box, wiped with it.
struct Ephemeral {
  uint8_t key[kSealingKeyBytes];
  ~Ephemeral() { OPENSSL_cleanse(key, sizeof(key)); }
};

absl::StatusOr<std::string> SealWith(const Ephemeral& ephemeral, absl::string_view public_key,
                                     absl::string_view purpose, absl::string_view place,
                                     absl::string_view secret) {
  if (secret.size() > kMaxSecretBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("secret: ", secret.size(), " bytes; at most ", kMaxSecretBytes));
  }
  std::string box(kBoxOverhead + secret.size(), '\0');
  bssl::ScopedEVP_HPKE_CTX context;
  size_t size = 0;
  // BoringSSL's own sender draws this key from its generator and calls the same.
  if (!EVP_HPKE_CTX_setup_sender_with_seed_for_testing(
          context.get(), Bytes(box.data()), &size, kEncapsulatedBytes,
          EVP_hpke_x25519_hkdf_sha256(), EVP_hpke_hkdf_sha256(), EVP_hpke_chacha20_poly1305(),
          Bytes(public_key), public_key.size(), Bytes(purpose), purpose.size(), ephemeral.key,
          sizeof(ephemeral.key))) {
    ERR_clear_error();
    return absl::InvalidArgumentError("public key: not an X25519 key that can be sealed to");
  }
  CHECK(EVP_HPKE_CTX_seal(context.get(), Bytes(box.data()) + kEncapsulatedBytes, &size,
                          secret.size() + kTagBytes, Bytes(secret), secret.size(), Bytes(place),
                          place.size()));
  CHECK_EQ(size, secret.size() + kTagBytes);
  return box;
}

}  // namespace

SealingKey SealingKey::Generate() {
  SealingKey key;
  uint8_t public_key[kSealingKeyBytes];
  X25519_keypair(public_key, Bytes(key.private_.data()));
  key.public_.assign(reinterpret_cast<const char*>(public_key), sizeof(public_key));
  return key;
}

absl::StatusOr<SealingKey> SealingKey::FromPrivate(absl::string_view bytes) {
  if (bytes.size() != kSealingKeyBytes) {
    return absl::InvalidArgumentError("sealing key: not an X25519 private key of 32 bytes");
  }
  SealingKey key;
  std::copy(bytes.begin(), bytes.end(), key.private_.begin());
  uint8_t public_key[kSealingKeyBytes];
  X25519_public_from_private(public_key, Bytes(bytes));
  key.public_.assign(reinterpret_cast<const char*>(public_key), sizeof(public_key));
  return key;
}

absl::StatusOr<SealingKey> SealingKey::FromPem(absl::string_view pem) {
  if (pem.size() > kMaxKeyPemBytes) return absl::InvalidArgumentError("sealing key: over 16 KiB");
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  Secret bytes(size_t{kSealingKeyBytes});
  size_t size = kSealingKeyBytes;
  const bool is_x25519 = key != nullptr && EVP_PKEY_id(key.get()) == EVP_PKEY_X25519 &&
                         EVP_PKEY_get_raw_private_key(key.get(), Bytes(bytes.data_.get()), &size);
  ERR_clear_error();
  if (!is_x25519) {
    return absl::InvalidArgumentError(
        "sealing key: not an unencrypted X25519 private key in PEM (PKCS#8)");
  }
  return FromPrivate(bytes.bytes());
}

SealingKey::~SealingKey() { OPENSSL_cleanse(private_.data(), private_.size()); }

std::string SealingKey::private_pem() const {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_X25519, nullptr, Bytes(absl::string_view(private_.data(), private_.size())),
      private_.size()));
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(key != nullptr &&
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  const uint8_t* data;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio.get(), &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

absl::StatusOr<Secret> SealingKey::Open(absl::string_view purpose, absl::string_view place,
                                        absl::string_view box) const {
  const auto refused = [] {
    ERR_clear_error();
    return absl::InvalidArgumentError("sealed for another key or place, or damaged");
  };
  if (box.size() < kBoxOverhead || box.size() > kMaxSecretBytes + kBoxOverhead) return refused();
  bssl::ScopedEVP_HPKE_KEY key;
  CHECK(EVP_HPKE_KEY_init(key.get(), EVP_hpke_x25519_hkdf_sha256(),
                          Bytes(absl::string_view(private_.data(), private_.size())),
                          private_.size()));
  bssl::ScopedEVP_HPKE_CTX context;
  const absl::string_view encapsulated = box.substr(0, kEncapsulatedBytes);
  const absl::string_view ciphertext = box.substr(kEncapsulatedBytes);
  if (!EVP_HPKE_CTX_setup_recipient(context.get(), key.get(), EVP_hpke_hkdf_sha256(),
                                    EVP_hpke_chacha20_poly1305(), Bytes(encapsulated),
                                    encapsulated.size(), Bytes(purpose), purpose.size())) {
    return refused();
  }
  // As long as the ciphertext, as BoringSSL wants it: the tag's room stays unused.
  Secret secret(ciphertext.size());
  if (!EVP_HPKE_CTX_open(context.get(), Bytes(secret.data_.get()), &secret.size_, ciphertext.size(),
                         Bytes(ciphertext), ciphertext.size(), Bytes(place), place.size())) {
    return refused();
  }
  return secret;
}

absl::StatusOr<std::string> Seal(absl::string_view public_key, absl::string_view purpose,
                                 absl::string_view place, absl::string_view secret) {
  Ephemeral ephemeral;
  CHECK_EQ(RAND_bytes(ephemeral.key, sizeof(ephemeral.key)), 1);
  return SealWith(ephemeral, public_key, purpose, place, secret);
}

absl::StatusOr<std::string> SealKey(absl::string_view public_key, absl::string_view purpose,
                                    absl::string_view place, const SealingKey& key) {
  const Secret secret = key.Private();
  // Each part after its length, so that no two lists of parts read alike.
  const std::string all = absl::StrCat(kDeriving, " ", purpose.size(), ":", purpose, place.size(),
                                       ":", place, public_key.size(), ":", public_key);
  Ephemeral ephemeral;
  CHECK(HKDF(ephemeral.key, sizeof(ephemeral.key), EVP_sha256(), Bytes(secret.bytes()),
             secret.bytes().size(), nullptr, 0, Bytes(all), all.size()));
  return SealWith(ephemeral, public_key, purpose, place, secret.bytes());
}

}  // namespace trellis::seal
