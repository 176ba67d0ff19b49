#include "node/api/handlers/mesh_events.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "node/api/handlers/standard.h"
#include "storage/resource/names.h"

namespace trellis::api {
namespace {

constexpr absl::Duration kDefaultWait = absl::Seconds(10);
constexpr absl::Duration kMaxWait = absl::Minutes(5);
constexpr int kMaxStragglers = 20;

absl::StatusOr<absl::Duration> TimeoutOf(const v1::WaitForConvergenceRequest& request) {
  if (!request.has_timeout()) return kDefaultWait;
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  if (timeout >= absl::ZeroDuration() && timeout <= kMaxWait) return timeout;
  return absl::InvalidArgumentError(absl::StrCat("timeout: ", absl::FormatDuration(timeout),
                                                 " is not between 0 and ",
                                                 absl::FormatDuration(kMaxWait)));
}

// What everyone must enforce: the token's write, or all that this agent holds.
absl::StatusOr<storage::VersionVector> WantedBy(const AgentContext& agent,
                                                const v1::WaitForConvergenceRequest& request) {
  if (request.mesh_token().empty()) return agent.catalog.vector();
  ASSIGN_OR_RETURN(const storage::MeshToken token, storage::MeshToken::Parse(request.mesh_token()));
  storage::VersionVector wanted;
  wanted.Advance(token.origin, token.sequence);
  return wanted;
}

}  // namespace

MeshEvents::MeshEvents(AgentContext& agent) : agent_(agent) {
  agent.gossip.SubscribeViews([this] { OnViewsChanged(); });
  agent.catalog.Subscribe([this](const storage::Applied& applied) {
    for (Watcher* watcher : watchers_) watcher->OnApplied(applied);
  });
}

MeshEvents::~MeshEvents() {
  CHECK(watchers_.empty()) << "a watcher outlives what it watches";
  for (auto& [id, waiter] : waiters_) agent_.runtime.scheduler.Cancel(waiter.timer);
}

uint64_t MeshEvents::Wait(const v1::WaitForConvergenceRequest& request, WaitAnswer answer) {
  const absl::StatusOr<absl::Duration> timeout = TimeoutOf(request);
  absl::StatusOr<storage::VersionVector> wanted = WantedBy(agent_, request);
  absl::Status refused = timeout.ok() ? wanted.status() : timeout.status();
  if (refused.ok() && waiters_.size() >= kMaxWaiters) {
    refused = absl::ResourceExhaustedError(
        absl::StrCat("already ", kMaxWaiters, " calls wait for convergence; try again later"));
  }
  if (!refused.ok()) {
    answer(refused);
    return 0;
  }
  Waiter waiter{.wanted = *std::move(wanted),
                .started = agent_.runtime.scheduler.MonotonicNow(),
                .answer = std::move(answer)};
  v1::WaitForConvergenceResponse progress = Progress(waiter);
  if (progress.converged()) {
    waiter.answer(std::move(progress));
    return 0;
  }
  const uint64_t id = next_waiter_++;
  waiter.timer = agent_.runtime.scheduler.RunAfter(*timeout, [this, id] { Finish(id); });
  waiters_.emplace(id, std::move(waiter));
  return id;
}

void MeshEvents::CancelWait(uint64_t id) {
  const auto waiter = waiters_.find(id);
  if (waiter == waiters_.end()) return;
  agent_.runtime.scheduler.Cancel(waiter->second.timer);
  waiters_.erase(waiter);
}

v1::WaitForConvergenceResponse MeshEvents::Progress(const Waiter& waiter) const {
  v1::WaitForConvergenceResponse progress;
  for (const gossip::MemberView& member : agent_.gossip.View()) {
    progress.set_agents(progress.agents() + 1);
    if (member.enforces.Covers(waiter.wanted)) {
      progress.set_enforcing(progress.enforcing() + 1);
    } else if (progress.stragglers_size() < kMaxStragglers) {
      const std::string name = resource::AgentName(member.node);
      const auto stored = agent_.catalog.Find(name);
      const bool named = stored != nullptr && !stored->agent().display_name().empty();
      progress.add_stragglers(named ? stored->agent().display_name() : name);
    }
  }
  progress.set_converged(progress.enforcing() == progress.agents());
  const int64_t nanos =
      absl::ToInt64Nanoseconds(agent_.runtime.scheduler.MonotonicNow() - waiter.started);
  progress.mutable_took()->set_seconds(nanos / 1000000000);
  progress.mutable_took()->set_nanos(static_cast<int32_t>(nanos % 1000000000));
  return progress;
}

void MeshEvents::OnViewsChanged() {
  std::vector<uint64_t> converged;
  for (const auto& [id, waiter] : waiters_) {
    if (Progress(waiter).converged()) converged.push_back(id);
  }
  for (const uint64_t id : converged) Finish(id);
}

void MeshEvents::Finish(uint64_t id) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  Waiter waiter = std::move(found->second);
  waiters_.erase(found);
  agent_.runtime.scheduler.Cancel(waiter.timer);
  waiter.answer(Progress(waiter));
}

