// Whose clock is wrong: ours, or a peer's.
//
// Each hello and heartbeat says what time it is at its sender. Our clock is wrong when it differs
// from the median of all clocks, ours among them, by more than kTolerance; that needs three, for of
// two nobody can say which. Versions come from clocks, so an agent whose own is wrong accepts no
// writes; it proxies on.
//
// Spec: gossip-design 2.6.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_PEER_CLOCKS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_PEER_CLOCKS_H_

#include <map>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gossip/transport/transport.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class PeerClocks {
 public:
  static constexpr absl::Duration kTolerance = absl::Milliseconds(500);
  static constexpr size_t kFewestClocks = 3;
  // What arrives late looks like a clock that is behind: a difference counts once it has been seen
  // at this many ticks in a row.
  static constexpr int kStandingTicks = 3;

  // The peer's clock less ours, as its last frame said.
  void Note(NodeId peer, absl::Duration ahead);
  void Forget(NodeId peer) { ahead_.erase(peer); }
  // Each second.
  void Tick();

  // OK unless our clock is wrong.
  //   FAILED_PRECONDITION  the message says by how much, and what to do
  absl::Status Check() const;

 private:
  absl::Duration MedianAhead() const;

  std::map<NodeId, absl::Duration> ahead_;
  absl::Duration median_ahead_;  // At the last tick.
  int wrong_ticks_ = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_PEER_CLOCKS_H_
