// A join token: what a host needs to join a mesh, in one line a person can paste.
//
//   trellis-join-1.{base64url, no padding, of a trellis.peer.v1.JoinTokenContent}
//
// It pins the root, so the host knows the mesh it joins before it tells anybody the secret.
#ifndef TRELLIS_AUTH_TRUST_JOIN_TOKEN_H_
#define TRELLIS_AUTH_TRUST_JOIN_TOKEN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace trellis::trust {

inline constexpr size_t kMaxJoinTokenBytes = 4096;
inline constexpr size_t kMaxJoinAddresses = 8;
inline constexpr size_t kMaxJoinAddressBytes = 262;  // A DNS name of 255 bytes, colon, port.
inline constexpr size_t kJoinSecretBytes = 32;
inline constexpr size_t kMaxJoinTokenIdBytes = 64;

struct JoinToken {
  std::string mesh_id;                      // 16 bytes.
  std::vector<std::string> mesh_addresses;  // host:port, 1 to 8, of agents that may enrol.
  std::string root_sha256;                  // 32 bytes, of the root certificate's DER.
  std::string id;                           // Of the catalog's joinTokens/{id}: [a-z0-9-].
  std::string secret;                       // 32 bytes. Never logged, never stored.
  absl::Time expire_time;                   // Whole seconds.

  // INVALID_ARGUMENT: a field is out of bounds, or the text is not the canonical one of its token;
  // the message names the field and never the secret.
  static absl::StatusOr<JoinToken> Parse(absl::string_view text);
  absl::StatusOr<std::string> Format() const;

  bool operator==(const JoinToken&) const = default;
};

// What the catalog stores in place of the secret: its SHA-256. A plain hash does, since the secret
// is 256 random bits.
std::string HashJoinSecret(absl::string_view secret);
bool JoinSecretMatches(absl::string_view secret, absl::string_view stored_sha256);

}  // namespace trellis::trust

#endif  // TRELLIS_AUTH_TRUST_JOIN_TOKEN_H_
