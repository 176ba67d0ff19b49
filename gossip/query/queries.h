// Questions to every agent, and the answers on their way back.
//
// A question floods from the agent that asks (the root) over all links, or over those on which one
// origin's writes are pushed (`along_tree`: a message an agent instead of one a link), and makes a
// tree as it goes: whoever hands it to an agent first is that agent's parent. While it is open it
// also goes on links that are new or only now become the tree's. Each agent adds up
// what its children and itself have to say and passes the sum up whenever it changes: at once when
// nothing more can come, otherwise after kCoalesce. Two kinds:
//   barrier  `wanted` without rows: how many agents hold and enforce it, until all do;
//   survey   `rows`: one row of each agent, at once.
// A link that goes takes with it what came through it; the root notices that agents are missing and
// asks anew (barriers.h). Nothing here decides when a question is answered well enough.
//
// Spec: docs/decisions/0012; gossip-design 3.9.
#ifndef TRELLIS_GOSSIP_QUERY_QUERIES_H_
#define TRELLIS_GOSSIP_QUERY_QUERIES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/query/history.h"
#include "gossip/replication/bootstrap.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"
#include "storage/catalog/catalog.h"

namespace trellis::gossip {

// Thread-safety: none; control thread.
class Queries {
 public:
  using Send = absl::AnyInvocable<bool(NodeId, const peer::v1::Frame&)>;
  // The sum so far, at the root. Rows are those that are new.
  using Progress = absl::AnyInvocable<void(const peer::v1::Answer& sum)>;

  // Whether writes of the origin are pushed on the link.
  using IsEager = absl::AnyInvocable<bool(const storage::Origin&, NodeId link) const>;

  static constexpr absl::Duration kCoalesce = absl::Milliseconds(50);
  static constexpr absl::Duration kMaxTimeout = absl::Minutes(5);
  // Each agent is given so much less time than who asked it. A question dies out by that, even
  // where agents have forgotten it when it comes round to them again.
  static constexpr absl::Duration kHop = absl::Milliseconds(10);
  // Questions of one root at one agent, and of all roots. Past either the oldest is forgotten, of
  // that root or of the one that has the most: who asks too much hurts itself.
  static constexpr size_t kMaxQuestionsOfOneRoot = 320;
  static constexpr size_t kMaxQuestions = 4096;
  // Of all vectors that are wanted: a question that would exceed it is not taken.
  static constexpr size_t kMaxWantedHeads = 400000;

  using Bootstrapping = absl::AnyInvocable<std::optional<Bootstrap::Progress>() const>;

  // All borrowed; `send` as Transport::Send. `bootstrapping` is for surveys.
  Queries(NodeId self, std::string program_version, const storage::Catalog& catalog,
          const History& history, Runtime runtime, Send send, IsEager is_eager,
          Bootstrapping bootstrapping);
  ~Queries();
  Queries(const Queries&) = delete;
  Queries& operator=(const Queries&) = delete;

  // Asks this agent itself, and everybody else if so wanted: `query` without root, id and timeout.
  // `progress` is called from a timer, never from in here, until the timeout (at most kMaxTimeout)
  // or Forget.
  uint64_t Ask(peer::v1::Query query, absl::Duration timeout, bool everybody, Progress progress);
  void Forget(uint64_t id);

  // A peer that said Hello.
  void AddLink(NodeId peer);
  void RemoveLink(NodeId peer);
  // From now on the origin's writes are pushed on the link.
  void OnGraft(NodeId link, const storage::Origin& origin);

  void OnQuery(NodeId from, const peer::v1::Query& query);
  void OnAnswer(NodeId from, const peer::v1::Answer& answer);

  // This agent holds or enforces more than before; the history knows of it already.
  void SetEnforced(const storage::VersionVector& vector);
  void CatalogChanged();

 private:
  using Key = std::pair<NodeId, uint64_t>;  // Root, id.
  struct Question {
    peer::v1::Query query;  // Without `wanted`.
    storage::VersionVector wanted;
    NodeId parent = 0;  // This agent itself at the root.
    Progress progress;  // At the root.
    bool everybody = true;
    uint64_t age = 0;
    absl::Duration deadline;
    bool in_scope = true;
    bool holding = false;
    bool enforcing = false;
    // By link the question went down: the newest answer, or an empty one.
    std::map<NodeId, peer::v1::Answer> below;
    std::set<NodeId> elsewhere;  // Links whose other ends have another parent; at most all links.
    std::vector<peer::v1::Answer::Row> rows;  // Not yet passed up.
    std::string told;                         // What was passed up last, without rows.
    Scheduler::TimerId flush = Scheduler::TimerId::kNone;
    bool flush_at_once = false;
    Scheduler::TimerId expiry = Scheduler::TimerId::kNone;
  };
  using Questions = std::map<Key, Question>;

  Question* Take(const peer::v1::Query& query, NodeId parent, Progress progress);
  void MakeRoom(NodeId root);
  void Drop(Questions::iterator question);
  void PassDown(Question& question);
  void PassDownLate(NodeId link, const Key& key, Question& question);
  bool GoesOn(NodeId link, const Question& question) const;
  // False when no time is left for it.
  bool MakeFrame(const Question& question, peer::v1::Frame* frame) const;
  void JudgeOwn(Question& question);
  peer::v1::Answer::Row OwnRow(const Question& question) const;
  void AddOwn(const Question& question, peer::v1::Answer* sum) const;
  peer::v1::Answer Sum(const Question& question) const;
  void FlushSoon(const Key& key, Question& question);
  void Flush(const Key& key);

  const NodeId self_;
  const std::string program_version_;
  const storage::Catalog& catalog_;
  const History& history_;
  const Runtime runtime_;
  Send send_;
  IsEager is_eager_;
  Bootstrapping bootstrapping_;
  storage::VersionVector enforced_;
  std::set<NodeId> links_;
  Questions questions_;
  size_t wanted_heads_ = 0;
  uint64_t next_age_ = 0;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_QUERY_QUERIES_H_
