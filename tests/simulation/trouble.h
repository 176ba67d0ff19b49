// What may go wrong with network, clocks, disks and processes: by chance, and until it is mended.
#ifndef TRELLIS_TESTS_SIMULATION_TROUBLE_H_
#define TRELLIS_TESTS_SIMULATION_TROUBLE_H_

#include <map>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "storage/engine/memory_engine.h"
#include "tests/simulation/sim_world.h"

namespace trellis::simulation {

// Thread-safety: none. The world outlives it.
class Trouble {
 public:
  explicit Trouble(SimWorld& world) : world_(world) {}

  // One misfortune, or the end of one.
  void Strike();
  // The process of `i`, or its host's power, goes at this very moment.
  void Stop(int i);
  // The end of all; everybody runs.
  void Mend();

  // Why an agent may refuse to write: its disk is full, or one of the clocks is or was just off,
  // or a host slow, so that it may take its own for wrong.
  bool disk_full(int i) const { return full_.count(i) > 0; }
  bool clocks_are_off() const;
  // Whether the clock of `i` is so far off that others would refuse its versions for long.
  bool clock_is_far_off(int i) const;

 private:
  // Network.
  void Split();
  void CutPair();
  void Clog();
  void ForgetLink();
  void ChangeFaults();
  void ChangeLatency();
  void SlowDown();
  // Processes.
  void StopAny();
  void Start(int i);
  void Freeze();
  // Clocks.
  void StepClock();
  void MendClock(int i);
  // Disks.
  void FillDisk();
  void Lie();
  void Corrupt();
  void Backup();
  void Restore();

  int Any() { return static_cast<int>(world_.random().Uniform(world_.size())); }
  bool Chance(double p) { return world_.random().Chance(p); }
  void CutPower(int i);

  SimWorld& world_;
  std::set<int> full_;
  std::set<int> lying_;
  std::set<int> lied_;  // Since its last power cut: what it called synced may still not be.
  std::set<int> off_;   // Whose clocks are.
  std::set<int> slow_;
  absl::Duration clock_mended_at_ = -absl::InfiniteDuration();
  std::map<int, storage::MemoryEngine::Image> backups_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_TROUBLE_H_
