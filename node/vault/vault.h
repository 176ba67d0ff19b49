// Secrets in the catalog: sealed to a group of agents, and opened by its members.
//
//   ASSIGN_OR_RETURN(*key.mutable_secret(), vault.Seal("admins", SecretPlace(name), secret));
//   ASSIGN_OR_RETURN(const seal::Secret secret, vault.Open(SecretPlace(name), key.secret()));
//
// A place is the resource's name and the field's, however the caller spells that, once for all:
// what lies in another place does not open. Nobody answers a call with what Open gave.
//
// Decision: docs/decisions/0017-sealed-secrets.md.
#ifndef TRELLIS_NODE_VAULT_VAULT_H_
#define TRELLIS_NODE_VAULT_VAULT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "auth/seal/sealing_key.h"
#include "node/vault/key_book.h"
#include "proto/trellis/v1/sealing.pb.h"
#include "storage/catalog/catalog.h"

namespace trellis::vault {

// Thread-safety: none; control thread.
class Vault {
 public:
  // `key` is agent `node`'s own. The catalog is borrowed.
  Vault(NodeId node, const seal::SealingKey& key, storage::Catalog& catalog);
  ~Vault();
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;

  // To the group's current key; this agent need not be a member.
  //   UNAVAILABLE       the group has no key yet: an admin agent makes it within seconds
  //   NOT_FOUND         there is no such group
  //   INVALID_ARGUMENT  the secret is longer than seal::kMaxSecretBytes
  absl::StatusOr<v1::SealedSecret> Seal(const std::string& group, absl::string_view place,
                                        absl::string_view secret);
  //   NOT_FOUND          this agent does not hold the key's record, yet or any more
  //   PERMISSION_DENIED  this agent has no share that opens it: it is no member, or not yet
  //   INVALID_ARGUMENT   not sealed for this place, or damaged
  absl::StatusOr<seal::Secret> Open(absl::string_view place, const v1::SealedSecret& sealed);
  // The same secret sealed to its group's current key; none if it is. Errors as of both.
  absl::StatusOr<std::optional<v1::SealedSecret>> Reseal(absl::string_view place,
                                                         const v1::SealedSecret& sealed);

  // --- For KeyKeeper -------------------------------------------------------------------------

  // This agent's own: what its roster entry is to say.
  const std::string& public_key() const { return own_.public_key(); }

  // The private half of a group's key; errors as of Open.
  absl::StatusOr<seal::SealingKey> Unlock(const std::string& key_name);
  // As the catalog has them now. Valid until it changes.
  const std::map<std::string, Group>& groups();
  // Grows with each change of the catalog that may change groups().
  uint64_t changes() const { return *changes_; }

 private:
  struct Found {
    const Group* group;
    const Key* key;
  };

  absl::StatusOr<Found> Find(const std::string& key_name);
  // From memory or by our share; none: it takes a later key.
  const seal::SealingKey* Opened(const Key& key);
  const seal::SealingKey* Remember(const Key& key, const absl::StatusOr<seal::Secret>& secret);
  // What opens `key`, if we can open `later`.
  const seal::SealingKey* OpenBy(const Key& later, const Key& key);

  const NodeId node_;
  const seal::SealingKey own_;
  storage::Catalog& catalog_;
  std::map<std::string, Group> groups_;
  uint64_t read_at_ = 0;                            // changes() when groups_ were read.
  std::map<std::string, seal::SealingKey> opened_;  // By key name.
  // The catalog keeps its listeners for longer than this object lives.
  const std::shared_ptr<uint64_t> changes_ = std::make_shared<uint64_t>(1);
};

// What boxes of keys are bound to, for who makes them.
inline constexpr absl::string_view kSharePurpose = "trellis share 1";  // Place: the share's name.
inline constexpr absl::string_view kPreviousPurpose = "trellis previous key 1";
std::string PreviousPlace(absl::string_view later, absl::string_view earlier);

}  // namespace trellis::vault

#endif  // TRELLIS_NODE_VAULT_VAULT_H_
