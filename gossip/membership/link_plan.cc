#include "gossip/membership/link_plan.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "gossip/membership/neighbours.h"

namespace trellis::gossip {

void LinkPlan::Make(const std::set<NodeId>& members, const std::set<NodeId>& down,
                    absl::Duration now) {
  const bool few = members.size() - down.size() <= static_cast<size_t>(max_links_);
  Neighbours chosen =
      ChooseNeighbours(self_, members, down, few ? max_links_ : max_links_ - kChordLinks);
  neighbours_ = std::move(chosen.links);
  stale_at_ = absl::InfiniteDuration();
  if (!few) KeepChord(members, down, now);

  knocks_ = std::move(chosen.knocks);
  if (knocks_.size() <= kMaxKnocks) return;
  // A stretch of them, by chance: nobody waits for long although nothing is remembered.
  const std::vector<NodeId> all(knocks_.begin(), knocks_.end());
  const size_t first = random_.Uniform(all.size());
  knocks_.clear();
  for (size_t i = 0; i < kMaxKnocks; ++i) knocks_.insert(all[(first + i) % all.size()]);
  stale_at_ = std::min(stale_at_, now + kKnock);
}

void LinkPlan::KeepChord(const std::set<NodeId>& members, const std::set<NodeId>& down,
                         absl::Duration now) {
  const bool useless =
      members.count(chord_) == 0 || down.count(chord_) > 0 || neighbours_.count(chord_) > 0;
  if (useless || now >= chord_until_) {
    std::vector<NodeId> others;
    for (const NodeId member : members) {
      if (down.count(member) == 0 && neighbours_.count(member) == 0) others.push_back(member);
    }
    chord_ = others.empty() ? 0 : others[random_.Uniform(others.size())];
    chord_until_ = now + kChord;
  }
  if (chord_ != 0) neighbours_.insert(chord_);
  stale_at_ = chord_until_;
}

}  // namespace trellis::gossip
