// One agent's end of the simulated network.
#ifndef TRELLIS_TESTS_SIMULATION_SIM_TRANSPORT_H_
#define TRELLIS_TESTS_SIMULATION_SIM_TRANSPORT_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "gossip/transport/transport.h"
#include "tests/simulation/sim_network.h"

namespace trellis::simulation {

// Dials and dials again as GrpcTransport does. Made by SimNetwork::Attach; thread-safety: none.
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
    NodeId host = 0;  // Where the peer runs.
    uint64_t generation = 0;
    absl::Duration opened_at;
  };

  SimTransport(SimNetwork& network, NodeId node, uint64_t life)
      : network_(network), node_(node), life_(life) {}

  void DialAfter(NodeId peer, absl::Duration delay);
  void Dial(NodeId peer);
  void DialFailed(NodeId peer);
  void Opened(NodeId peer, NodeId host, uint64_t generation);
  void Lost(NodeId peer, uint64_t generation, const absl::Status& why);

  SimNetwork& network_;
  const NodeId node_;    // The host.
  const uint64_t life_;  // Of all transports ever: timers of an earlier one must not reach this.
  Receiver* receiver_ = nullptr;
  std::map<NodeId, absl::Duration> wanted_;  // And the delay before the next dial.
  std::set<NodeId> dialling_;                // Or waiting to.
  std::map<NodeId, End> open_;
};

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_SIM_TRANSPORT_H_
