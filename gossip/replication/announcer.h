// Lazy push: tells each link, in batches, which writes it could ask for.
//
// Spec: docs/decisions/0012.
#ifndef TRELLIS_GOSSIP_REPLICATION_ANNOUNCER_H_
#define TRELLIS_GOSSIP_REPLICATION_ANNOUNCER_H_

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

  // The longest a write waits for company.
  static constexpr absl::Duration kBatch = absl::Milliseconds(10);
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
  void RemoveLink(NodeId link) { owed_.erase(link); }

 private:
  void FlushSoon();
  void Flush();

  const Runtime runtime_;
  Send send_;
  using Heads = std::map<storage::Origin, uint64_t>;
  std::map<NodeId, Heads> owed_;  // At most the origins there are, each.
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_REPLICATION_ANNOUNCER_H_
