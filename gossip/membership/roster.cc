#include "gossip/membership/roster.h"

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

namespace {

using resource::AgentName;

NodeId NodeOfAgent(absl::string_view name) {
  NodeId node = 0;
  return absl::SimpleHexAtoi(resource::IdOf(name), &node) ? node : 0;
}

}  // namespace

Roster::Roster(NodeId self, std::vector<PeerAddress> seeds, const storage::Catalog& catalog)
    : self_(self), seeds_(std::move(seeds)), catalog_(catalog) {
  Refresh();
}

bool Roster::Refresh() {
  std::map<NodeId, std::string> members;
  catalog_.Visit(resource::CollectionPrefix(resource::Kind::kAgent), "",
                 [&](const std::string& name, const storage::Catalog::Record& record) {
                   const NodeId node = NodeOfAgent(name);
                   if (node != 0 && node != self_) {
                     members[node] = record.resource->agent().mesh_address();
                   }
                   return true;
                 });
  if (!catalog_.whole()) {
    for (const PeerAddress& seed : seeds_) {
      const bool known = catalog_.FindRecord(AgentName(seed.node)).has_value();
      if (seed.node != self_ && !known) members.emplace(seed.node, seed.address);
    }
  }
  if (members == members_) return false;
  members_ = std::move(members);
  return true;
}

std::set<NodeId> Roster::nodes() const {
  std::set<NodeId> nodes;
  for (const auto& [node, address] : members_) nodes.insert(node);
  return nodes;
}

void Roster::AddAddresses(const std::set<NodeId>& nodes,
                          std::vector<PeerAddress>* addresses) const {
  for (const NodeId node : nodes) {
    const auto it = members_.find(node);
    if (it != members_.end()) addresses->push_back({node, it->second});
  }
}

absl::Status Roster::Admits(NodeId peer) const {
  if (members_.count(peer) > 0) return absl::OkStatus();
  if (peer == self_) {
    return absl::PermissionDeniedError(absl::StrCat(
        AgentName(peer), " is this agent's own identity; two agents must not share one"));
  }
  const auto record = catalog_.FindRecord(AgentName(peer));
  if (record && record->resource == nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat(AgentName(peer), " was evicted; it must join anew, as another agent"));
  }
  return absl::NotFoundError(absl::StrCat(AgentName(peer), " is not in the roster of this mesh"));
}

}  // namespace trellis::gossip
