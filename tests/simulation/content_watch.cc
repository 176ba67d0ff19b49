#include "tests/simulation/content_watch.h"

#include "absl/strings/str_cat.h"
#include "storage/resource/names.h"

namespace trellis::simulation {

using storage::Catalog;

std::optional<std::string> ContentWatch::Store::Note(const std::string& name,
                                                     const Catalog::Record& record) {
  const auto [held, is_new] =
      versions_.try_emplace({record.origin, record.sequence}, record.version);
  if (is_new || held->second == record.version) return std::nullopt;
  return absl::StrCat("S8: write ", record.sequence, " of ",
                      resource::AgentName(record.origin.node), " is held with two contents: ", name,
                      " is of ", record.version.ToEtag(), ", another of its changes of ",
                      held->second.ToEtag());
}

std::vector<std::string> ContentWatch::Watch(size_t node, const Catalog& catalog) {
  const auto seen = seen_.find(node);
  if (seen != seen_.end() && seen->second == catalog.root()) return {};
  seen_[node] = catalog.root();
  std::vector<std::string> broken;
  Store store;
  const auto note = [&](const std::string& name, const Catalog::Record& record) {
    if (auto twice = store.Note(name, record)) broken.push_back(*std::move(twice));
    return true;
  };
  catalog.Visit("", "", note);
  catalog.VisitTombstones("",
                          [&](const std::string& name) { note(name, *catalog.FindRecord(name)); });
  catalog.VisitConflicts("", "", note);
  return broken;
}

}  // namespace trellis::simulation