absl::StatusOr<std::unique_ptr<MeshEvents::Watcher>> MeshEvents::Watch(
    const v1::WatchMeshRequest& request, std::function<void()> ready) {
  if (watchers_.size() >= kMaxWatchers) {
    return absl::ResourceExhaustedError(
        absl::StrCat("already ", kMaxWatchers, " calls watch the mesh; try again later"));
  }
  if (request.name_prefix().size() > resource::kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("name_prefix: longer than ", resource::kMaxNameBytes, " bytes"));
  }
  return std::unique_ptr<Watcher>(new Watcher(*this, request.name_prefix(), std::move(ready)));
}

MeshEvents::Watcher::Watcher(MeshEvents& events, std::string prefix, std::function<void()> ready)
    : events_(events), prefix_(std::move(prefix)), ready_(std::move(ready)) {
  events_.watchers_.insert(this);
}

MeshEvents::Watcher::~Watcher() { events_.watchers_.erase(this); }

void MeshEvents::Watcher::OnApplied(const storage::Applied& applied) {
  const bool was_empty = changes_.empty();
  CallContext call{events_.agent_, {}};
  const Transaction view(call);
  Presenter presenter(events_.agent_, view);
  for (const storage::Applied::Item& item : applied.items) {
    if (overflowed_ || !absl::StartsWith(item.name, prefix_)) continue;
    if (reading_ && item.name > read_to_) continue;
    if (changes_.size() == kMaxQueuedChanges) {
      overflowed_ = true;
      existing_.clear();
      changes_.clear();
      changes_.emplace_back().mutable_resync();
      continue;
    }
    v1::WatchMeshResponse& event = changes_.emplace_back();
    if (item.after != nullptr) {
      *event.mutable_put() = presenter.Present(item.name, *item.after);
    } else {
      event.mutable_deleted()->set_name(item.name);
    }
  }
  if (was_empty && !changes_.empty()) ready_();
}

void MeshEvents::Watcher::ReadExisting() {
  CallContext call{events_.agent_, {}};
  const Transaction view(call);
  Presenter presenter(events_.agent_, view);
  reading_ = false;
  view.Visit(prefix_, read_to_, [&](const std::string& name, const v1::Resource& resource) {
    if (existing_.size() == kReadBatch) {
      reading_ = true;
      return false;
    }
    *existing_.emplace_back().mutable_put() = presenter.Present(name, resource);
    read_to_ = name;
    return true;
  });
}

bool MeshEvents::Watcher::Next(v1::WatchMeshResponse* event) {
  event->Clear();
  if (done_) return false;
  if (existing_.empty() && reading_ && !overflowed_) ReadExisting();
  if (existing_.empty() && !synced_ && !overflowed_) {
    synced_ = true;
    event->mutable_synced();
    return true;
  }
  std::deque<v1::WatchMeshResponse>& queue = existing_.empty() ? changes_ : existing_;
  if (queue.empty()) return false;
  *event = std::move(queue.front());
  queue.pop_front();
  done_ = event->has_resync();
  return true;
}

}  // namespace trellis::api
