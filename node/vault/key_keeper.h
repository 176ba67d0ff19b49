// Has a key made for each group, a share of it for each member, and another key when somebody who
// had a share was evicted.
//
// Every agent has a keeper; who acts is decided anew each time, from the catalog and from who is
// alive: of the admins that can do what is to be done the living one with the least id. Two that
// act at once do no harm, and what they made is joined by one key more.
//
// Decision: docs/decisions/0017-sealed-secrets.md.
#ifndef TRELLIS_NODE_VAULT_KEY_KEEPER_H_
#define TRELLIS_NODE_VAULT_KEY_KEEPER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/gossip.h"
#include "node/vault/key_book.h"
#include "node/vault/vault.h"
#include "storage/catalog/catalog.h"

namespace trellis::vault {

// Thread-safety: none; control thread.
class KeyKeeper {
 public:
  // After a change of the catalog, and without one, for agents come and go.
  static constexpr absl::Duration kTick = absl::Seconds(1);
  static constexpr absl::Duration kRecheck = absl::Seconds(10);
  // How long no admin must have been able to open a key before it is given up.
  static constexpr absl::Duration kLostAfter = absl::Minutes(1);
  // Between two questions whether everybody holds the newest keys, while old shares wait for that.
  static constexpr absl::Duration kAskInterval = absl::Minutes(1);
  static constexpr absl::Duration kAskTimeout = absl::Seconds(5);
  static constexpr size_t kMaxSharesAtOnce = 2000;  // Of one transaction.

  // All borrowed.
  KeyKeeper(Vault& vault, storage::Catalog& catalog, gossip::Gossip& gossip, Runtime runtime);
  ~KeyKeeper();
  KeyKeeper(const KeyKeeper&) = delete;
  KeyKeeper& operator=(const KeyKeeper&) = delete;

  void Start();

  // Makes another key for `group` because somebody asked. Nothing changed unless OK.
  //   NOT_FOUND            there is no such group, or its VPC was deleted
  //   FAILED_PRECONDITION  this agent cannot open the key it is to follow; the message names agents
  //                        that can
  //   others               as of Catalog::Commit
  absl::StatusOr<storage::MeshToken> Rotate(const std::string& group);
  absl::Status CheckRotate(const std::string& group);

  Vault& vault() { return vault_; }

 private:
  void Tick();
  void Tend(const Group& group);
  bool IsLost(const Group& group, const Key& key);
  bool AddShares(const Group& group, const Key& key);
  bool MakeKeyIfDue(const Group& group);
  void DropOldShares(const Group& group);
  void AskWhetherAllHold();

  // For those of `nodes` that can be sealed to, at most kMaxSharesAtOnce.
  std::vector<storage::Change> SharesFor(const Group& group, const std::string& key_name,
                                         const Key* existing, const std::vector<NodeId>& nodes,
                                         const seal::SealingKey& key) const;
  absl::StatusOr<storage::MeshToken> MakeKey(const Group& group);
  bool Commit(std::vector<storage::Change> changes, const std::string& what);
  absl::Duration now() const { return runtime_.scheduler.MonotonicNow(); }

  Vault& vault_;
  storage::Catalog& catalog_;
  gossip::Gossip& gossip_;
  const Runtime runtime_;
  uint64_t seen_ = 0;  // vault_.changes() at the latest look.
  absl::Duration next_look_;
  std::map<std::string, absl::Duration> lost_since_;  // Keys that no admin can open.
  std::optional<uint64_t> asked_;
  absl::Duration next_question_;
  std::set<std::string> everywhere_;  // Current keys that every member of the roster holds.
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::vault

#endif  // TRELLIS_NODE_VAULT_KEY_KEEPER_H_
