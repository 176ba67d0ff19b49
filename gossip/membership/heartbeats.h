// Spreads beats: this agent's own, and those of others it has news of.
//
// Every link owes its peer the beats that changed since they were last sent; a flush pays all of
// them. Changes wait kCoalesce for company, so a burst of writes costs a few frames; the interval
// pays on every link, which repairs what was lost. A beat is not sent back to where it came from
// nor to the one it speaks of.
//
// Spec: gossip-design 3.1, 3.7 (class `beat`: single owner, memory only).
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_HEARTBEATS_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_HEARTBEATS_H_

#include <map>
#include <set>
#include <string>

#include "absl/functional/any_invocable.h"
#include "base/runtime/runtime.h"
#include "gossip/membership/beat_table.h"
#include "gossip/transport/transport.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Heartbeats {
 public:
  struct Options {
    NodeId node = 0;
    std::string program_version;
    absl::Duration interval;
  };
  using Send = absl::AnyInvocable<bool(NodeId, const peer::v1::Frame&)>;

  // How long a changed beat waits for further changes.
  static constexpr absl::Duration kCoalesce = absl::Milliseconds(5);
  // A frame of beats is cut at the first of these.
  static constexpr int kMaxBeatsPerFrame = 256;
  static constexpr size_t kMaxBeatBytesPerFrame = 256 << 10;

  // The catalog and runtime are borrowed. `send` as Transport::Send; `changed` runs whenever
  // anything a MemberView shows has changed.
  Heartbeats(const Options& options, const storage::Catalog& catalog, Runtime runtime, Send send,
             absl::AnyInvocable<void()> changed);
  ~Heartbeats();
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;

  void Start();
  void SetMembers(const std::set<NodeId>& members);

  // A peer that said Hello: owed everything known.
  void AddLink(NodeId peer);
  void RemoveLink(NodeId peer) { owed_.erase(peer); }
  void OnHeartbeat(NodeId from, const peer::v1::Heartbeat& heartbeat);

  // The catalog's vector or root has changed.
  void CatalogChanged() { OweOwnBeat(); }
  void SetEnforced(const storage::VersionVector& vector);

  const BeatTable& table() const { return table_; }
  const storage::VersionVector& enforced() const { return enforced_; }

 private:
  void Tick();
  void OweOwnBeat();
  void Owe(NodeId node, NodeId except);
  void FlushSoon();
  void FlushAll(bool even_without_news);
  void Flush(NodeId peer, std::set<NodeId>& owed, bool even_without_news);
  void RenewOwnBeat();
  const peer::v1::Beat* BeatOf(NodeId node) const;

  const Options options_;
  const storage::Catalog& catalog_;
  const Runtime runtime_;
  Send send_;
  absl::AnyInvocable<void()> changed_;

  BeatTable table_;
  storage::VersionVector enforced_;
  peer::v1::Beat own_;
  bool own_stale_ = true;                    // `own_` does not say what the catalog holds now.
  std::map<NodeId, std::set<NodeId>> owed_;  // By link: whose beats. At most the roster each.
  Scheduler::TimerId flush_timer_ = Scheduler::TimerId::kNone;
  Scheduler::TimerId tick_timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_HEARTBEATS_H_
