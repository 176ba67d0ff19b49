#include "tests/simulation/eviction_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"

namespace trellis::simulation {
namespace {

using resource::AgentName;
using storage::Catalog;
using storage::Origin;

bool KnowsEvicted(const Catalog& catalog, const std::string& agent) {
  const auto record = catalog.FindRecord(agent);
  return record.has_value() && record->resource == nullptr;
}

}  // namespace

void EvictionWatch::Remember(const storage::v1::Delta& delta) {
  for (const storage::v1::Entry& entry : delta.entries()) {
    if (entry.operation() != storage::v1::DELETE ||
        resource::KindOf(entry.key()) != resource::Kind::kAgent) {
      continue;
    }
    Eviction& eviction = evictions_[{Origin::FromProto(entry.origin()), entry.sequence()}];
    eviction.agent = entry.key();
    for (const storage::v1::OriginHead& head : entry.fence()) {
      eviction.fence[Origin::FromProto(head.origin())] = head.head();
    }
  }
}

std::optional<uint64_t> EvictionWatch::FenceAround(const Catalog& catalog,
                                                   const Origin& origin) const {
  const std::string agent = AgentName(origin.node);
  std::optional<uint64_t> lowest;
  if (!KnowsEvicted(catalog, agent)) return lowest;
  for (const auto& [by, eviction] : evictions_) {
    if (eviction.agent != agent || catalog.vector().head(by.first) < by.second) continue;
    const auto fence = eviction.fence.find(origin);
    const uint64_t head = fence == eviction.fence.end() ? 0 : fence->second;
    lowest = std::min(lowest.value_or(head), head);
  }
  return lowest;
}

std::vector<std::string> EvictionWatch::OnTaken(const Catalog& catalog,
                                                const storage::v1::Delta& delta) {
  Remember(delta);
  const Origin origin = Origin::FromProto(delta.origin());
  const std::optional<uint64_t> fence = FenceAround(catalog, origin);
  if (!fence.has_value() || delta.up_to() <= *fence) return {};
  return {absl::StrCat("S16: write ", delta.up_to(), " of ", AgentName(origin.node),
                       " was taken, which was evicted and counts up to ", *fence)};
}

std::vector<std::string> EvictionWatch::Watch(size_t node, const Catalog& catalog) {
  const Seen now = {catalog.root(), catalog.vector().Hash()};
  const auto before = seen_.find(node);
  if (catalog.in_review() || (before != seen_.end() && before->second == now)) return {};
  seen_[node] = now;
  std::vector<std::string> broken;
  std::map<Origin, uint64_t> fences;
  for (const auto& [origin, head] : catalog.vector().heads()) {
    const std::optional<uint64_t> fence = FenceAround(catalog, origin);
    if (!fence.has_value()) continue;
    fences[origin] = *fence;
    if (head <= *fence) continue;
    broken.push_back(absl::StrCat("S16: holds ", head, " writes of ", AgentName(origin.node),
                                  ", which was evicted and counts up to ", *fence));
  }
  if (fences.empty()) return broken;
  const auto check = [&](const std::string& name, const Catalog::Record& record) {
    const auto fence = fences.find(record.origin);
    if (fence != fences.end() && record.sequence > fence->second) {
      broken.push_back(absl::StrCat("S16: shows ", name, " as the evicted ",
                                    AgentName(record.origin.node), " wrote it beyond its fence"));
    }
    return true;
  };
  catalog.Visit("", "", check);
  catalog.VisitTombstones("",
                          [&](const std::string& name) { check(name, *catalog.FindRecord(name)); });
  return broken;
}

std::vector<std::string> EvictionWatch::CheckKnown(
    const Catalog& catalog, absl::FunctionRef<bool(storage::NodeId author)> last) const {
  std::vector<std::string> broken;
  for (const auto& [by, eviction] : evictions_) {
    if (!last(by.first.node) || KnowsEvicted(catalog, eviction.agent)) continue;
    broken.push_back(absl::StrCat("S16: has not heard of the eviction of ", eviction.agent));
  }
  return broken;
}

}  // namespace trellis::simulation
