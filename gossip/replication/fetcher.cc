#include "gossip/replication/fetcher.h"

#include <algorithm>
#include <utility>

namespace trellis::gossip {

Fetcher::Fetcher(const storage::Catalog& catalog, Runtime runtime, Ask ask, Busy busy)
    : catalog_(catalog), runtime_(runtime), ask_(std::move(ask)), busy_(std::move(busy)) {}

Fetcher::~Fetcher() { runtime_.scheduler.Cancel(timer_); }

void Fetcher::OnAnnounced(NodeId holder, const storage::Origin& origin, uint64_t head) {
  if (Want(holder, origin, head) != nullptr) ArmTimer();
}

void Fetcher::OnGap(NodeId holder, const storage::Origin& origin, uint64_t head) {
  Wanted* const wanted = Want(holder, origin, head);
  if (wanted == nullptr) return;
  if (wanted->asked == 0 && !busy_()) AskAgain(holder, origin, *wanted);
  ArmTimer();
}

Fetcher::Wanted* Fetcher::Want(NodeId holder, const storage::Origin& origin, uint64_t head) {
  if (catalog_.vector().head(origin) >= head) return nullptr;
  if (wanted_.count(origin) == 0 && wanted_.size() >= kMaxOrigins) return nullptr;
  const auto [it, is_new] = wanted_.try_emplace(origin);
  Wanted& wanted = it->second;
  if (is_new) wanted.due = runtime_.scheduler.MonotonicNow() + kPatience;
  wanted.head = std::max(wanted.head, head);
  const auto& holders = wanted.holders;
  if (wanted.asked != holder &&
      std::find(holders.begin(), holders.end(), holder) == holders.end()) {
    wanted.holders.push_back(holder);
  }
  return &wanted;
}

void Fetcher::OnProgress(NodeId from, const storage::Origin& origin) {
  const auto it = wanted_.find(origin);
  if (it == wanted_.end()) return;
  if (catalog_.vector().head(origin) >= it->second.head) {
    wanted_.erase(it);
  } else if (it->second.asked == from) {
    AskAgain(from, origin, it->second);  // The next page.
  }
}

void Fetcher::RemoveLink(NodeId link) {
  for (auto& [origin, wanted] : wanted_) {
    auto& holders = wanted.holders;
    holders.erase(std::remove(holders.begin(), holders.end(), link), holders.end());
    if (wanted.asked == link) {
      wanted.asked = 0;
      wanted.due = runtime_.scheduler.MonotonicNow();
    }
  }
  ArmTimer();
}

bool Fetcher::AskNext(const storage::Origin& origin, Wanted& wanted) {
  if (wanted.holders.empty()) return false;
  const NodeId next = wanted.holders.front();
  AskAgain(next, origin, wanted);
  return true;
}

void Fetcher::AskAgain(NodeId from, const storage::Origin& origin, Wanted& wanted) {
  auto& holders = wanted.holders;
  holders.erase(std::remove(holders.begin(), holders.end(), from), holders.end());
  wanted.asked = from;
  wanted.due = runtime_.scheduler.MonotonicNow() + kAnswerTime;
  ask_(from, origin, catalog_.vector().head(origin), wanted.head);
}

void Fetcher::ArmTimer() {
  if (wanted_.empty()) return;
  const auto soonest =
      std::min_element(wanted_.begin(), wanted_.end(),
                       [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
  const absl::Duration due = soonest->second.due;
  if (timer_ != Scheduler::TimerId::kNone) {
    if (timer_due_ <= due) return;
    runtime_.scheduler.Cancel(timer_);
  }
  timer_due_ = due;
  const absl::Duration left = due - runtime_.scheduler.MonotonicNow();
  timer_ = runtime_.scheduler.RunAfter(std::max(left, absl::ZeroDuration()), [this] {
    timer_ = Scheduler::TimerId::kNone;
    OnTimer();
  });
}

void Fetcher::OnTimer() {
  const absl::Duration now = runtime_.scheduler.MonotonicNow();
  const bool busy = busy_();
  for (auto it = wanted_.begin(); it != wanted_.end();) {
    const auto current = it++;
    auto& [origin, wanted] = *current;
    if (catalog_.vector().head(origin) >= wanted.head) {
      wanted_.erase(current);
    } else if (wanted.due <= now && busy) {
      wanted.due = now + kPatience;
    } else if (wanted.due <= now && !AskNext(origin, wanted)) {
      wanted_.erase(current);
    }
  }
  ArmTimer();
}

}  // namespace trellis::gossip
