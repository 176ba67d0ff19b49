#include "tests/simulation/sim_network.h"

#include <algorithm>

#include "base/log/log.h"

namespace trellis::simulation {
namespace {

using gossip::kMaxFrameBytes;
using gossip::kMaxQueuedBytes;

constexpr absl::Duration kDialDelayLeast = absl::Milliseconds(100);
constexpr absl::Duration kDialDelayMost = absl::Seconds(2);
// When TCP's retries run out and the link breaks. Between gossip's own bounds, so both occur.
constexpr absl::Duration kRetriesRunOut = absl::Seconds(5);

uint64_t Fnv(uint64_t hash, const std::string& bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

// --- SimNetwork ----------------------------------------------------------------------------------

std::unique_ptr<SimTransport> SimNetwork::Attach(NodeId node) {
  dark_.erase(node);
  std::unique_ptr<SimTransport> transport(new SimTransport(*this, node, next_generation_++));
  CHECK(transports_.emplace(node, transport.get()).second) << "node attached twice";
  return transport;
}

void SimNetwork::Detach(NodeId node) {
  transports_.erase(node);
  const bool silent = dark_.count(node) > 0;
  for (auto it = links_.begin(); it != links_.end();) {
    const auto& [pair, link] = *it;
    if (pair.first != node && pair.second != node) {
      ++it;
      continue;
    }
    const NodeId other = pair.first == node ? pair.second : pair.first;
    TellLost(other, node, link.generation, absl::UnavailableError("connection reset"),
             silent ? kRetriesRunOut : LatencyOf(node, other));
    it = links_.erase(it);
  }
}

void SimNetwork::MixTrace(uint64_t value) {
  trace_hash_ = (trace_hash_ ^ value) * 0x9e3779b97f4a7c15;
  trace_hash_ ^= trace_hash_ >> 29;
}

SimTransport* SimNetwork::Find(NodeId node) const {
  const auto it = transports_.find(node);
  return it == transports_.end() ? nullptr : it->second;
}

SimNetwork::Link* SimNetwork::FindLink(NodeId a, NodeId b, uint64_t generation) {
  const auto it = links_.find(PairOf(a, b));
  return it != links_.end() && it->second.generation == generation ? &it->second : nullptr;
}

absl::Duration SimNetwork::LatencyOf(NodeId a, NodeId b) {
  const auto [it, added] = latencies_.try_emplace(PairOf(a, b));
  if (added) {
    const int64_t span = absl::ToInt64Microseconds(latency_.second - latency_.first);
    it->second = latency_.first + absl::Microseconds(random_.Uniform(span + 1));
  }
  return it->second;
}

void SimNetwork::FinishDial(NodeId from, NodeId to) {
  SimTransport* const dialler = Find(from);
  SimTransport* const dialled = Find(to);
  dialler->dialling_.erase(to);
  if (links_.count(PairOf(from, to)) > 0) return;  // The peer's dial was faster.
  if (dialled == nullptr || !Reaches(from, to) || !Reaches(to, from)) {
    dialler->DialFailed(to);
    return;
  }
  Link& link = links_[PairOf(from, to)];
  link.generation = next_generation_++;
  const uint64_t generation = link.generation;
  dialled->Opened(from, generation);
  // The other end's receiver may have closed it already.
  if (SimTransport* const again = Find(from); again != nullptr) again->Opened(to, generation);
}

bool SimNetwork::Send(NodeId from, NodeId to, const peer::v1::Frame& frame) {
  const auto it = links_.find(PairOf(from, to));
  if (it == links_.end()) return false;
  Link& link = it->second;
  const std::string bytes = frame.SerializeAsString();
  size_t& queued = link.queued_bytes[from];
  if (queued + bytes.size() > kMaxQueuedBytes) return false;
  queued += bytes.size();
  if (random_.Chance(faults_.reset)) {
    const absl::Status why = absl::UnavailableError("connection reset");
    Break(from, to, link.generation, why, why, LatencyOf(from, to));
    return true;
  }
  if (random_.Chance(faults_.vanish)) {
    queued -= bytes.size();
    return true;
  }
  if (!frame.has_hello() && random_.Chance(faults_.duplicate)) {
    queued += bytes.size();
    DeliverLater(from, to, link, bytes);
  }
  DeliverLater(from, to, link, bytes);
  return true;
}

void SimNetwork::DeliverLater(NodeId from, NodeId to, Link& link, const std::string& bytes) {
  const absl::Duration latency = LatencyOf(from, to);
  const absl::Duration jitter =
      absl::Microseconds(random_.Uniform(absl::ToInt64Microseconds(latency) + 1));
  absl::Duration& last = link.last_arrival[from];
  last = std::max(last + absl::Nanoseconds(1), scheduler_.MonotonicNow() + latency + jitter);
  scheduler_.RunAfter(last - scheduler_.MonotonicNow(),
                      [this, from, to, generation = link.generation, bytes] {
                        Deliver(from, to, generation, bytes);
                      });
}

void SimNetwork::Deliver(NodeId from, NodeId to, uint64_t generation, const std::string& bytes) {
  Link* const link = FindLink(from, to, generation);
  if (link == nullptr || link->stalled.count(from) > 0) return;
  if (!Reaches(from, to)) {
    Stall(from, to, *link);
    return;
  }
  link->queued_bytes[from] -= bytes.size();
  peer::v1::Frame frame;
  if (bytes.size() > kMaxFrameBytes || !frame.ParseFromString(bytes)) {
    Break(to, from, generation, absl::ResourceExhaustedError("a frame over the bound"),
          absl::UnavailableError("closed by the peer"), LatencyOf(from, to));
    return;
  }
  ++frames_delivered_;
  MixTrace(absl::ToInt64Nanoseconds(scheduler_.MonotonicNow()));
  MixTrace(Fnv(from * 31 + to, bytes));
  SimTransport* const transport = Find(to);
  if (transport->receiver_ != nullptr) transport->receiver_->OnFrame(from, frame);
}

void SimNetwork::Stall(NodeId from, NodeId to, Link& link) {
  link.stalled.insert(from);
  scheduler_.RunAfter(kRetriesRunOut, [this, from, to, generation = link.generation] {
    const absl::Status why = absl::DeadlineExceededError("the peer's host does not answer");
    Break(from, to, generation, why, why, absl::ZeroDuration());
  });
}

void SimNetwork::Break(NodeId a, NodeId b, uint64_t generation, const absl::Status& why_a,
                       const absl::Status& why_b, absl::Duration delay) {
  if (FindLink(a, b, generation) == nullptr) return;
  // If the news cannot reach the other end, it finds out by itself.
  if (!Reaches(a, b) || dark_.count(a) > 0) delay = std::max(delay, kRetriesRunOut);
  links_.erase(PairOf(a, b));
  TellLost(a, b, generation, why_a, absl::ZeroDuration());
  TellLost(b, a, generation, why_b, delay);
}

void SimNetwork::TellLost(NodeId node, NodeId peer, uint64_t generation, const absl::Status& why,
                          absl::Duration delay) {
  scheduler_.RunAfter(delay, [this, node, peer, generation, why] {
    if (SimTransport* const transport = Find(node)) transport->Lost(peer, generation, why);
  });
}

// --- SimTransport --------------------------------------------------------------------------------

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
  if (it == open_.end() || network_.FindLink(node_, peer, it->second.generation) == nullptr) {
    return false;
  }
  return network_.Send(node_, peer, frame);
}

void SimTransport::Close(NodeId peer, const absl::Status& why) {
  const auto it = open_.find(peer);
  if (it == open_.end()) return;
  network_.Break(node_, peer, it->second.generation, why,
                 absl::UnavailableError("closed by the peer"), network_.LatencyOf(node_, peer));
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

void SimTransport::Opened(NodeId peer, uint64_t generation) {
  // Not told yet that the earlier link is gone: the new one says so.
  if (const auto it = open_.find(peer); it != open_.end()) {
    Lost(peer, it->second.generation, absl::UnavailableError("replaced by a newer connection"));
  }
  open_[peer] = {generation, network_.scheduler_.MonotonicNow()};
  if (receiver_ != nullptr) receiver_->OnLinkUp(peer);
}

void SimTransport::Lost(NodeId peer, uint64_t generation, const absl::Status& why) {
  const auto it = open_.find(peer);
  if (it == open_.end() || it->second.generation != generation) return;
  const absl::Duration lived = network_.scheduler_.MonotonicNow() - it->second.opened_at;
  open_.erase(it);
  if (const auto wanted = wanted_.find(peer); wanted != wanted_.end()) {
    if (lived >= kDialDelayMost) wanted->second = kDialDelayLeast;
    DialFailed(peer);
  }
  if (receiver_ != nullptr) receiver_->OnLinkDown(peer, why);
}

}  // namespace trellis::simulation
