#ifndef TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_

namespace trellis::gossip {

// One agent's opinion of another: nobody else's, and never configuration.
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

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_
