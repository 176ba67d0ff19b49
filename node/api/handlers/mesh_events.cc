#include "node/api/handlers/mesh_events.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "node/api/handlers/standard.h"
#include "storage/resource/names.h"

namespace trellis::api {
MeshEvents::MeshEvents(AgentContext& agent) : agent_(agent) {
  agent.catalog.Subscribe([this](const storage::Applied& applied) {
    for (Watcher* watcher : watchers_) watcher->OnApplied(applied);
  });
}

MeshEvents::~MeshEvents() { CHECK(watchers_.empty()) << "a watcher outlives what it watches"; }

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
    if (resource::IsInternal(item.name)) continue;
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
    if (resource::IsInternal(name)) return true;
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
