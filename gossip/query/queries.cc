#include "gossip/query/queries.h"

#include <algorithm>
#include <memory>

#include "gossip/query/answers.h"
#include "gossip/query/latencies.h"
#include "storage/resource/names.h"

namespace trellis::gossip {
namespace {

constexpr absl::Duration kRetry = absl::Milliseconds(100);

}  // namespace

using peer::v1::Answer;
using peer::v1::Frame;
using peer::v1::Query;

Queries::Queries(NodeId self, std::string program_version, const storage::Catalog& catalog,
                 const History& history, Runtime runtime, Send send, IsEager is_eager,
                 Bootstrapping bootstrapping)
    : self_(self),
      program_version_(std::move(program_version)),
      catalog_(catalog),
      history_(history),
      runtime_(runtime),
      send_(std::move(send)),
      is_eager_(std::move(is_eager)),
      bootstrapping_(std::move(bootstrapping)) {}

Queries::~Queries() {
  while (!questions_.empty()) Drop(questions_.begin());
}

// --- Questions -----------------------------------------------------------------------------------

uint64_t Queries::Ask(Query query, absl::Duration timeout, bool everybody, Progress progress) {
  query.set_root(self_);
  // Drawn, not counted: nobody may take the place of a question that is still to come.
  do {
    query.set_id(runtime_.random.Next64());
  } while (query.id() == 0 || questions_.count({self_, query.id()}) > 0);
  query.set_timeout_millis(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(std::min(timeout, kMaxTimeout))));
  Question* const question = Take(query, /*parent=*/self_, std::move(progress));
  if (question == nullptr) return query.id();
  question->everybody = everybody;
  PassDown(*question);
  FlushSoon({self_, query.id()}, *question);
  return query.id();
}

void Queries::Forget(uint64_t id) {
  const auto question = questions_.find({self_, id});
  if (question != questions_.end()) Drop(question);
}

void Queries::OnQuery(NodeId from, const Query& query) {
  const auto known = questions_.find({query.root(), query.id()});
  if (known == questions_.end()) {
    // One of ours comes back to us only when we have forgotten it.
    if (query.root() == self_) return;
    Question* const question = Take(query, /*parent=*/from, nullptr);
    if (question == nullptr) return;
    PassDown(*question);
    FlushSoon({query.root(), query.id()}, *question);
    return;
  }
  Question& question = known->second;
  if (question.parent == from) return;
  question.elsewhere.insert(from);
  if (question.below.erase(from) > 0) {
    // Our question and this one crossed: neither end is the other's child.
    FlushSoon(known->first, question);
    return;
  }
  Frame frame;
  frame.mutable_answer()->set_root(query.root());
  frame.mutable_answer()->set_id(query.id());
  frame.mutable_answer()->set_duplicate(true);
  send_(from, frame);
}

Queries::Question* Queries::Take(const Query& query, NodeId parent, Progress progress) {
  storage::VersionVector wanted = storage::VersionVector::FromProto(query.wanted());
  if (wanted_heads_ + wanted.heads().size() > kMaxWantedHeads) return nullptr;
  MakeRoom(query.root());
  wanted_heads_ += wanted.heads().size();
  const Key key(query.root(), query.id());
  Question& question = questions_[key];
  question.query = query;
  question.query.clear_wanted();
  question.wanted = std::move(wanted);
  question.parent = parent;
  question.progress = std::move(progress);
  question.age = next_age_++;
  const absl::Duration timeout = std::min(absl::Milliseconds(query.timeout_millis()), kMaxTimeout);
  question.deadline = runtime_.scheduler.MonotonicNow() + timeout;
  question.expiry = runtime_.scheduler.RunAfter(timeout, [this, key] {
    const auto expired = questions_.find(key);
    if (expired != questions_.end()) Drop(expired);
  });
  if (!query.vpc().empty()) {
    const auto self = catalog_.Find(resource::AgentName(self_));
    question.in_scope = self != nullptr && self->agent().vpc() == query.vpc();
  }
  JudgeOwn(question);
  if (query.rows() && question.in_scope) question.rows.push_back(OwnRow(question));
  return &question;
}

