#include "node/vault/key_keeper.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/resource/names.h"
#include "storage/resource/validate.h"

namespace trellis::vault {
namespace {

using resource::Kind;
using storage::Change;

constexpr size_t kMaxNamed = 3;  // Agents in a message.

bool HasSealingKey(const Group& group, NodeId node) {
  const auto member = group.members.find(node);
  return member != group.members.end() && !member->second.sealing_key.empty();
}

// Admins first: they give the others theirs.
std::vector<NodeId> MembersInOrder(const Group& group) {
  std::vector<NodeId> nodes;
  for (const bool admin : {true, false}) {
    for (const auto& [node, member] : group.members) {
      if (member.admin == admin) nodes.push_back(node);
    }
  }
  return nodes;
}

int64_t NextGeneration(const Group& group) {
  int64_t highest = 0;
  for (const Key& key : group.keys) highest = std::max(highest, key.record().generation());
  return highest + 1;
}

absl::Status CannotOpen(const Group& group, const Key& key) {
  std::vector<std::string> able;
  for (const auto& [node, member] : group.members) {
    if (able.size() < kMaxNamed && member.admin && group.CanOpen(key, node)) {
      able.push_back(resource::AgentName(node));
    }
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "sealing key: this agent cannot open that of ", group.name, ", which the next must follow; ",
      able.empty() ? "no admin agent can, and a minute after the last could a new one is made"
                   : absl::StrCat("ask ", absl::StrJoin(able, " or "))));
}

}  // namespace

KeyKeeper::KeyKeeper(Vault& vault, storage::Catalog& catalog, gossip::Gossip& gossip,
                     Runtime runtime)
    : vault_(vault), catalog_(catalog), gossip_(gossip), runtime_(runtime) {}

KeyKeeper::~KeyKeeper() {
  runtime_.scheduler.Cancel(timer_);
  if (asked_.has_value()) gossip_.CancelQuery(*asked_);
}

void KeyKeeper::Start() {
  timer_ = runtime_.scheduler.RunAfter(kTick, [this] { Tick(); });
}

void KeyKeeper::Tick() {
  Start();
  // What is still coming in would be judged by half of it.
  if (!catalog_.self().admin || gossip_.CatchingUp()) return;
  if (vault_.changes() == seen_ && now() < next_look_) return;
  seen_ = vault_.changes();
  next_look_ = now() + kRecheck;
  // What is written changes the groups: those are looked at with the next tick.
  const std::map<std::string, Group> groups = vault_.groups();
  for (const auto& [name, group] : groups) {
    if (!group.retired) Tend(group);
  }
}

void KeyKeeper::Tend(const Group& group) {
  for (const Key* head : group.Heads()) {
    if (AddShares(group, *head)) return;
  }
  if (!MakeKeyIfDue(group)) DropOldShares(group);
}

bool KeyKeeper::IsLost(const Group& group, const Key& key) {
  if (group.AnyAdminCanOpen(key)) {
    lost_since_.erase(key.name);
    return false;
  }
  return now() - lost_since_.try_emplace(key.name, now()).first->second >= kLostAfter;
}

// --- Shares --------------------------------------------------------------------------------------

