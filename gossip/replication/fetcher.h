// Asks for writes that others are known to hold and that do not come by themselves: what was
// announced, after kPatience; what is missing before a push, at once. One request at a time for an
// origin; who does not deliver in time is passed over for the next who holds it. When all have been
// asked in vain, anti-entropy finds what is still missing.
//
// Spec: docs/decisions/0012.
#ifndef TRELLIS_GOSSIP_REPLICATION_FETCHER_H_
#define TRELLIS_GOSSIP_REPLICATION_FETCHER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Fetcher {
 public:
  // How long an announced write may take to come by another link.
  static constexpr absl::Duration kPatience = absl::Milliseconds(30);
  // How long an answer may take before somebody else is asked.
  static constexpr absl::Duration kAnswerTime = absl::Milliseconds(200);
  // Of more origins than this, what is missing is left to anti-entropy.
  static constexpr size_t kMaxOrigins = 4096;

  // Sends a Request that grafts to `from`, for what is held after `after`.
  using Ask = absl::AnyInvocable<void(NodeId from, const storage::Origin& origin, uint64_t after,
                                      uint64_t up_to)>;
  // Whether pages are being asked for, which will bring it: then nothing is asked for here.
  using Busy = absl::AnyInvocable<bool()>;

  // The catalog and runtime are borrowed.
  Fetcher(const storage::Catalog& catalog, Runtime runtime, Ask ask, Busy busy);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // `holder` holds the origin up to `head`, which this agent does not.
  void OnAnnounced(NodeId holder, const storage::Origin& origin, uint64_t head);
  // It has just pushed what begins after something that is missing here.
  void OnGap(NodeId holder, const storage::Origin& origin, uint64_t head);
  // More of the origin is held than before, by what `from` sent: asks for the rest, if any.
  void OnProgress(NodeId from, const storage::Origin& origin);
  void RemoveLink(NodeId link);

  // Origins of which something is asked for: at most kMaxOrigins.
  size_t origins() const { return wanted_.size(); }

 private:
  struct Wanted {
    uint64_t head = 0;
    std::vector<NodeId> holders;  // Not asked yet, in the order they said so; at most all links.
    NodeId asked = 0;             // 0: nobody.
    absl::Duration due;           // When the next of them is asked.
  };
  using AllWanted = std::map<storage::Origin, Wanted>;

  Wanted* Want(NodeId holder, const storage::Origin& origin, uint64_t head);
  // False when nobody is left to be asked.
  bool AskNext(const storage::Origin& origin, Wanted& wanted);
  void AskAgain(NodeId from, const storage::Origin& origin, Wanted& wanted);
  void ArmTimer();
  void OnTimer();

  const storage::Catalog& catalog_;
  const Runtime runtime_;
  Ask ask_;
  Busy busy_;
  AllWanted wanted_;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
  absl::Duration timer_due_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_FETCHER_H_
