// Who is at the other end of a mesh connection, as its certificate says: an agent or an operator.
//
// The first of the certificate's subject alternative names is a URI in the form of RFC 3986:
//   spiffe://{mesh}/accounts/{12 digits}/vpcs/{vpc
//   id}/agents/{node}/roles/{worker|admin}/keys/{key} spiffe://{mesh}/operators/{name}
//   spiffe://{mesh}                                             (the root itself)
// {mesh} is 32, {node} 16 and {key} 64 lower-case hex digits; nothing is percent-encoded. The
// others are an agent's IP addresses, in ascending order. So one identity has exactly one spelling.
#ifndef TRELLIS_AUTH_TRUST_IDENTITY_H_
#define TRELLIS_AUTH_TRUST_IDENTITY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::trust {

inline constexpr size_t kMeshIdBytes = 16;
inline constexpr size_t kMaxOperatorNameBytes = 64;
inline constexpr size_t kMaxAddresses = 16;

enum class PeerKind { kAgent, kOperator };
enum class PeerRole { kWorker, kAdmin };

struct PeerIdentity {
  std::string mesh_id;  // 16 bytes.
  PeerKind kind = PeerKind::kOperator;
  // Agents.
  uint64_t node = 0;
  std::string account;  // 12 digits: the owner of the VPC.
  std::string vpc;      // vpcs/vpc-…
  PeerRole role = PeerRole::kWorker;
  std::string signing_key;  // 32 bytes: the Ed25519 public key of what it writes.
  // The host's IP addresses in its VPC, as CanonicalAddresses has them.
  std::vector<std::string> addresses;
  // Operators.
  std::string operator_name;  // 1-64 of [A-Za-z0-9@._-].

  static PeerIdentity Agent(absl::string_view mesh_id, uint64_t node, absl::string_view account,
                            absl::string_view vpc, PeerRole role, absl::string_view signing_key,
                            std::vector<std::string> addresses = {});
  static PeerIdentity Operator(absl::string_view mesh_id, absl::string_view name);

  // INVALID_ARGUMENT: a field is not of its form; the message names it. (A remote peer's URI that
  // does not parse ends its handshake.) The URI is all but the addresses.
  static absl::StatusOr<PeerIdentity> ParseUri(absl::string_view uri);
  absl::StatusOr<std::string> ToUri() const;

  // For logs: "agent 00000000000000a1 (admin, vpcs/vpc-1a2b3c4d)", "operator alice".
  std::string ToString() const;

  bool operator==(const PeerIdentity&) const = default;
};

// `texts` in their one spelling, in order, each once.
//   INVALID_ARGUMENT  one is not the IPv4 or IPv6 address of a host (unspecified, multicast, or
//   IPv4
//                     written as IPv6), or there are more than kMaxAddresses
absl::StatusOr<std::vector<std::string>> CanonicalAddresses(const std::vector<std::string>& texts);

// "spiffe://{mesh}" and back. INVALID_ARGUMENT.
absl::StatusOr<std::string> MeshUri(absl::string_view mesh_id);
absl::StatusOr<std::string> ParseMeshUri(absl::string_view uri);

// 16 lower-case hex digits and back. INVALID_ARGUMENT.
std::string NodeHex(uint64_t node);
absl::StatusOr<uint64_t> ParseNodeHex(absl::string_view hex);

}  // namespace trellis::trust

#endif  // TRELLIS_AUTH_TRUST_IDENTITY_H_
