#include "node/vault/vault.h"

#include <deque>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/resource/names.h"

namespace trellis::vault {
namespace {

using resource::Kind;

constexpr absl::string_view kSecretPurpose = "trellis secret 1";

// No name has a NUL.
std::string Joined(absl::string_view a, absl::string_view b) {
  return absl::StrCat(a, absl::string_view("\0", 1), b);
}

bool Matters(const storage::Applied& applied) {
  return absl::c_any_of(applied.items, [](const storage::Applied::Item& item) {
    const Kind kind = resource::KindOf(item.name);
    return kind == Kind::kAgent || kind == Kind::kVpc || resource::IsInternal(item.name);
  });
}

const Key* FindKey(const Group& group, absl::string_view name) {
  const auto key = absl::c_find_if(group.keys, [&](const Key& key) { return key.name == name; });
  return key == group.keys.end() ? nullptr : &*key;
}

const std::string* BoxIn(const Key& later, const Key& key) {
  for (const v1::SealingKey::Previous& previous : later.record().previous()) {
    if (previous.key() != key.name || previous.sealed_private_key().empty()) continue;
    return &previous.sealed_private_key();
  }
  return nullptr;
}

}  // namespace

std::string PreviousPlace(absl::string_view later, absl::string_view earlier) {
  return Joined(later, earlier);
}

Vault::Vault(NodeId node, const seal::SealingKey& key, storage::Catalog& catalog)
    : node_(node), own_(key), catalog_(catalog) {
  catalog.Subscribe([changes = changes_](const storage::Applied& applied) {
    if (Matters(applied)) ++*changes;
  });
}

Vault::~Vault() = default;

const std::map<std::string, Group>& Vault::groups() {
  if (read_at_ != *changes_) groups_ = ReadGroups(catalog_);
  read_at_ = *changes_;
  return groups_;
}

absl::StatusOr<Vault::Found> Vault::Find(const std::string& key_name) {
  const std::shared_ptr<const v1::Resource> resource = catalog_.Find(key_name);
  if (resource != nullptr && resource->has_sealing_key()) {
    const auto group = groups().find(resource->sealing_key().group());
    if (group != groups_.end()) {
      if (const Key* key = FindKey(group->second, key_name)) return Found{&group->second, key};
    }
  }
  return absl::NotFoundError(
      absl::StrCat("sealed: its key ", key_name, " is not known here, or not yet"));
}

const seal::SealingKey* Vault::Remember(const Key& key,
                                        const absl::StatusOr<seal::Secret>& secret) {
  if (secret.ok()) {
    const absl::StatusOr<seal::SealingKey> opened = seal::SealingKey::FromPrivate(secret->bytes());
    if (opened.ok() && opened->public_key() == key.record().public_key()) {
      return &opened_.emplace(key.name, *opened).first->second;
    }
  }
  LOG(WARNING) << "vault: what should open " << key.name << " does not";
  return nullptr;
}

const seal::SealingKey* Vault::Opened(const Key& key) {
  if (const auto known = opened_.find(key.name); known != opened_.end()) return &known->second;
  const auto share = key.shares.find(node_);
  if (share == key.shares.end() || share->second.recipient_key != own_.public_key()) return nullptr;
  const std::string name = resource::ShareName(key.name, node_);
  const std::shared_ptr<const v1::Resource> record = catalog_.Find(name);
  return Remember(key,
                  own_.Open(kSharePurpose, name, record->sealing_share().sealed_private_key()));
}

const seal::SealingKey* Vault::OpenBy(const Key& later, const Key& key) {
  const auto opener = opened_.find(later.name);
  const std::string* const box = BoxIn(later, key);
  if (opener == opened_.end() || box == nullptr) return nullptr;
  return Remember(key,
                  opener->second.Open(kPreviousPurpose, PreviousPlace(later.name, key.name), *box));
}

absl::StatusOr<seal::SealingKey> Vault::Unlock(const std::string& key_name) {
  ASSIGN_OR_RETURN(const Found found, Find(key_name));
  // Up to the first later key that we can open, and down again. Each is looked at once.
  std::deque<const Key*> waiting{found.key};
  std::map<const Key*, const Key*> down{{found.key, nullptr}};  // What each was looked at for.
  while (!waiting.empty()) {
    const Key* key = waiting.front();
    waiting.pop_front();
    if (Opened(*key) != nullptr) {
      for (const Key* next = down[key]; next != nullptr; key = next, next = down[next]) {
        if (OpenBy(*key, *next) == nullptr) break;
      }
      if (const auto opened = opened_.find(key_name); opened != opened_.end()) {
        return opened->second;
      }
      continue;
    }
    for (const Key& later : found.group->keys) {
      if (BoxIn(later, *key) != nullptr && down.emplace(&later, key).second) {
        waiting.push_back(&later);
      }
    }
  }
  return absl::PermissionDeniedError(
      absl::StrCat("sealed: this agent has no share of ", key_name, " of group ", found.group->name,
                   "; only members have, once an admin agent knows of them"));
}

absl::StatusOr<v1::SealedSecret> Vault::Seal(const std::string& group, absl::string_view place,
                                             absl::string_view secret) {
  const auto found = groups().find(group);
  if (found == groups_.end()) {
    return absl::NotFoundError(absl::StrCat("sealed: there is no group ", group));
  }
  const Key* const current = found->second.Current();
  if (current == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        "sealed: group ", group, " has no key yet; an admin agent is making it, try again"));
  }
  v1::SealedSecret sealed;
  sealed.set_key(current->name);
  ASSIGN_OR_RETURN(*sealed.mutable_box(), seal::Seal(current->record().public_key(), kSecretPurpose,
                                                     Joined(current->name, place), secret));
  return sealed;
}

absl::StatusOr<seal::Secret> Vault::Open(absl::string_view place, const v1::SealedSecret& sealed) {
  ASSIGN_OR_RETURN(const seal::SealingKey key, Unlock(sealed.key()));
  return key.Open(kSecretPurpose, Joined(sealed.key(), place), sealed.box());
}

absl::StatusOr<std::optional<v1::SealedSecret>> Vault::Reseal(absl::string_view place,
                                                              const v1::SealedSecret& sealed) {
  ASSIGN_OR_RETURN(const Found found, Find(sealed.key()));
  if (found.key == found.group->Current()) return std::nullopt;
  const std::string group = found.group->name;
  ASSIGN_OR_RETURN(const seal::Secret secret, Open(place, sealed));
  ASSIGN_OR_RETURN(v1::SealedSecret again, Seal(group, place, secret.bytes()));
  return again;
}

}  // namespace trellis::vault
