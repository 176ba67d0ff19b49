#include "tests/simulation/sim_transport.h"

#include <algorithm>

namespace trellis::simulation {
namespace {

constexpr absl::Duration kDialDelayLeast = absl::Milliseconds(100);
constexpr absl::Duration kDialDelayMost = absl::Seconds(2);

}  // namespace

SimTransport::~SimTransport() { network_.Detach(node_); }

void SimTransport::SetPeers(const std::vector<gossip::PeerAddress>& peers) {
  std::map<NodeId, absl::Duration> wanted;
  for (const gossip::PeerAddress& peer : peers) {
    const auto it = wanted_.find(peer.node);
    wanted[peer.node] = it == wanted_.end() ? kDialDelayLeast : it->second;
  }
  wanted_.swap(wanted);  // `wanted` is the earlier list from here on.
  for (const auto& [peer, delay] : wanted) {
    if (wanted_.count(peer) == 0) Close(peer, absl::CancelledError("no longer wanted"));
  }
  for (const auto& [peer, delay] : wanted_) {
    if (wanted.count(peer) == 0) DialAfter(peer, absl::ZeroDuration());
  }
}

bool SimTransport::Send(NodeId peer, const peer::v1::Frame& frame) {
  const auto it = open_.find(peer);
  if (it == open_.end()) return false;
  const NodeId host = it->second.host;
  if (network_.FindLink(node_, host, it->second.generation) == nullptr) return false;
  return network_.Send(node_, host, frame);
}

void SimTransport::Close(NodeId peer, const absl::Status& why) {
  const auto it = open_.find(peer);
  if (it == open_.end()) return;
  const NodeId host = it->second.host;
  network_.Break(node_, host, it->second.generation, why,
                 absl::UnavailableError("closed by the peer"), network_.LatencyOf(node_, host));
}

void SimTransport::DialAfter(NodeId peer, absl::Duration delay) {
  if (!dialling_.insert(peer).second) return;
  SimNetwork* const network = &network_;
  network->scheduler_.RunAfter(delay, [network, node = node_, life = life_, peer] {
    SimTransport* const self = network->Find(node);
    if (self != nullptr && self->life_ == life) self->Dial(peer);
  });
}

void SimTransport::Dial(NodeId peer) {
  if (wanted_.count(peer) == 0 || open_.count(peer) > 0) {
    dialling_.erase(peer);
    return;
  }
  SimNetwork* const network = &network_;
  network->scheduler_.RunAfter(2 * network->LatencyOf(node_, peer),
                               [network, node = node_, life = life_, peer] {
                                 SimTransport* const self = network->Find(node);
                                 if (self != nullptr && self->life_ == life)
                                   network->FinishDial(node, peer);
                               });
}

void SimTransport::DialFailed(NodeId peer) {
  const auto it = wanted_.find(peer);
  if (it == wanted_.end()) return;
  const absl::Duration delay = it->second;
  it->second = std::min(2 * delay, kDialDelayMost);
  const int64_t micros = absl::ToInt64Microseconds(delay);
  DialAfter(peer, delay / 2 + absl::Microseconds(network_.random_.Uniform(micros)));
}

void SimTransport::Opened(NodeId peer, NodeId host, uint64_t generation) {
  if (const auto it = open_.find(peer); it != open_.end()) {
    // Not told yet that the earlier link is gone: the new one says so. Unless it is a twin's.
    const End earlier = it->second;
    const absl::Status why = absl::UnavailableError("replaced by a newer connection");
    network_.Break(node_, earlier.host, earlier.generation, why, why,
                   network_.LatencyOf(node_, earlier.host));
    Lost(peer, earlier.generation, why);
  }
  open_[peer] = {host, generation, network_.scheduler_.MonotonicNow()};
  if (receiver_ != nullptr) receiver_->OnLinkUp(peer);
}

void SimTransport::Lost(NodeId peer, uint64_t generation, const absl::Status& why) {
  const auto it = open_.find(peer);
  if (it == open_.end() || it->second.generation != generation) return;
  const absl::Duration lived = network_.scheduler_.MonotonicNow() - it->second.opened_at;
  open_.erase(it);
  if (const auto wanted = wanted_.find(peer); wanted != wanted_.end()) {
    if (lived >= kDialDelayMost) {
      wanted->second = kDialDelayLeast;
      DialAfter(peer, absl::ZeroDuration());
    } else {
      DialFailed(peer);
    }
  }
  if (receiver_ != nullptr) receiver_->OnLinkDown(peer, why);
}

}  // namespace trellis::simulation
