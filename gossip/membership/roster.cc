#include "gossip/membership/roster.h"

#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gossip/membership/neighbours.h"
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
  for (const PeerAddress& seed : seeds_) {
    if (seed.node == self_ || catalog_.FindRecord(AgentName(seed.node))) continue;
    members.emplace(seed.node, seed.address);
  }
  if (members == members_) return false;
  members_ = std::move(members);
  return true;
}

std::vector<PeerAddress> Roster::Neighbours(int max_neighbours) const {
  std::set<NodeId> nodes = {self_};
  for (const auto& [node, address] : members_) nodes.insert(node);
  std::vector<PeerAddress> neighbours;
  for (const NodeId node : ChooseNeighbours(self_, nodes, max_neighbours)) {
    neighbours.push_back({node, members_.at(node)});
  }
  return neighbours;
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
  return absl::PermissionDeniedError(
      absl::StrCat(AgentName(peer), " is not in the roster of this mesh"));
}

}  // namespace trellis::gossip
