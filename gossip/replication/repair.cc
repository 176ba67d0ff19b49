#include "gossip/replication/repair.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/log/log.h"
#include "storage/resource/names.h"

namespace trellis::gossip {

using peer::v1::Compare;
using peer::v1::Frame;
using storage::Origin;

class Repair::Answer {
 public:
  Answer(Repair& repair, NodeId to) : repair_(repair), to_(to) {}
  ~Answer() { Flush(); }

  // With the sum of what is held of it here. What cannot be read is left out.
  void Add(const Origin& origin, uint64_t after, uint64_t up_to) {
    const absl::StatusOr<storage::Root> sum = repair_.catalog_.SumOf(origin, after, up_to);
    if (!sum.ok()) {
      LOG(WARNING) << "cannot compare: " << sum.status();
      return;
    }
    Compare::Range& range = *frame_.mutable_compare()->add_ranges();
    origin.ToProto(range.mutable_origin());
    range.set_after(after);
    range.set_up_to(up_to);
    range.set_sum(sum->ToBytes());
    if (frame_.compare().ranges_size() == kMaxRangesPerFrame) Flush();
  }

 private:
  void Flush() {
    if (frame_.has_compare()) repair_.send_(to_, std::exchange(frame_, {}));
  }

  Repair& repair_;
  const NodeId to_;
  Frame frame_;
};

Repair::Repair(storage::Catalog& catalog, Runtime runtime, Send send)
    : catalog_(catalog), runtime_(runtime), send_(std::move(send)) {}

void Repair::Begin(NodeId peer) {
  Answer answer(*this, peer);
  for (const auto& [origin, head] : catalog_.vector().heads()) answer.Add(origin, 0, head);
}

bool Repair::Spend(NodeId link) {
  const absl::Duration now = runtime_.scheduler.MonotonicNow();
  const auto [it, is_new] = budgets_.try_emplace(link, Budget{now});
  Budget& budget = it->second;
  if (now - budget.since >= kBudgetTime) budget = {now};
  return ++budget.spent <= kBudget;
}

void Repair::OnCompare(NodeId from, const Compare& compare) {
  if (!Spend(from)) return;
  Answer answer(*this, from);
  for (const Compare::Range& range : compare.ranges()) AnswerRange(from, range, answer);
}

void Repair::AnswerRange(NodeId to, const Compare::Range& range, Answer& answer) {
  const Origin origin = Origin::FromProto(range.origin());
  const uint64_t up_to = std::min(range.up_to(), catalog_.vector().head(origin));
  if (range.after() >= up_to) return;
  const absl::StatusOr<storage::Root> sum = catalog_.SumOf(origin, range.after(), up_to);
  if (!sum.ok() || sum->ToBytes() == range.sum()) return;
  const uint64_t length = up_to - range.after();
  if (length <= kLeaf) {
    SendEntries(to, origin, range.after(), up_to);
    // With them the peer may hold more than we do: then it answers with what we lack.
    answer.Add(origin, range.after(), up_to);
    return;
  }
  const uint64_t part = (length + kParts - 1) / kParts;
  for (uint64_t after = range.after(); after < up_to; after += part) {
    answer.Add(origin, after, std::min(after + part, up_to));
  }
}

void Repair::SendEntries(NodeId to, const Origin& origin, uint64_t after, uint64_t up_to) {
  bool more = false;
  auto deltas = catalog_.DeltasOf(origin, after, up_to, kLeafBytes, &more);
  if (!deltas.ok()) {
    LOG(WARNING) << "cannot read what a peer may lack: " << deltas.status();
    return;
  }
  Frame frame;
  for (storage::v1::Delta& delta : *deltas) {
    *frame.mutable_deltas()->add_deltas() = std::move(delta);
  }
  if (frame.has_deltas()) send_(to, frame);
}

}  // namespace trellis::gossip
