#include "gossip/health/health_shards.h"

#include <algorithm>
#include <utility>

#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::gossip {

using peer::v1::Frame;

HealthShards::HealthShards(const storage::SealScope& scope, storage::Catalog& catalog,
                           storage::Authorship& authorship, const Membership& membership,
                           Runtime runtime, Send send)
    : scope_(scope),
      catalog_(catalog),
      authorship_(authorship),
      membership_(membership),
      runtime_(runtime),
      send_(std::move(send)),
      version_{.boot = static_cast<uint64_t>(
                   std::max<int64_t>(absl::ToUnixMicros(runtime.scheduler.WallNow()), 1))} {}

HealthShards::~HealthShards() {
  for (const Scheduler::TimerId timer : {publish_timer_, flush_timer_, round_timer_}) {
    runtime_.scheduler.Cancel(timer);
  }
}

// --- This agent's own ----------------------------------------------------------------------------

void HealthShards::PublishSoon() {
  if (publish_timer_ != Scheduler::TimerId::kNone) return;
  const absl::Duration earliest = asked_at_ + kBetweenShards - Now();
  publish_timer_ = runtime_.scheduler.RunAfter(std::max(kCoalesce, earliest), [this] {
    publish_timer_ = Scheduler::TimerId::kNone;
    PublishNow();
  });
}

void HealthShards::PublishNow() {
  asked_at_ = Now();
  std::vector<routing::OpinionList> lists = source_();
  const bool contradict = std::exchange(contradict_, false);
  if (lists == said_ && !contradict) return;
  said_ = std::move(lists);
  ++version_.counter;
  const storage::Origin& origin = catalog_.origin();
  const bool known = catalog_.vector().head(origin) > 0;
  table_.Take(SignShard(scope_, origin, version_, said_,
                        std::make_shared<storage::Author>(catalog_.self()), known, authorship_),
              Now());
  OweAll(self(), /*except=*/0);
}

// --- Others' -------------------------------------------------------------------------------------

absl::Status HealthShards::OnHealth(NodeId from, const peer::v1::Health& health) {
  for (const peer::v1::SignedShard& message : health.shards()) {
    RETURN_IF_ERROR(OnShard(from, message));
  }
  return absl::OkStatus();
}

absl::Status HealthShards::OnShard(NodeId from, const peer::v1::SignedShard& message) {
  ASSIGN_OR_RETURN(Shard shard, ReadShard(message));
  const NodeId checker = shard.checker();
  if (const ShardVersion held = table_.VersionOf(checker); held >= shard.version) {
    if (held > shard.version) {
      Owe(from, checker);
    } else if (const auto owed = owed_.find(from); owed != owed_.end()) {
      owed->second.erase(checker);
    }
    return absl::OkStatus();
  }
  // Not a member here, or not yet known to be back. If that changes, a round will bring it.
  if (IsDown(checker)) return absl::OkStatus();
  const absl::Status verified = VerifyShard(scope_, catalog_, authorship_, &shard);
  if (absl::IsNotFound(verified)) return absl::OkStatus();
  RETURN_IF_ERROR(verified);
  if (checker == self()) {
    OnOwnShard(shard);
  } else if (table_.Take(std::move(shard), Now())) {
    OweAll(checker, /*except=*/from);
  } else {
    LOG(WARNING) << "health: no room for the shard of a checker; it says nothing here";
  }
  return absl::OkStatus();
}

// Of an earlier process of this agent, whose clock may have been ahead; or of a twin.
void HealthShards::OnOwnShard(const Shard& shard) {
  ShardVersion next = std::max(version_, shard.version);
  if (next.counter + 1 >= Membership::kMaxLife) next = {.boot = next.boot + 1};
  if (next.boot >= Membership::kMaxLife) return;  // Nobody honest ever came so far.
  version_ = next;
  contradict_ = true;
  PublishSoon();
}

std::vector<CheckerOpinion> HealthShards::OpinionsOf(uint64_t list, uint32_t index,
                                                     absl::string_view address) const {
  std::vector<CheckerOpinion> opinions;
  for (const Shard* const shard : table_.Saying(list)) {
    const routing::Opinion opinion = shard->Find(list)->Of(index);
    if (opinion == routing::Opinion::kNone || IsDown(shard->checker())) continue;
    if (shard->CountsAt(address)) opinions.push_back({shard->checker(), opinion});
  }
  return opinions;
}

// --- Passing on ----------------------------------------------------------------------------------

void HealthShards::AddLink(NodeId peer) {
  owed_.try_emplace(peer);
  if (round_due_ > Now() + kFirstRound) RoundIn(kFirstRound);
}

