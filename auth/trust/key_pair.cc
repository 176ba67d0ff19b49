#include "auth/trust/key_pair.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>

#include <utility>

#include "base/log/log.h"

namespace trellis::trust {
namespace {

constexpr size_t kMaxKeyPemBytes = 16 << 10;

bool IsP256(const EVP_PKEY* key) {
  if (EVP_PKEY_id(key) != EVP_PKEY_EC) return false;
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  return EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == NID_X9_62_prime256v1;
}

// Never asks a terminal for a password, as BoringSSL's default would.
int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

KeyPair KeyPair::Generate() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  CHECK(ec != nullptr && EC_KEY_generate_key(ec.get())) << "no memory or randomness for a key";
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  CHECK(key != nullptr && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));
  return KeyPair(std::shared_ptr<EVP_PKEY>(key.release(), EVP_PKEY_free));
}

absl::StatusOr<KeyPair> KeyPair::FromPem(absl::string_view pem) {
  if (pem.size() > kMaxKeyPemBytes) return absl::InvalidArgumentError("private key: over 16 KiB");
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError("private key: not an unencrypted private key in PEM");
  }
  if (!IsP256(key.get())) {
    return absl::InvalidArgumentError("private key: not on the curve P-256 (prime256v1)");
  }
  return KeyPair(std::shared_ptr<EVP_PKEY>(key.release(), EVP_PKEY_free));
}

std::string KeyPair::private_pem() const {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr));
  const uint8_t* data;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio.get(), &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

std::string KeyPair::public_der() const {
  bssl::ScopedCBB cbb;
  uint8_t* der = nullptr;
  size_t size = 0;
  CHECK(CBB_init(cbb.get(), 128) && EVP_marshal_public_key(cbb.get(), key_.get()) &&
        CBB_finish(cbb.get(), &der, &size));
  bssl::UniquePtr<uint8_t> owned(der);
  return std::string(reinterpret_cast<const char*>(der), size);
}

absl::Status CheckPublicKey(absl::string_view der) {
  CBS cbs;
  CBS_init(&cbs, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&cbs));
  ERR_clear_error();
  if (key == nullptr || CBS_len(&cbs) != 0 || !IsP256(key.get())) {
    return absl::InvalidArgumentError(
        "public_key_der: not the SubjectPublicKeyInfo of a P-256 key in DER");
  }
  return absl::OkStatus();
}

}  // namespace trellis::trust