void Queries::MakeRoom(NodeId root) {
  std::map<NodeId, size_t> by_root;
  for (const auto& [key, question] : questions_) ++by_root[key.first];
  NodeId crowded = root;
  if (by_root[root] < kMaxQuestionsOfOneRoot) {
    if (questions_.size() < kMaxQuestions) return;
    for (const auto& [other, count] : by_root) {
      if (count > by_root[crowded]) crowded = other;
    }
  }
  auto oldest = questions_.end();
  for (auto it = questions_.begin(); it != questions_.end(); ++it) {
    if (it->first.first != crowded) continue;
    if (oldest == questions_.end() || it->second.age < oldest->second.age) oldest = it;
  }
  if (oldest != questions_.end()) Drop(oldest);
}

void Queries::Drop(Questions::iterator question) {
  runtime_.scheduler.Cancel(question->second.flush);
  runtime_.scheduler.Cancel(question->second.expiry);
  wanted_heads_ -= question->second.wanted.heads().size();
  questions_.erase(question);
}

bool Queries::MakeFrame(const Question& question, Frame* frame) const {
  const absl::Duration left = question.deadline - runtime_.scheduler.MonotonicNow() - kHop;
  if (left <= absl::ZeroDuration()) return false;
  Query& query = *frame->mutable_query();
  query = question.query;
  question.wanted.ToProto(query.mutable_wanted());
  query.set_timeout_millis(static_cast<uint32_t>(absl::ToInt64Milliseconds(left)));
  return true;
}

bool Queries::GoesOn(NodeId link, const Question& question) const {
  return link != question.parent && question.everybody &&
         (!question.query.along_tree() ||
          is_eager_(question.wanted.heads().begin()->first, link));
}

void Queries::PassDown(Question& question) {
  Frame frame;
  if (!MakeFrame(question, &frame)) return;
  for (const NodeId link : links_) {
    // Refused: the queue is full. The root misses what is behind this link, and asks again.
    if (GoesOn(link, question) && send_(link, frame)) question.below[link];
  }
}

void Queries::PassDownLate(NodeId link, const Key& key, Question& question) {
  Frame frame;
  if (question.below.count(link) > 0 || question.elsewhere.count(link) > 0) return;
  if (!GoesOn(link, question)) return;
  if (!MakeFrame(question, &frame) || !send_(link, frame)) return;
  question.below[link];
  FlushSoon(key, question);
}

// The peer may have become reachable by this link alone.
void Queries::AddLink(NodeId peer) {
  links_.insert(peer);
  for (auto& [key, question] : questions_) PassDownLate(peer, key, question);
}

// Whoever asked for the write here may have missed the question where the write did not come from.
void Queries::OnGraft(NodeId link, const storage::Origin& origin) {
  if (links_.count(link) == 0) return;
  for (auto& [key, question] : questions_) {
    if (!question.query.along_tree() || question.wanted.heads().begin()->first != origin) continue;
    PassDownLate(link, key, question);
  }
}

// --- Answers -------------------------------------------------------------------------------------

void Queries::OnAnswer(NodeId from, const Answer& answer) {
  const auto known = questions_.find({answer.root(), answer.id()});
  if (known == questions_.end()) return;
  Question& question = known->second;
  const auto child = question.below.find(from);
  if (child == question.below.end()) return;
  if (answer.duplicate()) {
    question.below.erase(child);
    question.elsewhere.insert(from);
  } else {
    for (const Answer::Row& row : answer.rows()) {
      if (question.rows.size() < kMaxRowsOfAnAnswer) question.rows.push_back(row);
    }
    child->second = answer;
    child->second.clear_rows();
  }
  FlushSoon(known->first, question);
}

void Queries::RemoveLink(NodeId peer) {
  links_.erase(peer);
  for (auto it = questions_.begin(); it != questions_.end();) {
    const auto question = it++;
    if (question->second.parent == peer) {
      Drop(question);  // Nobody to tell any more.
      continue;
    }
    question->second.elsewhere.erase(peer);
    if (question->second.below.erase(peer) > 0) FlushSoon(question->first, question->second);
  }
}

void Queries::SetEnforced(const storage::VersionVector& vector) {
  enforced_ = vector;
  CatalogChanged();
}

void Queries::CatalogChanged() {
  for (auto& [key, question] : questions_) {
    if (question.enforcing || question.query.rows() || !question.in_scope) continue;
    const bool held = question.holding;
    JudgeOwn(question);
    if (question.enforcing || question.holding != held) FlushSoon(key, question);
  }
}

