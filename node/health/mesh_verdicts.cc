#include "node/health/mesh_verdicts.h"

#include <algorithm>

#include "node/snapshot/compile_target_group.h"

namespace trellis::health {

using routing::Opinion;

Opinion MeshVerdicts::Of(uint64_t list, uint32_t index, const net::Endpoint& target,
                         Opinion previous) const {
  std::vector<Opinion> opinions;
  for (const gossip::CheckerOpinion& each : opinions_of_(list, index, target.AddressString())) {
    opinions.push_back(each.opinion);
  }
  return routing::Merge(opinions, previous);
}

std::optional<Verdict> MeshVerdicts::Get(const LocatedTarget& target) {
  const List& list = ListOf(target.target_group);
  const auto at = std::lower_bound(list.targets.begin(), list.targets.end(), target.endpoint);
  if (at == list.targets.end() || *at != target.endpoint) return std::nullopt;
  const auto index = static_cast<uint32_t>(at - list.targets.begin());
  switch (Of(list.identity, index, target.endpoint, Opinion::kNone)) {
    case Opinion::kNone:
      return std::nullopt;
    case Opinion::kHealthy:
      return Verdict{routing::TargetHealth::kHealthy, ""};
    case Opinion::kUnhealthy:
      return Verdict{routing::TargetHealth::kUnhealthy, kUnhealthyForOthers};
  }
  return std::nullopt;
}

const MeshVerdicts::List& MeshVerdicts::ListOf(const std::string& target_group) {
  if (!list_.has_value() || list_->target_group != target_group) {
    list_ = {.target_group = target_group, .targets = TargetEndpoints(catalog_, target_group)};
    list_->identity = routing::ListIdentity(target_group, list_->targets);
  }
  return *list_;
}

}  // namespace trellis::health
