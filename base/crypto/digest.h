// Digests, secret randomness and comparison without a timing leak. BoringSSL behind.
//
// Spec: FIPS 180-4 (SHA-256).
#ifndef TRELLIS_BASE_CRYPTO_DIGEST_H_
#define TRELLIS_BASE_CRYPTO_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

// All functions may be called from any thread.
namespace trellis::crypto {

inline constexpr size_t kSha256Bytes = 32;

std::array<uint8_t, kSha256Bytes> Sha256(absl::string_view data);
// The same as a string of 32 bytes, as protos carry it.
std::string Sha256String(absl::string_view data);

// `count` bytes from the operating system's generator: for keys, tokens and secrets. What need not
// be secret comes from Random, so that simulations repeat.
std::string RandomBytes(size_t count);

// Takes as long wherever the first difference is; the length is not secret.
bool ConstantTimeEquals(absl::string_view a, absl::string_view b);

}  // namespace trellis::crypto

#endif  // TRELLIS_BASE_CRYPTO_DIGEST_H_
