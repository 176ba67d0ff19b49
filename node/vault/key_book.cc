#include "node/vault/key_book.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "storage/resource/names.h"
#include "storage/resource/validate.h"

namespace trellis::vault {
namespace {

using resource::Kind;
using Groups = std::map<std::string, Group>;

constexpr int kMaxShown = 20;  // Agents of an answer.

NodeId NodeOf(absl::string_view name) {
  NodeId node = 0;
  return absl::SimpleHexAtoi(resource::IdOf(name), &node) ? node : 0;
}

Group& GroupCalled(const std::string& name, Groups& groups) {
  Group& group = groups[name];
  group.name = name;
  return group;
}

void AddMembers(const storage::Catalog& catalog, Groups& groups) {
  GroupCalled(std::string(resource::kAdminsGroup), groups);
  catalog.Visit(resource::CollectionPrefix(Kind::kVpc), "",
                [&](const std::string& name, const storage::Catalog::Record&) {
                  GroupCalled(name, groups);
                  return true;
                });
  catalog.Visit(resource::CollectionPrefix(Kind::kAgent), "",
                [&](const std::string& name, const storage::Catalog::Record& record) {
                  const v1::Agent& agent = record.resource->agent();
                  const Member member{agent.role() == v1::ADMIN, agent.sealing_key()};
                  if (!member.admin) {
                    const auto group = groups.find(agent.vpc());
                    if (group != groups.end()) group->second.members.emplace(NodeOf(name), member);
                    return true;
                  }
                  for (auto& [group_name, group] : groups) {
                    group.members.emplace(NodeOf(name), member);
                  }
                  return true;
                });
}

// Names sort so that a key comes before its shares.
void AddKeys(const storage::Catalog& catalog, Groups& groups) {
  Key* latest = nullptr;
  catalog.Visit(resource::CollectionPrefix(Kind::kSealingKey), "",
                [&](const std::string& name, const storage::Catalog::Record& record) {
                  if (!resource::Validate(*record.resource).ok()) return true;
                  if (record.resource->has_sealing_key()) {
                    const std::string& called = record.resource->sealing_key().group();
                    const bool known = groups.count(called) > 0;
                    Group& group = GroupCalled(called, groups);
                    if (!known) group.retired = true;
                    latest =
                        &group.keys.emplace_back(Key{.name = name, .resource = record.resource});
                  } else if (latest != nullptr && resource::ParentOf(name) == latest->name) {
                    latest->shares[NodeOf(name)] = {
                        record.resource->sealing_share().recipient_key(), record.version};
                  }
                  return true;
                });
}

void MarkFollowed(Group& group) {
  std::map<std::string, int64_t> follower;  // The highest generation that follows it.
  for (const Key& key : group.keys) {
    for (const v1::SealingKey::Previous& previous : key.record().previous()) {
      int64_t& highest = follower[previous.key()];
      highest = std::max(highest, key.record().generation());
    }
  }
  for (Key& key : group.keys) {
    const auto found = follower.find(key.name);
    // Later ones only: so there is always one that none follows.
    key.followed = found != follower.end() && found->second > key.record().generation();
  }
  absl::c_sort(group.keys, [](const Key& a, const Key& b) {
    return std::tuple(a.followed, -a.record().generation(), a.name) <
           std::tuple(b.followed, -b.record().generation(), b.name);
  });
}

// Keys are in falling order, so whoever opens one comes before it.
void MarkReachable(Group& group) {
  std::set<std::string> reachable;
  for (Key& key : group.keys) {
    key.reachable = &key == &group.keys.front() || reachable.count(key.name) > 0;
    if (!key.reachable) continue;
    for (const v1::SealingKey::Previous& previous : key.record().previous()) {
      if (!previous.sealed_private_key().empty()) reachable.insert(previous.key());
    }
  }
}

}  // namespace

std::vector<const Key*> Group::Heads() const {
  std::vector<const Key*> heads;
  for (const Key& key : keys) {
    if (!key.followed) heads.push_back(&key);
  }
  return heads;
}

bool Group::CanOpen(const Key& key, NodeId node) const {
  const auto member = members.find(node);
  const auto share = key.shares.find(node);
  return member != members.end() && share != key.shares.end() &&
         share->second.recipient_key == member->second.sealing_key;
}

bool Group::AnyAdminCanOpen(const Key& key) const {
  return absl::c_any_of(members, [&](const auto& member) {
    return member.second.admin && CanOpen(key, member.first);
  });
}

std::vector<NodeId> Group::Lacking(const Key& key) const {
  std::vector<NodeId> lacking;
  for (const auto& [node, member] : members) {
    if (!CanOpen(key, node)) lacking.push_back(node);
  }
  return lacking;
}

std::map<std::string, Group> ReadGroups(const storage::Catalog& catalog) {
  Groups groups;
  AddMembers(catalog, groups);
  AddKeys(catalog, groups);
  std::set<NodeId> evicted;
  catalog.VisitTombstones(resource::CollectionPrefix(Kind::kAgent),
                          [&](const std::string& name) { evicted.insert(NodeOf(name)); });
  for (auto& [name, group] : groups) {
    MarkFollowed(group);
    MarkReachable(group);
    for (Key& key : group.keys) {
      // Whose record is not here yet is no stranger.
      key.betrayed = absl::c_any_of(
          key.shares, [&](const auto& share) { return evicted.count(share.first) > 0; });
    }
  }
  return groups;
}

v1::SealingGroupState Describe(const Group& group) {
  v1::SealingGroupState state;
  state.set_group(group.name);
  state.set_members(static_cast<int32_t>(group.members.size()));
  const Key* const current = group.Current();
  if (current == nullptr) {
    state.set_lacking(state.members());
    return state;
  }
  state.set_generation(current->record().generation());
  *state.mutable_create_time() = current->record().create_time();
  const std::vector<NodeId> lacking = group.Lacking(*current);
  state.set_lacking(static_cast<int32_t>(lacking.size()));
  for (const NodeId node : lacking) {
    if (state.lacking_agents_size() == kMaxShown) break;
    state.add_lacking_agents(resource::AgentName(node));
  }
  return state;
}

}  // namespace trellis::vault