void HealthShards::OweAll(NodeId checker, NodeId except) {
  for (auto& [peer, owed] : owed_) {
    if (peer != except && peer != checker) owed.insert(checker);
  }
  FlushSoon();
}

void HealthShards::Owe(NodeId peer, NodeId checker) {
  const auto owed = owed_.find(peer);
  if (owed == owed_.end()) return;
  owed->second.insert(checker);
  FlushSoon();
}

void HealthShards::FlushSoon() {
  if (flush_timer_ != Scheduler::TimerId::kNone) return;
  const absl::Duration earliest = flushed_at_ + kBetweenFlushes - Now();
  flush_timer_ = runtime_.scheduler.RunAfter(std::max(kCoalesce, earliest), [this] {
    flush_timer_ = Scheduler::TimerId::kNone;
    Flush();
  });
}

void HealthShards::Flush() {
  flushed_at_ = Now();
  bool more = false;
  for (auto& [peer, owed] : owed_) more |= !FlushTo(peer, owed);
  if (more) FlushSoon();
  listener_();
}

bool HealthShards::FlushTo(NodeId peer, std::set<NodeId>& owed) {
  while (!owed.empty()) {
    Frame frame;
    size_t bytes = 0;
    auto it = owed.begin();
    for (; it != owed.end() && bytes < kFrameBytes; ++it) {
      const Shard* const shard = table_.Find(*it);
      if (shard == nullptr) continue;  // Forgotten meanwhile.
      *frame.mutable_health()->add_shards() = shard->message;
      bytes += shard->message.ByteSizeLong();
    }
    if (bytes > 0 && !send_(peer, frame)) return false;
    owed.erase(owed.begin(), it);
  }
  return true;
}

// --- Rounds --------------------------------------------------------------------------------------

void HealthShards::RoundIn(absl::Duration delay) {
  runtime_.scheduler.Cancel(round_timer_);
  round_due_ = Now() + delay;
  round_timer_ = runtime_.scheduler.RunAfter(delay, [this] { Round(); });
}

void HealthShards::Round() {
  RoundIn(kRound);
  if (table_.shards().empty()) return;
  table_.Expire([this](NodeId checker) { return IsDown(checker); }, Now());
  Frame frame;
  for (const uint32_t sum : table_.SumsWithout(membership_.down())) {
    frame.mutable_health_sums()->add_sums(sum);
  }
  for (const auto& [peer, owed] : owed_) send_(peer, frame);
  listener_();  // Who went down is not news of its own.
}

void HealthShards::OnSums(NodeId from, const peer::v1::HealthSums& sums) {
  const ShardTable::Sums ours = table_.SumsWithout(membership_.down());
  uint32_t buckets = 0;
  for (int i = 0; i < ShardTable::kBuckets; ++i) {
    const bool quiet = table_.ChangedAt(i) + kQuiet <= Now();
    if (quiet && sums.sums(i) != ours[i]) buckets |= 1U << i;
  }
  if (buckets != 0) SendRows(from, buckets, /*answer=*/false);
}

void HealthShards::SendRows(NodeId to, uint32_t buckets, bool answer) {
  Frame frame;
  peer::v1::HealthRows& rows = *frame.mutable_health_rows();
  rows.set_buckets(buckets);
  rows.set_answer(answer);
  for (const auto& [checker, shard] : table_.shards()) {
    const bool wanted = (buckets >> ShardTable::BucketOf(checker) & 1) != 0;
    if (!wanted || IsDown(checker)) continue;
    if (rows.rows_size() == kMaxRowsPerFrame) break;  // Of these the peer sends what we hold.
    peer::v1::HealthRows::Row& row = *rows.add_rows();
    row.set_checker(checker);
    row.set_boot(shard.version.boot);
    row.set_counter(shard.version.counter);
  }
  send_(to, frame);
}

void HealthShards::OnRows(NodeId from, const peer::v1::HealthRows& rows) {
  std::map<NodeId, ShardVersion> theirs;
  uint32_t lacking = 0;
  for (const peer::v1::HealthRows::Row& row : rows.rows()) {
    const ShardVersion version{row.boot(), row.counter()};
    theirs[row.checker()] = version;
    const bool newer = version > table_.VersionOf(row.checker());
    if (newer && !IsDown(row.checker())) lacking |= 1U << ShardTable::BucketOf(row.checker());
  }
  for (const auto& [checker, shard] : table_.shards()) {
    if ((rows.buckets() >> ShardTable::BucketOf(checker) & 1) == 0 || IsDown(checker)) continue;
    const auto their = theirs.find(checker);
    if (their == theirs.end() || their->second < shard.version) Owe(from, checker);
  }
  if (lacking != 0 && !rows.answer()) SendRows(from, lacking, /*answer=*/true);
}

}  // namespace trellis::gossip
