// What people do when agents say that an identity is in two hands: a stolen key, a cloned disk.
#ifndef TRELLIS_TESTS_SIMULATION_REMEDY_H_
#define TRELLIS_TESTS_SIMULATION_REMEDY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/simulation/sim_world.h"

namespace trellis::simulation {

// Thread-safety: none. The world outlives it.
class Remedy {
 public:
  explicit Remedy(SimWorld& world) : world_(world) {}

  // All else has just been mended. Two that run as one are to notice within `bound`, and the second
  // is stopped; then all are to be equal within `bound`, or somebody is to say that they cannot be,
  // and the author of two contents is evicted. What does not happen is reported.
  void Apply(bool thief_said_two_things, absl::Duration bound);

 private:
  void StopClone(absl::Duration bound);
  // `whom` may have written two contents of one transaction. `last_resort`: evicts it anyhow.
  void EndFork(int whom, bool last_resort, absl::Duration bound);
  void Evict(int whom, absl::Duration bound);

  // A member, other than `whom`, with such an alarm.
  std::optional<int> WhoSays(absl::string_view words, int whom);
  bool HasOthers(int whom);
  absl::Status CheckCanAsk(int i);
  bool RefusesAsTwin(int i);

  SimWorld& world_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_REMEDY_H_
