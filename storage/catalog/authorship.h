// Who wrote a transaction, and what they may write: all that the catalog knows of keys.
//
// Decision: docs/decisions/0009-signed-transactions.md.
#ifndef TRELLIS_STORAGE_CATALOG_AUTHORSHIP_H_
#define TRELLIS_STORAGE_CATALOG_AUTHORSHIP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/catalog/version.h"

namespace trellis::storage {

inline constexpr size_t kSigningKeyBytes = 32;  // Ed25519, public.
inline constexpr size_t kSignatureBytes = 64;

// An agent as its certificate describes it. An origin has one author for ever: whose key, role, VPC
// or addresses change writes as another incarnation.
struct Author {
  NodeId node = 0;
  bool admin = false;
  std::string vpc;                     // vpcs/{…}.
  std::vector<std::string> addresses;  // Of its host, as text without ports; sorted.
  std::string signing_key;             // Public.

  bool operator==(const Author&) const = default;
};

// Signs as this agent and reads others' certificates. Thread-safety: any thread.
class Authorship {
 public:
  virtual ~Authorship() = default;

  // This agent's certificate, DER. Never changes.
  virtual const std::string& certificate() const = 0;
  virtual std::string Sign(absl::string_view bytes) const = 0;

  // The author that `certificate` (DER) names. Its dates do not count: what was written while it
  // was valid stays written. Verifies a chain: about 100 us, so callers keep the result.
  //   UNAUTHENTICATED  not by this mesh's root, or it names no agent with a signing key
  virtual absl::StatusOr<std::shared_ptr<const Author>> Read(absl::string_view certificate) = 0;
  // Whether `author` signed `bytes`. About 60 us.
  virtual bool Verify(const Author& author, absl::string_view bytes,
                      absl::string_view signature) = 0;
};

// Whether `author` may write `entry`, whose resource is `resource` (null for a delete), as far as
// entry and certificate tell: every agent must come to the same answer, whatever else it holds. A
// worker writes its own roster entry and the targets of its own addresses; which of those count is
// the compiler's affair.
// PERMISSION_DENIED: the message names the author and the key.
absl::Status CheckMayWrite(const Author& author, const v1::Entry& entry,
                           const trellis::v1::Resource* resource);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_AUTHORSHIP_H_
