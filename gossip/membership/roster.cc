#include "gossip/membership/roster.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "gossip/membership/neighbours.h"

namespace trellis::gossip {

std::string AgentName(NodeId node) { return absl::StrFormat("%s%016x", kAgentPrefix, node); }

std::optional<NodeId> ParseAgentName(absl::string_view name) {
  NodeId node = 0;
  if (!absl::ConsumePrefix(&name, kAgentPrefix)) return std::nullopt;
  if (!absl::SimpleHexAtoi(name, &node)) return std::nullopt;
  // One spelling only, or two names could be one agent.
  if (AgentName(node) != absl::StrCat(kAgentPrefix, name)) return std::nullopt;
  return node;
}

Roster::Roster(NodeId self, std::vector<PeerAddress> seeds, const storage::Catalog& catalog)
    : self_(self), seeds_(std::move(seeds)), catalog_(catalog) {
  Refresh();
}

bool Roster::Refresh() {
  std::map<NodeId, std::string> members;
  catalog_.Visit(kAgentPrefix, "",
                 [&](const std::string& name, const storage::Catalog::Record& record) {
                   const std::optional<NodeId> node = ParseAgentName(name);
                   if (node && *node != self_) {
                     members[*node] = record.resource->agent().mesh_address();
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
    return absl::PermissionDeniedError(
        absl::StrCat(AgentName(peer), " is this agent's own identity; two agents must not share one"));
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
