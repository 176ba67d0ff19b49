// Finds and mends what equal vectors hide: entries that one of two agents lost although its vector
// says that it holds them (a bug, bit rot, a relay that withholds).
//
// The two compare sums of the entries they hold of each origin, then of sixteenths of its sequence
// where the sums differ, and so on; what is left are ranges of at most kLeaf transactions, of which
// each sends the other what it has. So they exchange what differs, and nothing else. There is no
// state between frames: whoever gets sums answers them.
//
// Spec: docs/decisions/0012; gossip-design 3.4 (the second, independent mechanism).
#ifndef TRELLIS_GOSSIP_REPLICATION_REPAIR_H_
#define TRELLIS_GOSSIP_REPLICATION_REPAIR_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Repair {
 public:
  using Send = absl::AnyInvocable<bool(NodeId, const peer::v1::Frame&)>;

  static constexpr uint64_t kParts = 16;
  static constexpr uint64_t kLeaf = 64;
  static constexpr int kMaxRangesPerFrame = 256;
  // Each costs a pass over what it is about: of one link no more are answered in kBudgetTime. What
  // is still different then is found by the next repair.
  static constexpr int kBudget = 128;
  static constexpr absl::Duration kBudgetTime = absl::Seconds(10);
  static constexpr size_t kLeafBytes = 256 << 10;

  // The catalog and runtime are borrowed; `send` as Transport::Send.
  Repair(storage::Catalog& catalog, Runtime runtime, Send send);
  Repair(const Repair&) = delete;
  Repair& operator=(const Repair&) = delete;

  // Begins to compare everything with `peer`, which holds an equal vector. O(entries).
  void Begin(NodeId peer);
  // Answers sums with finer ones and with entries, where they differ. O(entries of the ranges).
  void OnCompare(NodeId from, const peer::v1::Compare& compare);
  void RemoveLink(NodeId link) { budgets_.erase(link); }

 private:
  struct Budget {
    absl::Duration since;
    int spent = 0;
  };
  // Ranges to be sent to one peer, in frames.
  class Answer;

  bool Spend(NodeId link);
  void AnswerRange(NodeId to, const peer::v1::Compare::Range& range, Answer& answer);
  void SendEntries(NodeId to, const storage::Origin& origin, uint64_t after, uint64_t up_to);

  storage::Catalog& catalog_;
  const Runtime runtime_;
  Send send_;
  std::map<NodeId, Budget> budgets_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_REPAIR_H_
