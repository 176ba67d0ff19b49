// A network that exists only in time: the links between SimTransports, and their misfortunes.
//
// Links behave like TCP: frames arrive in order, late, or the link breaks. Beyond that a frame may
// vanish or come twice with the link none the wiser, as no TCP does but a buggy peer might.
#ifndef TRELLIS_TESTS_SIMULATION_SIM_NETWORK_H_
#define TRELLIS_TESTS_SIMULATION_SIM_NETWORK_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/time/time.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gossip/transport/transport.h"
#include "tests/simulation/latency.h"

namespace trellis::simulation {

using gossip::NodeId;

class SimTransport;

// Chances are for each frame.
struct NetworkFaults {
  double reset = 0;      // The link breaks; both ends are told.
  double vanish = 0;     // The frame is lost, the link stays.
  double duplicate = 0;  // The frame arrives twice (but for the hello).
  double stall = 0;      // A packet of it is lost: it and all behind it wait for TCP to resend.
};

// What a host needs for a frame, one after the other.
struct WorkModel {
  absl::Duration payload;  // Of a frame with entries: verify, apply, pass on.
  absl::Duration other;
};

struct Traffic {
  uint64_t frames = 0;  // Delivered, like all of these.
  uint64_t bytes = 0;
  uint64_t entries = 0;  // In pushes and pages.
};

// A frame on its way, shared by all its deliveries.
struct Parcel {
  peer::v1::Frame frame;
  size_t bytes = 0;
  size_t entries = 0;
  uint64_t hash = 0;
};
using ParcelPtr = std::shared_ptr<const Parcel>;

// Thread-safety: none. Outlives its transports.
class SimNetwork {
 public:
  // TCP's least time before it sends a lost packet again.
  static constexpr absl::Duration kResend = absl::Milliseconds(200);
  // A host that is further behind with its frames takes no more: its receive window is shut.
  static constexpr absl::Duration kBehindMost = absl::Seconds(2);
  // When TCP's retries run out and the link breaks. Between gossip's own bounds, so both occur.
  static constexpr absl::Duration kRetriesRunOut = absl::Seconds(5);

  SimNetwork(SimScheduler& scheduler, uint64_t seed)
      : scheduler_(scheduler), seed_(seed), random_(seed) {}

  // At most one transport a node at a time. Destroying it is the crash of its process: peers are
  // told at once, unless the power went first.
  std::unique_ptr<SimTransport> Attach(NodeId node) { return Attach(node, node); }
  // Of a host whose certificate is another's, as that of a cloned disk is: its peers take it for
  // `identity`, and keep the newer link of the two. All else here goes by `host`.
  std::unique_ptr<SimTransport> Attach(NodeId host, NodeId identity);
  void CutPower(NodeId node) { dark_.insert(node); }

  void set_faults(const NetworkFaults& faults) { faults_ = faults; }
  void set_latency(const LatencyModel& latency) { latency_ = latency; }
  void set_work(const WorkModel& work) { work_ = work; }

  // Nothing passes from `from` to `to` any more; links break when the sender's retries run out.
  void Cut(NodeId from, NodeId to) { cuts_.insert({from, to}); }
  void HealAll() { cuts_.clear(); }
  // What is between the two forgot their link: frames vanish, and neither end is told.
  void Forget(NodeId a, NodeId b);
  // Every frame of `node` takes this long to handle; zero: as the work model says.
  void SetSlow(NodeId node, absl::Duration each);
  // The process stands still until `until`: what arrives waits and then comes all at once.
  void Freeze(NodeId node, absl::Duration until);

  const Traffic& traffic() const { return traffic_; }
  // Over who got what when: equal for equal histories.
  uint64_t trace_hash() const { return trace_hash_; }

 private:
  friend class SimTransport;

  using Pair = std::pair<NodeId, NodeId>;  // The smaller first.
  struct Direction {
    absl::Duration last_arrival;  // Later frames come later.
    size_t queued_bytes = 0;
    bool stalled = false;  // Frames no longer arrive.
  };
  struct Link {
    uint64_t generation = 0;  // Of all links ever: tells a link from the next between the same two.
    Direction up, down;       // From the smaller node; from the greater.
    Direction& From(NodeId from, NodeId to) { return from < to ? up : down; }
  };
  struct Host {
    SimTransport* transport = nullptr;
    NodeId identity = 0;
    absl::Duration slow;
    absl::Duration busy_until;
    absl::Duration frozen_until;
  };

  static Pair PairOf(NodeId a, NodeId b) { return a < b ? Pair(a, b) : Pair(b, a); }
  absl::Duration LatencyOf(NodeId a, NodeId b) const { return latency_.OneWay(seed_, a, b); }
  bool Reaches(NodeId from, NodeId to) const { return cuts_.empty() || !cuts_.count({from, to}); }
  bool Frozen(const Host& host) const { return host.frozen_until > scheduler_.MonotonicNow(); }
  SimTransport* Find(NodeId node) { return hosts_[node].transport; }
  NodeId IdentityOf(NodeId host) { return hosts_[host].identity; }

  Link* FindLink(NodeId a, NodeId b, uint64_t generation);
  // The handshake of a dial has come to its end.
  void FinishDial(NodeId from, NodeId to);
  bool Send(NodeId from, NodeId to, const peer::v1::Frame& frame);
  ParcelPtr MakeParcel(const peer::v1::Frame& frame);
  void DeliverLater(NodeId from, NodeId to, Link& link, ParcelPtr parcel);
  void Arrive(NodeId from, NodeId to, uint64_t generation, ParcelPtr parcel);
  void Handle(NodeId from, NodeId to, uint64_t generation, ParcelPtr parcel);
  absl::Duration WorkOf(const Host& host, const Parcel& parcel) const;
  void Stall(NodeId from, NodeId to, Link& link);
  // Ends the link and tells `a` soon and `b` after `delay`.
  void Break(NodeId a, NodeId b, uint64_t generation, const absl::Status& why_a,
             const absl::Status& why_b, absl::Duration delay);
  void TellLost(NodeId node, NodeId peer, uint64_t generation, const absl::Status& why,
                absl::Duration delay);
  void Detach(NodeId node);

  SimScheduler& scheduler_;
  const uint64_t seed_;
  SeededRandom random_;
  NetworkFaults faults_;
  LatencyModel latency_;
  WorkModel work_;
  std::set<std::pair<NodeId, NodeId>> cuts_;  // From, to.
  std::set<NodeId> dark_;
  // Looked up only: nothing depends on the order of these.
  absl::node_hash_map<NodeId, Host> hosts_;
  absl::node_hash_map<Pair, Link> links_;
  uint64_t next_generation_ = 1;
  // The last parcel and its bytes: a frame for many links is made once.
  ParcelPtr last_parcel_;
  std::string last_bytes_, bytes_;
  Traffic traffic_;
  uint64_t trace_hash_ = 0xcbf29ce484222325;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_NETWORK_H_
