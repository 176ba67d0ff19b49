// A checker's shard: all that one agent says of targets, signed by it.
//
// Whoever relays a shard cannot change it, and whoever has an agent's key can lie in that agent's
// name only. Bytes: docs/formats/wire.md. Decision: docs/decisions/0016.
#ifndef TRELLIS_GOSSIP_HEALTH_SHARD_H_
#define TRELLIS_GOSSIP_HEALTH_SHARD_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"
#include "routing/balance/opinion_list.h"
#include "storage/catalog/authorship.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/seal.h"

namespace trellis::gossip {

// Of the shard itself, serialized. A worker's words count for its own host's targets only.
inline constexpr size_t kMaxShardBytes = 1 << 20;
inline constexpr size_t kMaxWorkerShardBytes = 16 << 10;
inline constexpr size_t kMaxCertificateBytes = 8 << 10;

// A checker's shards in their order: by its process, and then by count.
struct ShardVersion {
  uint64_t boot = 0;
  uint64_t counter = 0;

  auto operator<=>(const ShardVersion&) const = default;
};

struct Shard {
  storage::Origin origin;  // Its node is the checker.
  ShardVersion version;
  std::vector<routing::OpinionList> lists;        // Ascending by identity.
  std::shared_ptr<const storage::Author> author;  // Null until verified.
  peer::v1::SignedShard message;                  // As it is passed on.

  NodeId checker() const { return origin.node; }
  // Null: it has no such list.
  const routing::OpinionList* Find(uint64_t identity) const;
  // Whether what it says of a target at `address` (without port) counts: an admin's word does
  // everywhere, a worker's at its own host. The shard is verified.
  bool CountsAt(absl::string_view address) const;
};

// The shard of this agent, `lists` ascending by identity; with its certificate unless `known`. Of
// what would not fit, the last lists are left out.
Shard SignShard(const storage::SealScope& scope, const storage::Origin& origin,
                const ShardVersion& version, std::vector<routing::OpinionList> lists,
                const std::shared_ptr<const storage::Author>& self, bool known,
                const storage::Authorship& authorship);

// Reads what a peer sent; whose it is remains to be verified.
//   INVALID_ARGUMENT  no honest agent sends that; the message says what is wrong
absl::StatusOr<Shard> ReadShard(const peer::v1::SignedShard& message);

// Finds the author and looks whether it signed the shard. About 60 us, 160 with a certificate.
//   NOT_FOUND         its author's certificate is not known here yet, or is another than the one it
//                     came with, by which a peer that holds less may have gone: nobody is to blame
//   UNAUTHENTICATED   no agent of this mesh, or not what it signed
//   INVALID_ARGUMENT  a worker's, and larger than a worker's may be
absl::Status VerifyShard(const storage::SealScope& scope, const storage::Catalog& catalog,
                         storage::Authorship& authorship, Shard* shard);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_HEALTH_SHARD_H_
