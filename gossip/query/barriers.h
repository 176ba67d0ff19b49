// Asking the mesh, from the side of who asks: does everybody obey this write, and who does not?
//
// A barrier asks (queries.h) and asks anew, now on all links, when agents that should be alive are
// missing from the answers and no more answers come: what is still on its way is waited for, and a
// tree that lost a branch is not mended, it is made again. Towards its end, agents that are still
// missing are found by name with a survey.
//
// Spec: docs/decisions/0012; gossip-design 3.9.
#ifndef TRELLIS_GOSSIP_QUERY_BARRIERS_H_
#define TRELLIS_GOSSIP_QUERY_BARRIERS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/runtime/runtime.h"
#include "gossip/query/queries.h"
#include "proto/trellis/peer/v1/frame.pb.h"
#include "storage/catalog/version.h"

namespace trellis::gossip {

struct BarrierRequest {
  storage::VersionVector wanted;
  bool only_self = false;  // Nobody else is asked, or counts.
  std::string vpc;         // Resource name: only agents of that VPC count. Empty: all.
  uint32_t minimum = 0;    // Ends as soon as so many enforce it; 0: only when all do.
  // Ends also when all that can be reached enforce it.
  bool reachable_is_enough = false;
  absl::Duration timeout;  // kLeastTimeout to Queries::kMaxTimeout; others are moved there.
};

struct BarrierResult {
  enum class Outcome {
    kAll,         // Every roster member in scope enforces it.
    kMinimum,     // As many as were asked for.
    kReachable,   // All that answered; some members did not.
    kIncomplete,  // Some that answered do not, yet.
  };
  Outcome outcome = Outcome::kIncomplete;
  uint32_t agents = 0;  // Roster members in scope.
  uint32_t answered = 0;
  uint32_t holding = 0;
  uint32_t enforcing = 0;
  std::vector<NodeId> stragglers;   // That answered and do not enforce it, at most kMaxStragglers.
  std::vector<NodeId> unreachable;  // Members that did not answer, at most kMaxStragglers.
  absl::Duration p50, p99, max;     // From commit to enforced; zero where that is not known.
};

struct SurveyRequest {
  storage::VersionVector wanted;  // Rows say what of it is missing.
  storage::Version trace;         // Rows say when it came; none: the one that is all of `wanted`.
  absl::Duration timeout;
};
using SurveyRows = std::map<NodeId, peer::v1::Answer::Row>;

// Thread-safety: none; control thread.
class Barriers {
 public:
  static constexpr absl::Duration kLeastTimeout = absl::Milliseconds(200);
  // Patience with missing agents since the last one answered, doubled each time.
  static constexpr absl::Duration kFirstPatience = absl::Milliseconds(500);
  static constexpr absl::Duration kMostPatience = absl::Seconds(4);
  // How long before its end a barrier looks for names.
  static constexpr absl::Duration kNaming = absl::Seconds(1);

  struct Member {
    NodeId node = 0;
    bool alive = false;  // As far as this agent knows.
  };
  // Roster members of that VPC (empty: all), this agent itself too, by node id.
  using Members = absl::AnyInvocable<std::vector<Member>(absl::string_view vpc) const>;
  using BarrierDone = absl::AnyInvocable<void(const BarrierResult&)>;
  using SurveyDone = absl::AnyInvocable<void(const SurveyRows&)>;

  // `queries` and the runtime are borrowed.
  Barriers(NodeId self, Queries& queries, Runtime runtime, Members members);
  ~Barriers();
  Barriers(const Barriers&) = delete;
  Barriers& operator=(const Barriers&) = delete;

  // Calls `done` once, from a timer: when the barrier has ended or its time is up.
  uint64_t Barrier(BarrierRequest request, BarrierDone done);
  // The same, when all members have answered, nobody is left who might, or time is up.
  uint64_t Survey(const SurveyRequest& request, SurveyDone done);
  // `done` is dropped uncalled.
  void Cancel(uint64_t id);

 private:
  struct Asked {
    // Of a barrier.
    BarrierRequest request;
    BarrierDone barrier_done;
    absl::Duration patience = kFirstPatience;
    absl::Duration progress_at;  // When more agents had answered than before.
    uint64_t naming = 0;  // The survey that names the unreachable.
    std::set<NodeId> answered_naming;
    bool named = false;
    // Of a survey.
    SurveyDone survey_done;
    SurveyRows rows;
    // Of both.
    uint64_t question = 0;
    absl::Duration deadline;
    peer::v1::Answer sum;
    Scheduler::TimerId patience_timer = Scheduler::TimerId::kNone;
    Scheduler::TimerId naming_timer = Scheduler::TimerId::kNone;
    Scheduler::TimerId deadline_timer = Scheduler::TimerId::kNone;
  };
  using AllAsked = std::map<uint64_t, Asked>;

  std::vector<Member> MembersOf(const BarrierRequest& request) const;
  void Ask(uint64_t id, Asked& asked);
  void AskAgainIfMissing(uint64_t id);
  void NameTheMissing(uint64_t id);
  void OnBarrierProgress(uint64_t id, const peer::v1::Answer& sum);
  void OnSurveyProgress(uint64_t id, const peer::v1::Answer& sum);
  void FinishBarrier(uint64_t id);
  void FinishSurvey(uint64_t id);
  Asked Remove(AllAsked::iterator asked);
  BarrierResult Judge(const Asked& asked, bool time_is_up, bool* ended) const;
  std::vector<NodeId> Unreachable(const Asked& asked, const std::vector<Member>& members) const;

  const NodeId self_;
  Queries& queries_;
  const Runtime runtime_;
  Members members_;
  AllAsked asked_;
  uint64_t next_id_ = 1;
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_QUERY_BARRIERS_H_
