#include "tests/simulation/collection_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"
#include "tests/simulation/sometimes.h"

namespace trellis::simulation {

using storage::Catalog;
using storage::MeshToken;

std::vector<std::string> CollectionWatch::OnCollection(const storage::VersionVector& floor,
                                                       const std::vector<Member>& roster) {
  SOMETIMES("tombstones were collected");
  std::vector<std::string> broken;
  for (const Member& member : roster) {
    if (!member.admitted.IsWithin(floor) || member.held.Covers(floor)) continue;
    broken.push_back(absl::StrCat("S9: tombstones were collected that ", member.name, " lacks"));
  }
  for (const auto& [origin, head] : floor.heads()) collected_.Advance(origin, head);
  return broken;
}

std::vector<std::string> CollectionWatch::Watch(
    size_t node, const Catalog& catalog,
    absl::FunctionRef<bool(storage::NodeId author)> may_be_void) {
  const auto before = seen_.find(node);
  if (before != seen_.end() && before->second.root == catalog.root()) return {};
  Seen now;
  now.root = catalog.root();
  catalog.VisitTombstones("", [&](const std::string& name) {
    const auto record = catalog.FindRecord(name);
    now.tombstones[name] = {record->origin, record->sequence};
  });
  std::vector<std::string> broken;
  if (before != seen_.end()) {
    for (const auto& [name, token] : before->second.tombstones) {
      const auto record = catalog.FindRecord(name);
      const bool evicts = resource::KindOf(name) == resource::Kind::kAgent;
      const bool undone = evicts && record.has_value() && record->resource != nullptr;
      if ((record.has_value() && !undone) || may_be_void(token.origin.node)) continue;
      if (evicts) {
        broken.push_back(absl::StrCat("S9: the eviction of ", name, " was forgotten"));
      } else if (collected_.head(token.origin) < token.sequence) {
        broken.push_back(absl::StrCat("S9: the delete of ", name, " was forgotten uncollected"));
      }
    }
  }
  seen_[node] = std::move(now);
  return broken;
}

}  // namespace trellis::simulation
