#include "gossip/membership/origin_fence.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "gossip/membership/starting.h"

namespace trellis::gossip {

OriginFence::OriginFence(storage::Catalog& catalog, Scheduler& scheduler, size_t peers)
    : catalog_(catalog),
      scheduler_(scheduler),
      started_(scheduler.MonotonicNow()),
      awaited_(std::min(kPeers, peers)) {}

void OriginFence::FillHello(NodeId peer, peer::v1::Hello* hello) const {
  const auto& heads = catalog_.vector().heads();
  for (auto it = heads.lower_bound({peer, 0}); it != heads.end() && it->first.node == peer; ++it) {
    if (hello->your_heads_size() == kMaxHeads) return;
    it->first.ToProto(hello->add_your_heads()->mutable_origin());
    hello->mutable_your_heads()->rbegin()->set_head(it->second);
  }
}

void OriginFence::OnHello(NodeId peer, const peer::v1::Hello& hello) {
  for (const storage::v1::OriginHead& theirs : hello.your_heads()) {
    const storage::Origin& ours = catalog_.origin();
    if (storage::Origin::FromProto(theirs.origin()) != ours) continue;
    const uint64_t held = catalog_.vector().head(ours);
    if (theirs.head() <= held) continue;
    LOG(ERROR) << "peers hold " << theirs.head() << " writes of this agent, its own folder " << held
               << ": it was restored from an old copy. Writing on as another incarnation";
    forgotten_.Advance(ours, theirs.head());
    recall_until_ = scheduler_.MonotonicNow() + kRecall;
    refused_ = catalog_.StartIncarnation();
  }
  if (answered_.size() < kPeers) answered_.insert(peer);
}

absl::Status OriginFence::Check() {
  if (!refused_.ok()) refused_ = catalog_.StartIncarnation();
  RETURN_IF_ERROR(refused_);
  if (catalog_.vector().Covers(forgotten_) || scheduler_.MonotonicNow() >= recall_until_) {
    forgotten_ = {};
  } else {
    return Starting(absl::StrCat(
        "this agent was restored from an old copy and fetches what it wrote since; try again in at "
        "most ",
        absl::FormatDuration(kRecall)));
  }
  if (answered_.size() >= awaited_) return absl::OkStatus();
  if (scheduler_.MonotonicNow() - started_ >= kPatience) return absl::OkStatus();
  return Starting(absl::StrCat(
      "this agent has just started and asks its peers how many of its writes they hold; try again "
      "in at most ",
      absl::FormatDuration(kPatience)));
}

}  // namespace trellis::gossip
