// What admins do, by chance: write, compete, make mistakes.
#ifndef TRELLIS_TESTS_SIMULATION_WORKLOAD_H_
#define TRELLIS_TESTS_SIMULATION_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/simulation/sim_world.h"
#include "tests/simulation/trouble.h"

namespace trellis::simulation {

// Thread-safety: none. World and trouble outlive it.
class Workload {
 public:
  Workload(SimWorld& world, const Trouble& trouble) : world_(world), trouble_(trouble) {}

  // Groups that transactions write together.
  void Begin();
  // One thing one admin does at one agent; returns which, or -1 if it could not hear them.
  int Act();

  uint64_t acknowledged() const { return acknowledged_; }

 private:
  void WriteService(int i);
  void TakeName(int i);
  void TakeDomain(int i);
  void WriteOverStale(int i);
  void WriteGroup(int i);
  void ChangeTargets(int i);
  void DeleteTargetGroup(int i);
  void WriteOnBothSides(int i);
  void SettleConflict(int i);
  void EvictAndJoin(int i);

  // Taking a service out of its networks.
  std::vector<storage::Change> Disassociating(int i, const std::string& service);

  bool CanAsk(int i);
  void ExpectMayRefuse(int i, const absl::Status& why);
  bool Grouped(const std::string& name) const;

  // As the API would: what is taken or in use is refused before it is written.
  absl::Status Checked(int i, std::vector<storage::Change> changes);
  // Whether a write is obeyed everywhere.
  void AskForAll(int i);
  // Whether that is a reason of its own: a full disk, an old copy, a clock that is off, its
  // eviction.
  bool MayRefuse(int i, const absl::Status& why) const;
  void Expect(int i, const absl::Status& status, absl::string_view what);

  std::string NewText();
  SeededRandom& random() { return world_.random(); }
  template <typename List>
  const auto& OneOf(const List& list) {
    return list[random().Uniform(list.size())];
  }

  SimWorld& world_;
  const Trouble& trouble_;
  std::vector<std::vector<std::string>> groups_;
  uint64_t acknowledged_ = 0;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_WORKLOAD_H_
