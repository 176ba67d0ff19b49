#include "tests/simulation/sim_network.h"

#include <algorithm>
#include <cstring>

#include "base/log/log.h"
#include "tests/simulation/sim_transport.h"

namespace trellis::simulation {
namespace {

using gossip::kMaxFrameBytes;
using gossip::kMaxQueuedBytes;

uint64_t HashBytes(const std::string& bytes) {
  uint64_t hash = bytes.size();
  size_t i = 0;
  for (uint64_t word = 0; i + sizeof(word) <= bytes.size(); i += sizeof(word)) {
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    hash = MixHash(hash, word);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, bytes.data() + i, bytes.size() - i);
  return MixHash(hash, rest);
}

template <typename Deltas>
size_t EntriesIn(const Deltas& deltas) {
  size_t entries = 0;
  for (const auto& delta : deltas) entries += static_cast<size_t>(delta.entries_size());
  return entries;
}

}  // namespace

std::unique_ptr<SimTransport> SimNetwork::Attach(NodeId host, NodeId identity) {
  dark_.erase(host);
  std::unique_ptr<SimTransport> transport(new SimTransport(*this, host, next_generation_++));
  Host& slot = hosts_[host];
  CHECK(slot.transport == nullptr) << "node attached twice";
  slot = {transport.get(), identity, slot.slow};
  return transport;
}

void SimNetwork::Detach(NodeId node) {
  const SimTransport* const transport = std::exchange(hosts_[node].transport, nullptr);
  const bool silent = dark_.count(node) > 0;
  for (const auto& [peer, end] : transport->open_) {
    if (FindLink(node, end.host, end.generation) == nullptr) continue;
    TellLost(end.host, node, end.generation, absl::UnavailableError("connection reset"),
             silent ? kRetriesRunOut : LatencyOf(node, end.host));
    links_.erase(PairOf(node, end.host));
  }
}

void SimNetwork::Forget(NodeId a, NodeId b) {
  const auto it = links_.find(PairOf(a, b));
  if (it != links_.end()) it->second.up.stalled = it->second.down.stalled = true;
}

void SimNetwork::SetSlow(NodeId node, absl::Duration each) { hosts_[node].slow = each; }

void SimNetwork::Freeze(NodeId node, absl::Duration until) { hosts_[node].frozen_until = until; }

SimNetwork::Link* SimNetwork::FindLink(NodeId a, NodeId b, uint64_t generation) {
  const auto it = links_.find(PairOf(a, b));
  return it != links_.end() && it->second.generation == generation ? &it->second : nullptr;
}

void SimNetwork::FinishDial(NodeId from, NodeId to) {
  SimTransport* const dialler = Find(from);
  const Host& host = hosts_[to];
  dialler->dialling_.erase(to);
  if (links_.count(PairOf(from, to)) > 0) return;  // The peer's dial was faster.
  if (host.transport == nullptr || Frozen(host) || Frozen(hosts_[from]) || !Reaches(from, to) ||
      !Reaches(to, from)) {
    const bool refused =
        host.transport == nullptr && dark_.count(to) == 0 && Reaches(from, to) && Reaches(to, from);
    dialler->DialFailed(to);
    if (dialler->receiver_ != nullptr && !Frozen(hosts_[from])) {
      dialler->receiver_->OnDialFailed(
          to, refused ? gossip::DialFailure::kRefused : gossip::DialFailure::kUnknown);
    }
    return;
  }
  Link& link = links_[PairOf(from, to)];
  link.generation = next_generation_++;
  const uint64_t generation = link.generation;
  host.transport->Opened(IdentityOf(from), from, generation);
  // The other end's receiver may have closed it already.
  if (SimTransport* const again = Find(from); again != nullptr) again->Opened(to, to, generation);
}

ParcelPtr SimNetwork::MakeParcel(const peer::v1::Frame& frame) {
  bytes_.clear();
  CHECK(frame.AppendToString(&bytes_));
  if (last_parcel_ != nullptr && bytes_ == last_bytes_) return last_parcel_;
  auto parcel = std::make_shared<Parcel>();
  parcel->frame = frame;
  parcel->bytes = bytes_.size();
  parcel->entries = EntriesIn(frame.push().deltas()) + EntriesIn(frame.deltas().deltas());
  parcel->hash = HashBytes(bytes_);
  std::swap(bytes_, last_bytes_);
  last_parcel_ = std::move(parcel);
  return last_parcel_;
}

bool SimNetwork::Send(NodeId from, NodeId to, const peer::v1::Frame& frame) {
  const auto it = links_.find(PairOf(from, to));
  if (it == links_.end()) return false;
  Link& link = it->second;
  const ParcelPtr parcel = MakeParcel(frame);
  size_t& queued = link.From(from, to).queued_bytes;
  if (queued + parcel->bytes > kMaxQueuedBytes) return false;
  if (hosts_[to].busy_until > scheduler_.MonotonicNow() + kBehindMost) return false;
  if (random_.Chance(faults_.reset)) {
    const absl::Status why = absl::UnavailableError("connection reset");
    Break(from, to, link.generation, why, why, LatencyOf(from, to));
    return true;
  }
  if (random_.Chance(faults_.vanish)) return true;
  if (!frame.has_hello() && random_.Chance(faults_.duplicate)) {
    DeliverLater(from, to, link, parcel);
  }
  DeliverLater(from, to, link, parcel);
  return true;
}

void SimNetwork::DeliverLater(NodeId from, NodeId to, Link& link, ParcelPtr parcel) {
  const absl::Duration latency = LatencyOf(from, to);
  const double most_jitter = latency_.jitter * absl::ToDoubleNanoseconds(latency);
  absl::Duration arrival = scheduler_.MonotonicNow() + latency +
                           absl::Nanoseconds(static_cast<int64_t>(
                               random_.Uniform(static_cast<uint64_t>(most_jitter) + 1)));
  if (random_.Chance(faults_.stall)) arrival += kResend;
  Direction& direction = link.From(from, to);
  direction.queued_bytes += parcel->bytes;
  direction.last_arrival = std::max(direction.last_arrival + absl::Nanoseconds(1), arrival);
  scheduler_.RunAfter(
      direction.last_arrival - scheduler_.MonotonicNow(),
      [this, from, to, generation = link.generation, parcel = std::move(parcel)]() mutable {
        Arrive(from, to, generation, std::move(parcel));
      });
}

absl::Duration SimNetwork::WorkOf(const Host& host, const Parcel& parcel) const {
  if (host.slow > absl::ZeroDuration()) return host.slow;
  return parcel.entries > 0 ? work_.payload : work_.other;
}

void SimNetwork::Arrive(NodeId from, NodeId to, uint64_t generation, ParcelPtr parcel) {
  Link* const link = FindLink(from, to, generation);
  if (link == nullptr || link->From(from, to).stalled) return;
  if (!Reaches(from, to)) {
    Stall(from, to, *link);
    return;
  }
  Host& host = hosts_[to];
  const absl::Duration now = scheduler_.MonotonicNow();
  host.busy_until = std::max(host.busy_until, now) + WorkOf(host, *parcel);
  if (host.busy_until == now) {
    Handle(from, to, generation, std::move(parcel));
    return;
  }
  scheduler_.RunAfter(host.busy_until - now,
                      [this, from, to, generation, parcel = std::move(parcel)]() mutable {
                        Handle(from, to, generation, std::move(parcel));
                      });
}

void SimNetwork::Handle(NodeId from, NodeId to, uint64_t generation, ParcelPtr parcel) {
  Link* const link = FindLink(from, to, generation);
  if (link == nullptr) return;
  const Host& host = hosts_[to];
  const absl::Duration now = scheduler_.MonotonicNow();
  if (Frozen(host)) {
    scheduler_.RunAfter(host.frozen_until - now,
                        [this, from, to, generation, parcel = std::move(parcel)]() mutable {
                          Handle(from, to, generation, std::move(parcel));
                        });
    return;
  }
  link->From(from, to).queued_bytes -= parcel->bytes;
  if (parcel->bytes > kMaxFrameBytes) {
    Break(to, from, generation, absl::ResourceExhaustedError("a frame over the bound"),
          absl::UnavailableError("closed by the peer"), LatencyOf(from, to));
    return;
  }
  ++traffic_.frames;
  traffic_.bytes += parcel->bytes;
  traffic_.entries += parcel->entries;
  trace_hash_ = MixHash(trace_hash_, static_cast<uint64_t>(absl::ToInt64Nanoseconds(now)));
  trace_hash_ = MixHash(MixHash(trace_hash_, from * 31 + to), parcel->hash);
  if (host.transport->receiver_ == nullptr) return;
  host.transport->receiver_->OnFrame(IdentityOf(from), parcel->frame);
}

void SimNetwork::Stall(NodeId from, NodeId to, Link& link) {
  link.From(from, to).stalled = true;
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
    const Host& host = hosts_[node];
    if (Frozen(host)) {
      TellLost(node, peer, generation, why, host.frozen_until - scheduler_.MonotonicNow());
    } else if (host.transport != nullptr) {
      host.transport->Lost(IdentityOf(peer), generation, why);
    }
  });
}

}  // namespace trellis::simulation
