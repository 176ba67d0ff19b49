#include "node/health/registry.h"

#include <utility>

namespace trellis::health {
namespace {

// Below this many entries the dead ones are not worth looking for.
constexpr size_t kMinSweep = 64;

}  // namespace

std::shared_ptr<routing::HealthCell> Registry::Cell(absl::string_view group,
                                                    const net::Endpoint& endpoint,
                                                    routing::TargetHealth initial) {
  const MutexLock lock(mutex_);
  // Sweeping when the size has doubled costs each entry a constant, and bounds the dead by the
  // living.
  if (size_ >= sweep_at_) {
    Sweep();
    sweep_at_ = 2 * size_ + kMinSweep;
  }
  auto [entry, inserted] = groups_[group].try_emplace(endpoint);
  if (inserted) ++size_;
  std::shared_ptr<routing::HealthCell> cell = entry->second.lock();
  if (cell == nullptr) {
    cell = std::make_shared<routing::HealthCell>(initial);
    entry->second = cell;
  }
  return cell;
}

size_t Registry::live() const {
  const MutexLock lock(mutex_);
  size_t live = 0;
  for (const auto& [name, group] : groups_) {
    for (const auto& [endpoint, cell] : group) live += cell.expired() ? 0 : 1;
  }
  return live;
}

void Registry::Sweep() {
  size_ = 0;
  for (auto group = groups_.begin(); group != groups_.end();) {
    absl::erase_if(group->second, [](const auto& entry) { return entry.second.expired(); });
    size_ += group->second.size();
    const auto current = group++;
    if (current->second.empty()) groups_.erase(current);
  }
}

}  // namespace trellis::health