std::vector<Change> KeyKeeper::SharesFor(const Group& group, const std::string& key_name,
                                         const Key* existing, const std::vector<NodeId>& nodes,
                                         const seal::SealingKey& key) const {
  std::vector<Change> changes;
  for (const NodeId node : nodes) {
    if (changes.size() == kMaxSharesAtOnce) break;
    if (!HasSealingKey(group, node)) continue;
    Change change{.name = resource::ShareName(key_name, node)};
    const std::string& recipient = group.members.at(node).sealing_key;
    absl::StatusOr<std::string> box = seal::SealKey(recipient, kSharePurpose, change.name, key);
    if (!box.ok()) continue;  // It says a key that is none, and has itself to blame.
    v1::SealingShare& share = *change.resource.emplace().mutable_sealing_share();
    share.set_name(change.name);
    share.set_recipient_key(recipient);
    share.set_sealed_private_key(*std::move(box));
    if (existing != nullptr) {
      const auto old = existing->shares.find(node);
      if (old != existing->shares.end()) change.base = old->second.version;
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

bool KeyKeeper::AddShares(const Group& group, const Key& key) {
  std::vector<NodeId> lacking = group.Lacking(key);
  lacking.erase(std::remove_if(lacking.begin(), lacking.end(),
                               [&](NodeId node) {
                                 // Others need the current one alone.
                                 const bool needed =
                                     &key == group.Current() || group.members.at(node).admin;
                                 return !needed || !HasSealingKey(group, node);
                               }),
                lacking.end());
  if (lacking.empty()) return false;
  if (!gossip_.Leads([&](NodeId node) { return group.CanOpen(key, node); })) return false;
  const absl::StatusOr<seal::SealingKey> opened = vault_.Unlock(key.name);
  if (!opened.ok()) return false;
  return Commit(SharesFor(group, key.name, &key, lacking, *opened),
                absl::StrCat("shares of the key of ", group.name));
}

void KeyKeeper::DropOldShares(const Group& group) {
  const Key* const current = group.Current();
  std::vector<Change> changes;
  for (const Key& key : group.keys) {
    if (!key.followed || !key.reachable) continue;
    for (const auto& [node, share] : key.shares) {
      if (changes.size() == kMaxSharesAtOnce) break;
      changes.push_back(
          {.name = resource::ShareName(key.name, node), .resource = {}, .base = share.version});
    }
  }
  if (changes.empty()) return;
  if (!gossip_.Leads([&](NodeId node) { return group.CanOpen(*current, node); })) return;
  if (everywhere_.count(current->name) == 0) return AskWhetherAllHold();
  Commit(std::move(changes), absl::StrCat("no more shares of earlier keys of ", group.name));
}

// An eviction by somebody who does not hold the newest key yet could void it: then the shares of
// the one before are all there is.
void KeyKeeper::AskWhetherAllHold() {
  if (asked_.has_value() || now() < next_question_) return;
  next_question_ = now() + kAskInterval;
  std::set<std::string> current;
  for (const auto& [name, group] : vault_.groups()) {
    if (group.Current() != nullptr) current.insert(group.Current()->name);
  }
  gossip::BarrierRequest request;
  request.wanted = catalog_.vector();
  request.timeout = kAskTimeout;
  asked_ = gossip_.Barrier(std::move(request), [this, current = std::move(current)](
                                                   const gossip::BarrierResult& result) mutable {
    asked_.reset();
    if (result.outcome != gossip::BarrierResult::Outcome::kAll) return;
    everywhere_ = std::move(current);
    next_look_ = absl::ZeroDuration();
  });
}

// --- Keys ----------------------------------------------------------------------------------------

bool KeyKeeper::MakeKeyIfDue(const Group& group) {
  const std::vector<const Key*> heads = group.Heads();
  bool due = heads.size() != 1;
  std::vector<const Key*> needed;
  for (const Key* head : heads) {
    const bool lost = IsLost(group, *head);
    due = due || lost || head->betrayed;
    if (!lost) needed.push_back(head);
  }
  if (!due) return false;
  const bool leads = gossip_.Leads([&](NodeId node) {
    return HasSealingKey(group, node) &&
           absl::c_all_of(needed, [&](const Key* key) { return group.CanOpen(*key, node); });
  });
  if (!leads) return false;
  const absl::Status status = MakeKey(group).status();
  if (!status.ok()) LOG(WARNING) << "vault: no key made for " << group.name << ": " << status;
  return status.ok();
}

absl::StatusOr<storage::MeshToken> KeyKeeper::MakeKey(const Group& group) {
  const auto self = group.members.find(catalog_.self().node);
  if (self == group.members.end() || self->second.sealing_key != vault_.public_key()) {
    // We should make what we could not open.
    return absl::FailedPreconditionError(
        "sealing key: the roster does not say this agent's own key yet; try again in a moment");
  }
  const seal::SealingKey key = seal::SealingKey::Generate();
  const std::string name =
      resource::Join("", Kind::kSealingKey, resource::NewId(Kind::kSealingKey, runtime_.random));
  Change change{.name = name};
  v1::SealingKey& record = *change.resource.emplace().mutable_sealing_key();
  record.set_name(name);
  record.set_group(group.name);
  record.set_generation(NextGeneration(group));
  record.set_public_key(key.public_key());
  for (const Key* head : group.Heads()) {
    if (record.previous_size() == resource::kMaxPreviousKeys) break;
    v1::SealingKey::Previous& previous = *record.add_previous();
    previous.set_key(head->name);
    const absl::StatusOr<seal::SealingKey> opened = vault_.Unlock(head->name);
    if (opened.ok()) {
      ASSIGN_OR_RETURN(*previous.mutable_sealed_private_key(),
                       seal::SealKey(key.public_key(), kPreviousPurpose,
                                     PreviousPlace(name, head->name), *opened));
    } else if (!IsLost(group, *head)) {
      return CannotOpen(group, *head);
    }
  }
  std::vector<Change> changes = SharesFor(group, name, nullptr, MembersInOrder(group), key);
  const size_t shares = changes.size();
  changes.insert(changes.begin(), std::move(change));
  ASSIGN_OR_RETURN(const storage::MeshToken token, catalog_.Commit(std::move(changes)));
  LOG(INFO) << "vault: made " << name << ", generation " << NextGeneration(group) << " of "
            << group.name << ", with " << shares << " shares";
  return token;
}

absl::Status KeyKeeper::CheckRotate(const std::string& group_name) {
  const auto found = vault_.groups().find(group_name);
  if (found == vault_.groups().end() || found->second.retired) {
    return absl::NotFoundError(absl::StrCat("sealing key: there is no group ", group_name));
  }
  for (const Key* head : found->second.Heads()) {
    if (!vault_.Unlock(head->name).ok() && !IsLost(found->second, *head)) {
      return CannotOpen(found->second, *head);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::MeshToken> KeyKeeper::Rotate(const std::string& group_name) {
  RETURN_IF_ERROR(CheckRotate(group_name));
  const Group group = vault_.groups().at(group_name);
  return MakeKey(group);
}

bool KeyKeeper::Commit(std::vector<Change> changes, const std::string& what) {
  if (changes.empty()) return false;
  const size_t count = changes.size();
  const absl::Status status = catalog_.Commit(std::move(changes)).status();
  if (status.ok()) {
    LOG(INFO) << "vault: " << what << ": " << count;
  } else {
    LOG(WARNING) << "vault: " << what << ": not written: " << status;
  }
  return status.ok();
}

}  // namespace trellis::vault
