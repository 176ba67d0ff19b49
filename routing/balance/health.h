// What is known of the health of targets: the checks' verdicts, read by every worker.
//
// Spec: VPC Lattice reference 4.3 (statuses), 4.4 (thresholds; the first pass after registration
// makes a target healthy; all unhealthy: fail open, decided by the picker).
#ifndef TRELLIS_ROUTING_BALANCE_HEALTH_H_
#define TRELLIS_ROUTING_BALANCE_HEALTH_H_

#include <atomic>
#include <cstdint>

namespace trellis::routing {

enum class TargetHealth : uint8_t {
  kInitial,  // First check outstanding: no traffic while others are healthy.
  kHealthy,
  kUnhealthy,
  kUnavailable,  // Checks off or not supported: gets traffic.
};

// Consecutive results to a verdict. A value; not thread-safe.
//
// kInitial becomes kHealthy with the first pass, even after failures too few to count, and
// kUnhealthy after `unhealthy` failures. From then on only the thresholds move it: a target that
// failed its first checks needs `healthy` passes like any other unhealthy one.
class HealthState {
 public:
  struct Thresholds {
    int healthy = 5;
    int unhealthy = 2;
  };

  // `checked` false: checks are off, the health is kUnavailable for good.
  HealthState(Thresholds thresholds, bool checked)
      : thresholds_(thresholds),
        health_(checked ? TargetHealth::kInitial : TargetHealth::kUnavailable) {}

  // Takes one result; true when the verdict changed.
  bool Record(bool passed);
  TargetHealth health() const { return health_; }

  // Keeps the verdict; counting starts anew.
  void set_thresholds(Thresholds thresholds) {
    thresholds_ = thresholds;
    passes_ = failures_ = 0;
  }

 private:
  Thresholds thresholds_;
  TargetHealth health_;
  int passes_ = 0;    // Consecutive.
  int failures_ = 0;  // Consecutive.
};

// One target's verdict, shared by every snapshot that has the target: written by the checker,
// read by workers without a lock.
class HealthCell {
 public:
  explicit HealthCell(TargetHealth health) : health_(health) {}
  TargetHealth Get() const { return health_.load(std::memory_order_relaxed); }
  void Set(TargetHealth health) { health_.store(health, std::memory_order_relaxed); }

 private:
  std::atomic<TargetHealth> health_;
};

}  // namespace trellis::routing

#endif  // TRELLIS_ROUTING_BALANCE_HEALTH_H_
