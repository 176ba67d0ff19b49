// What all agents say of targets: publishes this agent's shard and spreads everybody's.
//
// A new shard goes at once to all links but the one it came by. Each link owes its peer the
// checkers of whom there is news; what is sent is the newest shard held of them, so news that
// overtakes news costs nothing, and what a full queue refuses stays owed. Every kRound, agents that
// hold shards compare sums over them with their peers (HealthSums, HealthRows): what got lost on
// the way, or was said while they were cut off, is sent then. Where nothing changes, that is all
// that is sent, whatever the number of agents and targets.
//
// A shard counts while its checker is not down: liveness (decision 0011) already says that within
// less than half a second of a crash, and within 6 s of silence.
//
// Decision: docs/decisions/0016.
#ifndef TRELLIS_GOSSIP_HEALTH_HEALTH_SHARDS_H_
#define TRELLIS_GOSSIP_HEALTH_HEALTH_SHARDS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/health/shard_table.h"
#include "gossip/membership/membership.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// One agent's opinion of one target.
struct CheckerOpinion {
  NodeId checker = 0;
  routing::Opinion opinion = routing::Opinion::kNone;
};

// Thread-safety: none; control thread. A status other than OK from the On… methods means that the
// peer sent what no honest peer sends: the caller closes the link.
class HealthShards {
 public:
  // A change waits so long for company; while there is one after the other, it is passed on ten
  // times a second.
  static constexpr absl::Duration kCoalesce = absl::Milliseconds(10);
  static constexpr absl::Duration kBetweenFlushes = absl::Milliseconds(100);
  // Between two shards of this agent's own.
  static constexpr absl::Duration kBetweenShards = absl::Milliseconds(500);
  static constexpr absl::Duration kRound = absl::Seconds(5);
  // After a link came up: by then liveness has crossed it.
  static constexpr absl::Duration kFirstRound = absl::Seconds(1);
  // A bucket that changed since is on its way: it is not compared.
  static constexpr absl::Duration kQuiet = absl::Seconds(1);
  static constexpr size_t kFrameBytes = 256 << 10;
  static constexpr int kMaxRowsPerFrame = 16384;

  using Source = std::function<std::vector<routing::OpinionList>()>;
  using Send = std::function<bool(NodeId, const peer::v1::Frame&)>;

  // All borrowed; `send` as Transport::Send.
  HealthShards(const storage::SealScope& scope, storage::Catalog& catalog,
               storage::Authorship& authorship, const Membership& membership, Runtime runtime,
               Send send);
  ~HealthShards();
  HealthShards(const HealthShards&) = delete;
  HealthShards& operator=(const HealthShards&) = delete;

  void Start() { RoundIn(kRound); }

  // Says what this agent says of targets, ascending by identity. Asked soon after Changed, twice a
  // second at most; what it said before is not sent again.
  void SetSource(Source source) { source_ = std::move(source); }
  void Changed() { PublishSoon(); }
  // What agents say, or who of them is down, may have changed; called from a timer.
  void SetListener(absl::AnyInvocable<void()> listener) { listener_ = std::move(listener); }

  // Of the target at `index` of a list, whose address (without port) that is: the opinions of all
  // agents that are not down and have one that counts. By node id.
  std::vector<CheckerOpinion> OpinionsOf(uint64_t list, uint32_t index,
                                         absl::string_view address) const;
  const ShardTable& table() const { return table_; }

  void AddLink(NodeId peer);
  void RemoveLink(NodeId peer) { owed_.erase(peer); }
  absl::Status OnHealth(NodeId from, const peer::v1::Health& health);
  void OnSums(NodeId from, const peer::v1::HealthSums& sums);
  void OnRows(NodeId from, const peer::v1::HealthRows& rows);

 private:
  absl::Duration Now() const { return runtime_.scheduler.MonotonicNow(); }
  NodeId self() const { return catalog_.origin().node; }
  bool IsDown(NodeId checker) const { return membership_.LivenessOf(checker) == Liveness::kDown; }

  void PublishSoon();
  void PublishNow();
  absl::Status OnShard(NodeId from, const peer::v1::SignedShard& message);
  void OnOwnShard(const Shard& shard);
  void OweAll(NodeId checker, NodeId except);
  void Owe(NodeId peer, NodeId checker);
  void FlushSoon();
  void Flush();
  // False when the link's queue is full.
  bool FlushTo(NodeId peer, std::set<NodeId>& owed);
  void RoundIn(absl::Duration delay);
  void Round();
  void SendRows(NodeId to, uint32_t buckets, bool answer);

  const storage::SealScope scope_;
  storage::Catalog& catalog_;
  storage::Authorship& authorship_;
  const Membership& membership_;
  const Runtime runtime_;
  Send send_;
  absl::AnyInvocable<void()> listener_ = [] {};

  ShardTable table_;
  std::map<NodeId, std::set<NodeId>> owed_;  // Checkers by link: at most the table each.
  Source source_ = [] { return std::vector<routing::OpinionList>(); };
  std::vector<routing::OpinionList> said_;     // Last.
  ShardVersion version_;                       // Of that.
  bool contradict_ = false;                    // Somebody holds a later shard of this agent's.
  absl::Duration asked_at_ = -kBetweenShards;  // The source.
  absl::Duration flushed_at_ = -kBetweenFlushes;
  absl::Duration round_due_ = absl::InfiniteDuration();
  Scheduler::TimerId publish_timer_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId flush_timer_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId round_timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_HEALTH_HEALTH_SHARDS_H_
