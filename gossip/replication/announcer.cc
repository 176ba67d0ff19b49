#include "gossip/replication/announcer.h"

#include <utility>

namespace trellis::gossip {

Announcer::Announcer(Runtime runtime, Send send) : runtime_(runtime), send_(std::move(send)) {}

Announcer::~Announcer() { runtime_.scheduler.Cancel(timer_); }

void Announcer::Owe(NodeId link, const storage::Origin& origin, uint64_t head) {
  owed_[link][origin] = head;
  FlushSoon();
}

void Announcer::Forget(NodeId link, const storage::Origin& origin, uint64_t head) {
  const auto owed = owed_.find(link);
  if (owed == owed_.end()) return;
  const auto it = owed->second.find(origin);
  if (it != owed->second.end() && it->second <= head) owed->second.erase(it);
}

void Announcer::FlushSoon() {
  if (timer_ != Scheduler::TimerId::kNone) return;
  timer_ = runtime_.scheduler.RunAfter(kBatch, [this] {
    timer_ = Scheduler::TimerId::kNone;
    Flush();
  });
}

void Announcer::Flush() {
  for (auto& [link, owed] : owed_) {
    while (!owed.empty()) {
      peer::v1::Frame frame;
      auto it = owed.begin();
      for (; it != owed.end() && frame.announce().heads_size() < kMaxHeadsPerFrame; ++it) {
        storage::v1::OriginHead& head = *frame.mutable_announce()->add_heads();
        it->first.ToProto(head.mutable_origin());
        head.set_head(it->second);
      }
      if (!send_(link, frame)) {
        FlushSoon();
        break;
      }
      owed.erase(owed.begin(), it);
    }
  }
}

}  // namespace trellis::gossip
