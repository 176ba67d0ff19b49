// Whether the numbers that this agent would give its next writes are still free.
//
// A folder restored from a backup, or a disk that lied about a sync, forgets writes that others
// hold; numbering new ones alike would give two contents one name. So each hello says how far its
// sender holds the writes of its receiver. If that is further than we do, we go on as another
// incarnation, and the forgotten writes come back like anybody's; new ones wait for them, kRecall
// long, since their versions have to be greater. After a start no write is accepted until kPeers
// have said how far they hold ours (all there were then, if fewer), or kPatience is over.
//
// Spec: gossip-design 2.9.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_ORIGIN_FENCE_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_ORIGIN_FENCE_H_

#include <cstddef>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class OriginFence {
 public:
  static constexpr size_t kPeers = 3;
  static constexpr absl::Duration kPatience = absl::Seconds(3);
  static constexpr absl::Duration kRecall = absl::Seconds(10);
  // Incarnations of the receiver that a hello speaks of.
  static constexpr int kMaxHeads = 256;

  // Both borrowed. The patience begins. `peers` are the other members at this moment: who is
  // admitted later holds nothing that we forgot.
  OriginFence(storage::Catalog& catalog, Scheduler& scheduler, size_t peers);

  // What our hello says to `peer`.
  void FillHello(NodeId peer, peer::v1::Hello* hello) const;
  void OnHello(NodeId peer, const peer::v1::Hello& hello);

  // OK once the numbers are known to be free. An incarnation that the disk refused is tried again.
  //   UNAVAILABLE  shortly after a start, what was forgotten is not back yet, or the disk refuses
  //                still: try again
  absl::Status Check();

 private:
  storage::Catalog& catalog_;
  Scheduler& scheduler_;
  const absl::Duration started_;
  const size_t awaited_;
  std::set<NodeId> answered_;  // At most kPeers.
  absl::Status refused_;       // By the disk.
  // What was forgotten, and until when it is waited for: who said so may be a liar.
  storage::VersionVector forgotten_;
  absl::Duration recall_until_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_ORIGIN_FENCE_H_
