#include "gossip/membership/rumour_mill.h"

#include <utility>

namespace trellis::gossip {

RumourMill::RumourMill(Scheduler& scheduler, Describe describe, Send send)
    : scheduler_(scheduler), describe_(std::move(describe)), send_(std::move(send)) {}

RumourMill::~RumourMill() { scheduler_.Cancel(timer_); }

void RumourMill::Tell(NodeId peer, NodeId subject) {
  const auto it = owed_.find(peer);
  if (it == owed_.end()) return;
  it->second.insert(subject);
  FlushSoon();
}

void RumourMill::TellAll(NodeId subject, NodeId except) {
  // The subject too: it is the one who can contradict.
  for (auto& [peer, owed] : owed_) {
    if (peer != except) owed.insert(subject);
  }
  FlushSoon();
}

void RumourMill::FlushSoon() {
  if (timer_ != Scheduler::TimerId::kNone) return;
  timer_ = scheduler_.RunAfter(kCoalesce, [this] {
    timer_ = Scheduler::TimerId::kNone;
    Flush();
  });
}

void RumourMill::Flush() {
  bool more = false;
  for (auto& [peer, owed] : owed_) {
    if (owed.empty()) continue;
    peer::v1::Frame frame;
    auto it = owed.begin();
    for (; it != owed.end() && frame.rumours().rumours_size() < kMaxRumours; ++it) {
      describe_(*it, frame.mutable_rumours());
    }
    // Refused: the queue of the link is full. What is owed stays owed.
    if (frame.rumours().rumours_size() == 0 || send_(peer, frame)) owed.erase(owed.begin(), it);
    more |= !owed.empty();
  }
  if (more) FlushSoon();
}

}  // namespace trellis::gossip
