// How long a frame is on its way, as a function of who sends it to whom: nothing is stored, so a
// mesh of thousands costs nothing.
#ifndef TRELLIS_TESTS_SIMULATION_LATENCY_H_
#define TRELLIS_TESTS_SIMULATION_LATENCY_H_

#include <cstdint>

#include "absl/time/time.h"
#include "gossip/transport/transport.h"

namespace trellis::simulation {

// Mixes well enough that all bits of the result depend on all bits of both.
inline uint64_t MixHash(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

struct LatencyModel {
  // Each pair of nodes has its own one-way latency, from this span.
  absl::Duration least = absl::Microseconds(100);
  absl::Duration most = absl::Milliseconds(2);
  // Each frame takes up to this share of its pair's latency longer.
  double jitter = 1;
  // Nodes are spread over so many regions; between two of them a frame takes this much longer.
  int regions = 1;
  absl::Duration between_regions;

  // The same both ways. Without jitter.
  absl::Duration OneWay(uint64_t seed, gossip::NodeId a, gossip::NodeId b) const {
    const uint64_t pair = a < b ? MixHash(MixHash(seed, a), b) : MixHash(MixHash(seed, b), a);
    const uint64_t span = static_cast<uint64_t>(absl::ToInt64Nanoseconds(most - least)) + 1;
    const absl::Duration near = least + absl::Nanoseconds(static_cast<int64_t>((pair >> 8) % span));
    return RegionOf(seed, a) == RegionOf(seed, b) ? near : near + between_regions;
  }
  uint64_t RegionOf(uint64_t seed, gossip::NodeId node) const {
    return (MixHash(~seed, node) >> 8) % static_cast<uint64_t>(regions);
  }
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_LATENCY_H_