void Queries::JudgeOwn(Question& question) {
  question.holding = question.holding || catalog_.vector().Covers(question.wanted);
  question.enforcing = question.enforcing || enforced_.Covers(question.wanted);
}

Answer::Row Queries::OwnRow(const Question& question) const {
  Answer::Row row;
  row.set_node(self_);
  row.set_program_version(program_version_);
  row.set_root(catalog_.root().ToBytes());
  row.set_missing(catalog_.vector().Missing(question.wanted));
  row.set_enforcing(question.enforcing);
  if (catalog_.agreed() != absl::InfinitePast()) {
    const absl::Duration ago = runtime_.scheduler.WallNow() - catalog_.agreed();
    row.set_agreed_millis_ago(
        static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Milliseconds(ago), 0)));
  }
  if (const auto progress = bootstrapping_()) {
    row.mutable_bootstrap()->set_entries(progress->entries);
    row.mutable_bootstrap()->set_entries_expected(progress->expected);
    row.mutable_bootstrap()->set_peers(static_cast<uint32_t>(progress->peers));
  }
  const History::Item* item = nullptr;
  if (question.query.has_trace()) {
    item = history_.Find(storage::Version::FromProto(question.query.trace()));
  } else if (question.wanted.heads().size() == 1) {
    const auto& [origin, sequence] = *question.wanted.heads().begin();
    item = history_.Find(origin, sequence);
  }
  if (item == nullptr) return row;
  row.set_received_micros(absl::ToUnixMicros(item->received));
  row.set_received_from(item->from);
  if (item->enforced != absl::InfiniteFuture()) {
    row.set_enforced_micros(absl::ToUnixMicros(item->enforced));
  }
  return row;
}

void Queries::AddOwn(const Question& question, Answer* sum) const {
  const bool done = question.query.rows() || question.enforcing || !question.in_scope;
  sum->set_final(done);
  if (!question.in_scope) return;
  sum->set_agents(1);
  sum->set_holding(question.holding ? 1 : 0);
  if (!question.enforcing) {
    sum->add_stragglers(self_);
    return;
  }
  sum->set_enforcing(1);
  sum->set_enforcing_sum(self_);
  const absl::Duration latency = history_.EnforcedAfter(question.wanted);
  if (latency == absl::InfiniteDuration()) return;
  Latencies latencies;
  latencies.Add(latency);
  latencies.ToProto(sum->mutable_latency());
}

Answer Queries::Sum(const Question& question) const {
  Answer sum;
  sum.set_root(question.query.root());
  sum.set_id(question.query.id());
  AddOwn(question, &sum);
  for (const auto& [child, answer] : question.below) AddAnswer(answer, &sum);
  return sum;
}

void Queries::FlushSoon(const Key& key, Question& question) {
  const bool at_once = Sum(question).final();
  if (question.flush != Scheduler::TimerId::kNone) {
    if (question.flush_at_once || !at_once) return;
    runtime_.scheduler.Cancel(question.flush);
  }
  question.flush_at_once = at_once;
  question.flush = runtime_.scheduler.RunAfter(at_once ? absl::ZeroDuration() : kCoalesce,
                                               [this, key] { Flush(key); });
}

void Queries::Flush(const Key& key) {
  const auto found = questions_.find(key);
  if (found == questions_.end()) return;
  Question& question = found->second;
  question.flush = Scheduler::TimerId::kNone;
  Frame frame;
  Answer& sum = *frame.mutable_answer();
  sum = Sum(question);
  std::string told = sum.SerializeAsString();
  if (told == question.told && question.rows.empty()) return;
  for (const Answer::Row& row : question.rows) *sum.add_rows() = row;
  if (question.parent != self_ && !send_(question.parent, frame)) {
    // The queue is full: once more when it may have emptied.
    question.flush_at_once = true;
    question.flush = runtime_.scheduler.RunAfter(kRetry, [this, key] { Flush(key); });
    return;
  }
  question.rows.clear();
  question.told = std::move(told);
  if (question.parent != self_) return;
  // Whoever is told may forget the question, or ask the next.
  Progress progress = std::move(question.progress);
  progress(sum);
  const auto still = questions_.find(key);
  if (still != questions_.end()) still->second.progress = std::move(progress);
}

}  // namespace trellis::gossip
