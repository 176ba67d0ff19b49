#include "gossip/replication/announcer.h"

#include <algorithm>
#include <utility>

namespace trellis::gossip {

Announcer::Announcer(Runtime runtime, Send send) : runtime_(runtime), send_(std::move(send)) {}

Announcer::~Announcer() {
  for (const auto& [link, owed] : owed_) runtime_.scheduler.Cancel(owed.timer);
}

void Announcer::Owe(NodeId link, const storage::Origin& origin, uint64_t head) {
  Owed& owed = owed_[link];
  owed.heads[origin] = head;
  FlushLater(link, owed);
}

void Announcer::Forget(NodeId link, const storage::Origin& origin, uint64_t head) {
  const auto owed = owed_.find(link);
  if (owed == owed_.end()) return;
  const auto it = owed->second.heads.find(origin);
  if (it != owed->second.heads.end() && it->second <= head) owed->second.heads.erase(it);
}

void Announcer::RemoveLink(NodeId link) {
  const auto owed = owed_.extract(link);
  if (!owed.empty()) runtime_.scheduler.Cancel(owed.mapped().timer);
}

size_t Announcer::most_owed() const {
  size_t most = 0;
  for (const auto& [link, owed] : owed_) most = std::max(most, owed.heads.size());
  return most;
}

void Announcer::FlushLater(NodeId link, Owed& owed) {
  if (owed.timer != Scheduler::TimerId::kNone) return;
  const int64_t spread = absl::ToInt64Microseconds(kLongestWait - kLeastWait);
  const absl::Duration wait = kLeastWait + absl::Microseconds(runtime_.random.Uniform(spread));
  owed.timer = runtime_.scheduler.RunAfter(wait, [this, link] { Flush(link); });
}

void Announcer::Flush(NodeId link) {
  Owed& owed = owed_.at(link);
  owed.timer = Scheduler::TimerId::kNone;
  while (!owed.heads.empty()) {
    peer::v1::Frame frame;
    auto it = owed.heads.begin();
    for (; it != owed.heads.end() && frame.announce().heads_size() < kMaxHeadsPerFrame; ++it) {
      storage::v1::OriginHead& head = *frame.mutable_announce()->add_heads();
      it->first.ToProto(head.mutable_origin());
      head.set_head(it->second);
    }
    if (!send_(link, frame)) return FlushLater(link, owed);
    owed.heads.erase(owed.heads.begin(), it);
  }
}

}  // namespace trellis::gossip
