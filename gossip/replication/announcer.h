// Lazy push: tells each link, in batches, which writes it could ask for.
//
// Each link is told at a moment of its own, so the two ends of a link seldom tell each other the
// same, and who lacks a write still hears of it from the first of its neighbours after a fraction
// of the longest wait.
//
// Spec: docs/decisions/0012.
#ifndef TRELLIS_GOSSIP_REPLICATION_ANNOUNCER_H_
#define TRELLIS_GOSSIP_REPLICATION_ANNOUNCER_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Announcer {
 public:
  using Send = absl::AnyInvocable<bool(NodeId, const peer::v1::Frame&)>;

  // A write waits for company between the one and the other.
  static constexpr absl::Duration kLeastWait = absl::Milliseconds(10);
  static constexpr absl::Duration kLongestWait = absl::Milliseconds(80);
  static constexpr int kMaxHeadsPerFrame = 4096;

  // The runtime is borrowed; `send` as Transport::Send.
  Announcer(Runtime runtime, Send send);
  ~Announcer();
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Tells the link that this agent holds the origin's writes up to `head`. What the link's queue
  // refuses is told with the next batch.
  void Owe(NodeId link, const storage::Origin& origin, uint64_t head);
  // The link knows, or has said so itself.
  void Forget(NodeId link, const storage::Origin& origin, uint64_t head);
  void RemoveLink(NodeId link);

  // To the link that is owed most; at most the origins there are.
  size_t most_owed() const;

 private:
  struct Owed {
    std::map<storage::Origin, uint64_t> heads;  // At most the origins there are.
    Scheduler::TimerId timer = Scheduler::TimerId::kNone;
  };

  void FlushLater(NodeId link, Owed& owed);
  void Flush(NodeId link);

  const Runtime runtime_;
  Send send_;
  std::map<NodeId, Owed> owed_;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_ANNOUNCER_H_
