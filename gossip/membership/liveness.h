#ifndef TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_

#include <compare>
#include <cstdint>

namespace trellis::gossip {

// What the mesh thinks of an agent. It steers links and is shown to people; never configuration.
enum class Liveness { kAlive, kSuspect, kDown };

// "alive", "suspect", "down": tests and benchmarks read them in the log.
inline const char* LivenessName(Liveness liveness) {
  switch (liveness) {
    case Liveness::kAlive:
      return "alive";
    case Liveness::kSuspect:
      return "suspect";
    case Liveness::kDown:
      break;
  }
  return "down";
}

// Which life of an agent is meant: the start of its process, and how often it has contradicted
// rumours since. A later one refutes what was said of an earlier.
struct Life {
  uint64_t boot = 0;  // Microseconds; 0: nobody has heard of it yet.
  uint64_t count = 0;

  auto operator<=>(const Life&) const = default;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_
