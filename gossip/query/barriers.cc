#include "gossip/query/barriers.h"

#include <algorithm>
#include <utility>

#include "gossip/query/answers.h"
#include "gossip/query/latencies.h"

namespace trellis::gossip {
namespace {

using peer::v1::Answer;
using Outcome = BarrierResult::Outcome;

uint32_t CountAlive(const std::vector<Barriers::Member>& members) {
  return static_cast<uint32_t>(std::count_if(members.begin(), members.end(),
                                             [](const auto& member) { return member.alive; }));
}

// Equal counts are not enough: an agent evicted here may still be counted there.
bool AllEnforce(const std::vector<Barriers::Member>& members, const Answer& sum) {
  uint64_t ids = 0;
  for (const Barriers::Member& member : members) ids += member.node;
  return sum.enforcing() == members.size() && sum.enforcing_sum() == ids;
}

}  // namespace

Barriers::Barriers(NodeId self, Queries& queries, Runtime runtime, Members members)
    : self_(self), queries_(queries), runtime_(runtime), members_(std::move(members)) {}

Barriers::~Barriers() {
  while (!asked_.empty()) Remove(asked_.begin());
}

void Barriers::Cancel(uint64_t id) {
  const auto found = asked_.find(id);
  if (found != asked_.end()) Remove(found);
}

Barriers::Asked Barriers::Remove(AllAsked::iterator found) {
  Asked asked = std::move(found->second);
  asked_.erase(found);
  for (const Scheduler::TimerId timer :
       {asked.patience_timer, asked.naming_timer, asked.deadline_timer}) {
    runtime_.scheduler.Cancel(timer);
  }
  queries_.Forget(asked.question);
  if (asked.naming != 0) Cancel(asked.naming);
  return asked;
}

// --- Barriers ------------------------------------------------------------------------------------

uint64_t Barriers::Barrier(BarrierRequest request, BarrierDone done) {
  const uint64_t id = next_id_++;
  Asked& asked = asked_[id];
  request.timeout = std::clamp(request.timeout, kLeastTimeout, Queries::kMaxTimeout);
  asked.deadline = runtime_.scheduler.MonotonicNow() + request.timeout;
  asked.request = std::move(request);
  asked.barrier_done = std::move(done);
  asked.deadline_timer =
      runtime_.scheduler.RunAfter(asked.request.timeout, [this, id] { FinishBarrier(id); });
  const absl::Duration naming = std::min(kNaming, asked.request.timeout / 2);
  asked.naming_timer = runtime_.scheduler.RunAfter(asked.request.timeout - naming,
                                                   [this, id] { NameTheMissing(id); });
  Ask(id, asked);
  return id;
}

std::vector<Barriers::Member> Barriers::MembersOf(const BarrierRequest& request) const {
  if (request.only_self) return {{self_, /*alive=*/true}};
  return members_(request.vpc);
}

void Barriers::Ask(uint64_t id, Asked& asked) {
  asked.sum.Clear();
  peer::v1::Query query;
  asked.request.wanted.ToProto(query.mutable_wanted());
  query.set_vpc(asked.request.vpc);
  // At first the way that the write itself took. If agents are missing, that may be broken.
  query.set_along_tree(asked.question == 0 && asked.request.wanted.heads().size() == 1);
  if (asked.question != 0) queries_.Forget(asked.question);
  asked.question =
      queries_.Ask(std::move(query), asked.deadline - runtime_.scheduler.MonotonicNow(),
                   /*everybody=*/!asked.request.only_self,
                   [this, id](const Answer& sum) { OnBarrierProgress(id, sum); });
  asked.progress_at = runtime_.scheduler.MonotonicNow();
  asked.patience_timer =
      runtime_.scheduler.RunAfter(asked.patience, [this, id] { AskAgainIfMissing(id); });
}

void Barriers::AskAgainIfMissing(uint64_t id) {
  Asked& asked = asked_.at(id);
  const absl::Duration now = runtime_.scheduler.MonotonicNow();
  // The last answers are not thrown away for a question that might not come back in time.
  if (asked.deadline - now < kNaming) return;
  const absl::Duration stands = now - asked.progress_at;
  const bool missing = asked.sum.agents() < CountAlive(MembersOf(asked.request));
  if (missing && stands >= asked.patience) {
    asked.patience = std::min(2 * asked.patience, kMostPatience);
    Ask(id, asked);
    return;
  }
  const absl::Duration wait = missing ? asked.patience - stands : asked.patience;
  asked.patience_timer = runtime_.scheduler.RunAfter(wait, [this, id] { AskAgainIfMissing(id); });
  OnBarrierProgress(id, Answer(asked.sum));  // The roster may be another by now.
}

void Barriers::NameTheMissing(uint64_t id) {
  Asked& asked = asked_.at(id);
  if (asked.sum.agents() >= MembersOf(asked.request).size()) return;
  // A little sooner than the barrier itself, so that its end finds the names.
  const absl::Duration left = asked.deadline - runtime_.scheduler.MonotonicNow();
  asked.naming = Survey({.timeout = left * 9 / 10}, [this, id](const SurveyRows& rows) {
    Asked& asked = asked_.at(id);
    asked.naming = 0;
    asked.named = true;
    for (const auto& [node, row] : rows) asked.answered_naming.insert(node);
  });
}

void Barriers::OnBarrierProgress(uint64_t id, const Answer& sum) {
  Asked& asked = asked_.at(id);
  if (sum.agents() > asked.sum.agents()) asked.progress_at = runtime_.scheduler.MonotonicNow();
  asked.sum = sum;
  bool ended = false;
  Judge(asked, /*time_is_up=*/false, &ended);
  if (ended) FinishBarrier(id);
}

void Barriers::FinishBarrier(uint64_t id) {
  bool ended = false;
  const BarrierResult result = Judge(asked_.at(id), /*time_is_up=*/true, &ended);
  Asked asked = Remove(asked_.find(id));
  asked.barrier_done(result);
}

BarrierResult Barriers::Judge(const Asked& asked, bool time_is_up, bool* ended) const {
  const std::vector<Member> members = MembersOf(asked.request);
  const Answer& sum = asked.sum;
  BarrierResult result;
  result.agents = static_cast<uint32_t>(members.size());
  result.answered = sum.agents();
  result.holding = sum.holding();
  result.enforcing = sum.enforcing();
  result.stragglers.assign(sum.stragglers().begin(), sum.stragglers().end());
  Latencies latencies;
  latencies.Merge(sum.latency());
  result.p50 = latencies.Quantile(0.5);
  result.p99 = latencies.Quantile(0.99);
  result.max = latencies.Quantile(1);
  *ended = true;
  const bool all_that_answered = sum.agents() > 0 && sum.enforcing() == sum.agents();
  if (AllEnforce(members, sum)) {
    result.outcome = Outcome::kAll;
  } else if (asked.request.minimum > 0 && sum.enforcing() >= asked.request.minimum) {
    result.outcome = Outcome::kMinimum;
  } else {
    result.outcome = all_that_answered ? Outcome::kReachable : Outcome::kIncomplete;
    *ended = all_that_answered && asked.request.reachable_is_enough && sum.final() &&
             sum.agents() >= CountAlive(members);
    if (*ended || time_is_up) result.unreachable = Unreachable(asked, members);
  }
  return result;
}

std::vector<NodeId> Barriers::Unreachable(const Asked& asked,
                                          const std::vector<Member>& members) const {
  std::vector<NodeId> missing;
  for (const Member& member : members) {
    // Without names of its own, liveness is the best guess.
    const bool answered = asked.named ? asked.answered_naming.count(member.node) > 0 : member.alive;
    if (!answered && missing.size() < kMaxStragglers) missing.push_back(member.node);
  }
  return missing;
}

// --- Surveys -------------------------------------------------------------------------------------

uint64_t Barriers::Survey(const SurveyRequest& request, SurveyDone done) {
  const uint64_t id = next_id_++;
  Asked& asked = asked_[id];
  asked.survey_done = std::move(done);
  peer::v1::Query query;
  query.set_rows(true);
  request.wanted.ToProto(query.mutable_wanted());
  if (!request.trace.is_none()) request.trace.ToProto(query.mutable_trace());
  asked.question = queries_.Ask(std::move(query), request.timeout, /*everybody=*/true,
                                [this, id](const Answer& sum) { OnSurveyProgress(id, sum); });
  asked.deadline_timer =
      runtime_.scheduler.RunAfter(request.timeout, [this, id] { FinishSurvey(id); });
  return id;
}

void Barriers::OnSurveyProgress(uint64_t id, const Answer& sum) {
  Asked& asked = asked_.at(id);
  for (const Answer::Row& row : sum.rows()) {
    if (asked.rows.size() < kMaxRowsOfAnAnswer) asked.rows[row.node()] = row;
  }
  // A roster member that is not linked to anybody keeps no survey waiting.
  if (sum.final()) FinishSurvey(id);
}

void Barriers::FinishSurvey(uint64_t id) {
  Asked asked = Remove(asked_.find(id));
  asked.survey_done(asked.rows);
}

}  // namespace trellis::gossip
