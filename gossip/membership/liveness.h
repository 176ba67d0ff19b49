#ifndef TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_

namespace trellis::gossip {

// One agent's opinion of another: nobody else's, and never configuration.
enum class Liveness { kAlive, kSuspect, kDown };

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_LIVENESS_H_
