// Which target group, and then which target, a request goes to. Decides; does no I/O.
//
// Spec: VPC Lattice reference 3.2 (share = weight / sum, drawn anew for each request; no stickiness
// and no failover between groups), 4.3 (round robin, each group by itself), 4.4 (all unhealthy:
// fail open). docs/decisions/0004 has what the reference leaves open.
//
// Templates over what the caller stores, so that a choice costs no call, no copy, no allocation:
//
//   const int share = PickShare(action.total_weight, random.Next64(), action.forward,
//                               [](const auto& share) { return share.weight; });
//   TriedTargets tried;
//   int target = PickTarget(group.targets, [](const auto& t) { return t.health->Get(); }, tried,
//                           &cursor);
//   if (/* the connection failed */ tried.Add(target)) target = PickTarget(...);  // Another one.
#ifndef TRELLIS_ROUTING_BALANCE_PICKER_H_
#define TRELLIS_ROUTING_BALANCE_PICKER_H_

#include <cstddef>
#include <cstdint>

#include "routing/balance/health.h"

namespace trellis::routing {

// The targets one request could not connect to, by index. A value without allocation.
class TriedTargets {
 public:
  // Connections one request may try; a request that met as many dead targets is answered.
  static constexpr int kMax = 8;

  // False when full: give up.
  bool Add(int index) {
    if (size_ < kMax) indices_[size_++] = index;
    return size_ < kMax;
  }
  bool Contains(int index) const {
    for (int i = 0; i < size_; ++i) {
      if (indices_[i] == index) return true;
    }
    return false;
  }
  int size() const { return size_; }

 private:
  int indices_[kMax] = {};
  int size_ = 0;
};

// Round robin over the best class there is: healthy and unavailable targets, else initial ones,
// else all are unhealthy and all get traffic. Those in `tried` are passed over, so a request whose
// connections fail falls back from class to class rather than fail while anything is left.
//
// `targets`: random access with size(). `health_of(target)`: its TargetHealth; read once each, so
// verdicts may change meanwhile. `*cursor`: of this worker and group, starting anywhere (random, or
// all workers begin with the same target); it survives a change of the targets. Returns an index,
// or -1: nothing is left. O(1) when the next target is healthy, O(targets) at worst.
template <typename Targets, typename HealthOf>
int PickTarget(const Targets& targets, HealthOf health_of, const TriedTargets& tried,
               uint32_t* cursor) {
  const size_t count = targets.size();
  if (count == 0) return -1;
  int initial = -1;
  int unhealthy = -1;
  int picked = -1;
  size_t index = *cursor % count;
  for (size_t seen = 0; seen < count; ++seen, index = index + 1 == count ? 0 : index + 1) {
    const int candidate = static_cast<int>(index);
    if (tried.size() > 0 && tried.Contains(candidate)) continue;
    const TargetHealth health = health_of(targets[index]);
    if (health == TargetHealth::kHealthy || health == TargetHealth::kUnavailable) {
      picked = candidate;
      break;
    }
    int& fallback = health == TargetHealth::kInitial ? initial : unhealthy;
    if (fallback < 0) fallback = candidate;
  }
  if (picked < 0) picked = initial >= 0 ? initial : unhealthy;
  // Counting on from the choice, not from the start, keeps the turns of the rest equal.
  if (picked >= 0) *cursor = static_cast<uint32_t>(picked) + 1;
  return picked;
}

// Draws one of `shares` with probability weight / `total_weight`. `random`: 64 even bits.
// `total_weight`: the sum of `weight_of(share)`. Returns an index, or -1: the sum is 0 (only
// concurrent or foreign writes can bring that about; the answer is 503). A weight of 0 is never
// drawn. O(shares); exact to within 2^-32 of each share.
template <typename Shares, typename WeightOf>
int PickShare(uint32_t total_weight, uint64_t random, const Shares& shares, WeightOf weight_of) {
  // The high half of the product is even over [0, total_weight) without a division.
  uint64_t point =
      static_cast<uint64_t>((static_cast<unsigned __int128>(random) * total_weight) >> 64);
  for (size_t i = 0; i < shares.size(); ++i) {
    const uint64_t weight = weight_of(shares[i]);
    if (point < weight) return static_cast<int>(i);
    point -= weight;
  }
  return -1;
}

}  // namespace trellis::routing

#endif  // TRELLIS_ROUTING_BALANCE_PICKER_H_
