#include "gossip/membership/heartbeats.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "base/log/log.h"

namespace trellis::gossip {

Heartbeats::Heartbeats(const Options& options, const storage::Catalog& catalog, Runtime runtime,
                       Send send, absl::AnyInvocable<void()> changed)
    : options_(options),
      catalog_(catalog),
      runtime_(runtime),
      send_(std::move(send)),
      changed_(std::move(changed)) {
  own_.set_node(options_.node);
  own_.set_boot(std::max<int64_t>(absl::ToUnixMicros(runtime_.scheduler.WallNow()), 1));
  own_.set_program_version(options_.program_version);
}

Heartbeats::~Heartbeats() {
  for (const Scheduler::TimerId timer : {flush_timer_, tick_timer_}) {
    runtime_.scheduler.Cancel(timer);
  }
}

void Heartbeats::Start() { Tick(); }

void Heartbeats::SetMembers(const std::set<NodeId>& members) { table_.SetMembers(members); }

void Heartbeats::AddLink(NodeId peer) {
  std::set<NodeId>& owed = owed_[peer];
  owed.insert(options_.node);
  // The peer's own beat too: if it is from an earlier life whose clock was ahead, the peer learns
  // that it must count on from there.
  for (const auto& [node, member] : table_.members()) {
    if (member.beat.node() != 0) owed.insert(node);
  }
  RenewOwnBeat();
  Flush(peer, owed, /*even_without_news=*/true);
}

void Heartbeats::OnHeartbeat(NodeId from, const peer::v1::Heartbeat& heartbeat) {
  bool news = false;
  for (const peer::v1::Beat& beat : heartbeat.beats()) {
    if (beat.node() == options_.node) {
      // Said by an earlier life of ours whose clock was ahead of this one's.
      if (!IsNewer(beat, own_)) continue;
      own_.set_boot(beat.boot());
      own_.set_counter(beat.counter());
      OweOwnBeat();
    } else if (table_.Merge(beat)) {
      news = true;
      Owe(beat.node(), /*except=*/from);
    } else if (const auto link = owed_.find(from); link != owed_.end()) {
      const peer::v1::Beat* const held = BeatOf(beat.node());
      if (held != nullptr && !IsNewer(*held, beat)) link->second.erase(beat.node());
    }
  }
  if (news) changed_();
}

void Heartbeats::SetEnforced(const storage::VersionVector& vector) {
  if (enforced_ == vector) return;
  enforced_ = vector;
  OweOwnBeat();
}

void Heartbeats::Tick() {
  tick_timer_ = runtime_.scheduler.RunAfter(options_.interval, [this] { Tick(); });
  own_stale_ = true;
  for (auto& [peer, owed] : owed_) owed.insert(options_.node);
  FlushAll(/*even_without_news=*/true);
}

void Heartbeats::OweOwnBeat() {
  own_stale_ = true;
  for (auto& [peer, owed] : owed_) owed.insert(options_.node);
  FlushSoon();
  changed_();
}

void Heartbeats::Owe(NodeId node, NodeId except) {
  for (auto& [peer, owed] : owed_) {
    if (peer != except && peer != node) {
      owed.insert(node);
    } else {
      owed.erase(node);
    }
  }
  FlushSoon();
}

void Heartbeats::FlushSoon() {
  if (flush_timer_ != Scheduler::TimerId::kNone) return;
  flush_timer_ = runtime_.scheduler.RunAfter(kCoalesce, [this] {
    flush_timer_ = Scheduler::TimerId::kNone;
    FlushAll(/*even_without_news=*/false);
  });
}

void Heartbeats::FlushAll(bool even_without_news) {
  if (own_stale_) RenewOwnBeat();
  for (auto& [peer, owed] : owed_) Flush(peer, owed, even_without_news);
}

void Heartbeats::Flush(NodeId peer, std::set<NodeId>& owed, bool even_without_news) {
  while (even_without_news || !owed.empty()) {
    even_without_news = false;
    peer::v1::Frame frame;
    peer::v1::Heartbeat& heartbeat = *frame.mutable_heartbeat();
    heartbeat.set_wall_micros(absl::ToUnixMicros(runtime_.scheduler.WallNow()));
    size_t bytes = 0;
    auto it = owed.begin();
    for (; it != owed.end() && heartbeat.beats_size() < kMaxBeatsPerFrame &&
           bytes < kMaxBeatBytesPerFrame;
         ++it) {
      const peer::v1::Beat* const beat = BeatOf(*it);
      if (beat == nullptr) continue;  // No longer a member.
      *heartbeat.add_beats() = *beat;
      bytes += beat->ByteSizeLong();
    }
    // Refused: the queue of the link is full. What is owed stays owed until the next flush.
    if (!send_(peer, frame)) return;
    owed.erase(owed.begin(), it);
  }
}

void Heartbeats::RenewOwnBeat() {
  own_stale_ = false;
  own_.set_counter(own_.counter() + 1);
  catalog_.vector().ToProto(own_.mutable_holds());
  enforced_.ToProto(own_.mutable_enforces());
  own_.set_root(catalog_.root().ToBytes());
}

const peer::v1::Beat* Heartbeats::BeatOf(NodeId node) const {
  if (node == options_.node) return &own_;
  const auto it = table_.members().find(node);
  return it != table_.members().end() && it->second.beat.node() != 0 ? &it->second.beat : nullptr;
}

}  // namespace trellis::gossip
