// Whose clock is wrong: ours, or a peer's.
//
// Each hello and heartbeat says what time it is at its sender. One that comes late looks like the
// word of a clock that is behind, so that it is behind counts only beyond the time of the way there
// and back, which the echo of our own heartbeat tells. Words that come together, having waited for
// each other, make one reading; of a peer's last kReadings the greatest counts, which is the one
// least delayed; and a peer with fewer has no say.
//
// Our clock is wrong when it differs from the median of all clocks, ours among them, by more than
// kTolerance; that needs three, for of two nobody can say which. An agent that is itself behind with
// its work cannot tell a late word from a wrong clock, and judges nobody. Versions come from clocks, so an
// agent whose own is wrong accepts no writes; it proxies on.
//
// Spec: gossip-design 2.6.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_PEER_CLOCKS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_PEER_CLOCKS_H_

#include <deque>
#include <map>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gossip/transport/transport.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class PeerClocks {
 public:
  static constexpr absl::Duration kTolerance = absl::Milliseconds(500);
  static constexpr size_t kFewestClocks = 3;
  static constexpr size_t kReadings = 3;
  static constexpr absl::Duration kTogether = absl::Milliseconds(500);
  // A difference counts once it has been seen at this many ticks in a row.
  static constexpr int kStandingTicks = 2;
  // So late is a tick of an agent that has too much to do.
  static constexpr absl::Duration kBehind = absl::Milliseconds(100);

  // The peer's clock less ours, as a frame said that came at `now`; and how long a frame of ours
  // and its answer took, nothing if none was answered yet.
  void Note(NodeId peer, absl::Duration ahead, std::optional<absl::Duration> round_trip,
            absl::Duration now);
  void Forget(NodeId peer) { readings_.erase(peer); }
  // Each second; `late` after it was due.
  void Tick(absl::Duration late);

  // OK unless our clock is wrong.
  //   FAILED_PRECONDITION  the message says by how much, and what to do
  absl::Status Check() const;

 private:
  struct Readings {
    std::deque<absl::Duration> ahead;  // The latest last.
    absl::Duration heard_at;
  };

  void Add(NodeId peer, absl::Duration ahead, absl::Duration now);
  absl::Duration MedianAhead() const;

  std::map<NodeId, Readings> readings_;
  absl::Duration median_ahead_;  // At the last tick.
  int wrong_ticks_ = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_PEER_CLOCKS_H_
