// A network that exists only in time: SimTransports, and the misfortunes between them.
//
// Links behave like TCP: frames arrive in order, late, or the link breaks. Beyond that a frame may
// vanish or come twice with the link none the wiser, as no TCP does but a buggy peer might.
#ifndef TRELLIS_TESTS_SIMULATION_SIM_NETWORK_H_
#define TRELLIS_TESTS_SIMULATION_SIM_NETWORK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gossip/transport/transport.h"

namespace trellis::simulation {

using gossip::NodeId;

class SimTransport;

// Chances are for each frame.
struct NetworkFaults {
  double reset = 0;      // The link breaks; both ends are told.
  double vanish = 0;     // The frame is lost, the link stays.
  double duplicate = 0;  // The frame arrives twice (but for the hello).
};

// Thread-safety: none. Outlives its transports.
class SimNetwork {
 public:
  SimNetwork(SimScheduler& scheduler, uint64_t seed) : scheduler_(scheduler), random_(seed) {}

  // At most one transport a node at a time. Destroying it is the crash of its process: peers are
  // told at once, unless the power went first.
  std::unique_ptr<SimTransport> Attach(NodeId node);
  void CutPower(NodeId node) { dark_.insert(node); }

  void set_faults(const NetworkFaults& faults) { faults_ = faults; }
  // Each pair of nodes draws its own one-way latency from this span, once.
  void set_latency(absl::Duration least, absl::Duration most) { latency_ = {least, most}; }

  // Nothing passes from `from` to `to` any more; links break when the sender's retries run out.
  void Cut(NodeId from, NodeId to) { cuts_.insert({from, to}); }
  void HealAll() { cuts_.clear(); }

  uint64_t frames_delivered() const { return frames_delivered_; }
  // Over who got what when: equal for equal histories.
  uint64_t trace_hash() const { return trace_hash_; }
  void MixTrace(uint64_t value);

 private:
  friend class SimTransport;

  using Pair = std::pair<NodeId, NodeId>;
  struct Link {
    uint64_t generation = 0;  // Of all links ever: tells a link from the next between the same two.
    std::map<NodeId, absl::Duration> last_arrival;  // By sender: later frames come later.
    std::map<NodeId, size_t> queued_bytes;          // By sender.
    std::set<NodeId> stalled;                       // Senders whose frames no longer arrive.
  };

  static Pair PairOf(NodeId a, NodeId b) { return a < b ? Pair(a, b) : Pair(b, a); }
  absl::Duration LatencyOf(NodeId a, NodeId b);
  bool Reaches(NodeId from, NodeId to) const { return cuts_.count({from, to}) == 0; }
  SimTransport* Find(NodeId node) const;

  Link* FindLink(NodeId a, NodeId b, uint64_t generation);
  // The handshake of a dial has come to its end.
  void FinishDial(NodeId from, NodeId to);
  bool Send(NodeId from, NodeId to, const peer::v1::Frame& frame);
  void DeliverLater(NodeId from, NodeId to, Link& link, const std::string& bytes);
  void Deliver(NodeId from, NodeId to, uint64_t generation, const std::string& bytes);
  void Stall(NodeId from, NodeId to, Link& link);
  // Ends the link and tells `a` soon and `b` after `delay`.
  void Break(NodeId a, NodeId b, uint64_t generation, const absl::Status& why_a,
             const absl::Status& why_b, absl::Duration delay);
  void TellLost(NodeId node, NodeId peer, uint64_t generation, const absl::Status& why,
                absl::Duration delay);
  void Detach(NodeId node);

  SimScheduler& scheduler_;
  SeededRandom random_;
  NetworkFaults faults_;
  std::pair<absl::Duration, absl::Duration> latency_ = {absl::Microseconds(100),
                                                        absl::Milliseconds(2)};
  std::map<Pair, absl::Duration> latencies_;
  std::set<std::pair<NodeId, NodeId>> cuts_;  // From, to.
  std::set<NodeId> dark_;
  std::map<NodeId, SimTransport*> transports_;
  std::map<Pair, Link> links_;
  uint64_t next_generation_ = 1;
  uint64_t frames_delivered_ = 0;
  uint64_t trace_hash_ = 0xcbf29ce484222325;
};

class SimTransport final : public gossip::Transport {
 public:
  ~SimTransport() override;

  void SetReceiver(Receiver* receiver) override { receiver_ = receiver; }
  void SetPeers(const std::vector<gossip::PeerAddress>& peers) override;
  bool Send(NodeId peer, const peer::v1::Frame& frame) override;
  void Close(NodeId peer, const absl::Status& why) override;

 private:
  friend class SimNetwork;

  // What this end knows of a link.
  struct End {
    uint64_t generation = 0;
    absl::Duration opened_at;
  };

  SimTransport(SimNetwork& network, NodeId node, uint64_t life)
      : network_(network), node_(node), life_(life) {}

  void DialAfter(NodeId peer, absl::Duration delay);
  void Dial(NodeId peer);
  void DialFailed(NodeId peer);
  void Opened(NodeId peer, uint64_t generation);
  void Lost(NodeId peer, uint64_t generation, const absl::Status& why);

  SimNetwork& network_;
  const NodeId node_;
  const uint64_t life_;  // Of all transports ever: timers of an earlier one must not reach this.
  Receiver* receiver_ = nullptr;
  std::map<NodeId, absl::Duration> wanted_;  // And the delay before the next dial.
  std::set<NodeId> dialling_;                // Or waiting to.
  std::map<NodeId, End> open_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_NETWORK_H_
