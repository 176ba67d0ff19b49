#include "tests/simulation/ledger.h"

#include <algorithm>

namespace trellis::simulation {

void Ledger::Mark(storage::NodeId node, bool Write::*excuse) {
  for (auto& [name, writes] : names_) {
    for (auto& [version, write] : writes) write.*excuse |= write.token.origin.node == node;
  }
}

const Ledger::Write* Ledger::Find(const std::string& name, const storage::Version& version) const {
  const auto writes = names_.find(name);
  if (writes == names_.end()) return nullptr;
  const auto write = writes->second.find(version);
  return write == writes->second.end() ? nullptr : &write->second;
}

bool Ledger::DeletedSince(const std::string& name, const storage::Version& version) const {
  const Writes& writes = names_.at(name);
  return std::any_of(writes.lower_bound(version), writes.end(),
                     [](const auto& write) { return !write.second.text.has_value(); });
}

bool Ledger::Descends(const std::string& name, const storage::Version& newer,
                      const storage::Version& older) const {
  if (newer == older) return true;
  const Write* const write = Find(name, newer);
  if (write == nullptr || newer < older) return false;
  return std::any_of(write->over.begin(), write->over.end(),
                     [&](const storage::Version& over) { return Descends(name, over, older); });
}

}  // namespace trellis::simulation
