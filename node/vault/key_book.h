// Which sealing keys there are, who is to open them and who can: read from the catalog, and a
// function of it alone, so that agents that hold the same agree.
//
// Decision: docs/decisions/0017-sealed-secrets.md.
#ifndef TRELLIS_NODE_VAULT_KEY_BOOK_H_
#define TRELLIS_NODE_VAULT_KEY_BOOK_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/trellis/v1/mesh_api.pb.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/catalog/catalog.h"

namespace trellis::vault {

using storage::NodeId;

struct Share {
  std::string recipient_key;  // Whose private half opens it.
  storage::Version version;
};

struct Key {
  std::string name;  // sealingKeys/{…}
  std::shared_ptr<const v1::Resource> resource;
  std::map<NodeId, Share> shares;
  bool followed = false;   // Another has taken its place.
  bool reachable = false;  // The current key, or opened by who has that.
  bool betrayed = false;   // Somebody has a share of it who was evicted.

  const v1::SealingKey& record() const { return resource->sealing_key(); }
};

struct Member {
  bool admin = false;
  std::string sealing_key;  // Empty: it has not said any.
};

struct Group {
  std::string name;      // "admins" or vpcs/{…}.
  bool retired = false;  // Its VPC is no more: its keys stay as they are.
  std::map<NodeId, Member> members;
  std::vector<Key> keys;  // Those that none follows first; by falling generation, then by name.

  // Those that none follows. More than one: two agents made one at the same time.
  std::vector<const Key*> Heads() const;
  // What is sealed to this group is sealed to this one; null: there is none.
  const Key* Current() const { return keys.empty() ? nullptr : &keys.front(); }
  // Whether `node` is a member and has a share of `key` for the sealing key that it has now.
  bool CanOpen(const Key& key, NodeId node) const;
  // Whether any admin can; without, nobody new ever will.
  bool AnyAdminCanOpen(const Key& key) const;
  // Members that cannot, in order.
  std::vector<NodeId> Lacking(const Key& key) const;
};

// By name: "admins", that of each VPC, and what else has keys. Keys and shares that are malformed
// are left out. O(agents + VPCs * admins + shares).
std::map<std::string, Group> ReadGroups(const storage::Catalog& catalog);

v1::SealingGroupState Describe(const Group& group);

}  // namespace trellis::vault

#endif  // TRELLIS_NODE_VAULT_KEY_BOOK_H_
