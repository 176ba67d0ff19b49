#include "base/crypto/digest.h"

#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/log/log.h"

namespace trellis::crypto {

static_assert(kSha256Bytes == SHA256_DIGEST_LENGTH);

std::array<uint8_t, kSha256Bytes> Sha256(absl::string_view data) {
  std::array<uint8_t, kSha256Bytes> digest;
  SHA256(reinterpret_cast<const uint8_t*>(data.data()), data.size(), digest.data());
  return digest;
}

std::string Sha256String(absl::string_view data) {
  const std::array<uint8_t, kSha256Bytes> digest = Sha256(data);
  return std::string(digest.begin(), digest.end());
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  CHECK_EQ(RAND_bytes(reinterpret_cast<uint8_t*>(bytes.data()), count), 1);
  return bytes;
}

bool ConstantTimeEquals(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace trellis::crypto
