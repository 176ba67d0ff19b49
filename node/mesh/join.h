// A host joins the mesh: the client's side of enrollment.h, for `trellisd join`.
#ifndef TRELLIS_NODE_MESH_JOIN_H_
#define TRELLIS_NODE_MESH_JOIN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth/trust/join_token.h"
#include "auth/trust/key_pair.h"
#include "node/tls/tls_context.h"
#include "proto/trellis/peer/v1/enrollment.pb.h"

namespace trellis::mesh {

struct JoinRequest {
  uint64_t node = 0;         // Drawn by the host; never 0.
  std::string display_name;  // The host's name.
  std::string mesh_address;  // host:port at which other agents reach it.
  std::string vpc;           // Refused unless it is the token's. Empty: the token's, whichever.
  std::string signing_key;   // The public key of what the host will write.
  std::vector<std::string> addresses;  // Of the host in its VPC, as CanonicalAddresses has them.
  // For each of the token's addresses: the connection, then the answer.
  absl::Duration timeout = absl::Seconds(10);
};

// Exchanges the token for a certificate, at the first of its addresses that grants it. The root and
// the certificate in the answer are verified: they are of the mesh that the token pins, and ours.
// Blocks; uses a thread of its own.
//   FAILED_PRECONDITION  the token is expired by our clock
//   others               of the first address that refused; the message has those of all
absl::StatusOr<peer::v1::EnrollResponse> Join(const trust::JoinToken& token,
                                              const trust::KeyPair& key, const JoinRequest& request,
                                              const tls::Now& now);

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_JOIN_H_
