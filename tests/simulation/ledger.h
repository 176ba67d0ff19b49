// What admins were promised: every write that was acknowledged, and what it descends from.
#ifndef TRELLIS_TESTS_SIMULATION_LEDGER_H_
#define TRELLIS_TESTS_SIMULATION_LEDGER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/version.h"

namespace trellis::simulation {

// Thread-safety: none.
class Ledger {
 public:
  struct Write {
    storage::MeshToken token;
    std::vector<storage::Version> over;  // What it was written over: the winner, and conflicts.
    std::optional<std::string> text;     // None: a delete.
    // Only on a disk that lied or was lost: nobody can be held to it.
    bool may_be_lost = false;
    // By an agent that was evicted: what the agent that evicted it did not hold is void.
    bool may_be_void = false;
  };
  using Writes = std::map<storage::Version, Write>;

  void Acknowledge(const std::string& name, const storage::Version& version, Write write) {
    names_[name][version] = std::move(write);
  }
  // The disk of that node lost what it alone may have held.
  void Excuse(storage::NodeId node) { Mark(node, &Write::may_be_lost); }
  void ExcuseEvicted(storage::NodeId node) { Mark(node, &Write::may_be_void); }

  const std::map<std::string, Writes>& names() const { return names_; }
  // Null: nobody was promised that.
  const Write* Find(const std::string& name, const storage::Version& version) const;
  // Whether a delete of `name` was acknowledged that is at or above `version`.
  bool DeletedSince(const std::string& name, const storage::Version& version) const;
  // Whether `newer` was written over `older`, or over what came of it; also of equal ones.
  bool Descends(const std::string& name, const storage::Version& newer,
                const storage::Version& older) const;

 private:
  // Sets `excuse` of all that `node` wrote.
  void Mark(storage::NodeId node, bool Write::*excuse);

  std::map<std::string, Writes> names_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_LEDGER_H_
