#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/resource/names.h"

namespace trellis::storage {

std::optional<uint64_t> CatalogImpl::FenceOf(const Origin& origin) const {
  return FenceAround(origin, Held(resource::AgentName(origin.node)));
}

// What the evicted agent wrote counts as far as it is held here, or as the eviction that stands
// says, and not from where it is known to have said two things at a time.
void CatalogImpl::AddFence(v1::Entry& entry) const {
  std::map<Origin, uint64_t> fences;
  const std::vector<Stored> held = Held(entry.key());
  for (const Stored& write : held) {
    if (!write.evicts()) continue;
    for (const auto& [origin, head] : write.bound->heads()) {
      fences[origin] = *FenceAround(origin, held);
    }
  }
  if (held.empty() || !held.front().evicts()) {
    for (const auto& [origin, head] : vector_.heads()) {
      if (resource::AgentName(origin.node) == entry.key()) fences[origin] = head;
    }
  }
  for (auto& [origin, fence] : fences) {
    const auto forked = forked_.find(origin);
    if (forked != forked_.end()) fence = std::min(fence, forked->second - 1);
    if (fence == 0 || entry.fence_size() == static_cast<int>(kMaxFence)) continue;
    v1::OriginHead& around = *entry.add_fence();
    origin.ToProto(around.mutable_origin());
    around.set_head(fence);
  }
}

std::set<NodeId> CatalogImpl::forked() const {
  std::set<NodeId> nodes;
  for (const auto& [origin, sequence] : forked_) {
    if (sequence <= FenceOf(origin).value_or(UINT64_MAX)) nodes.insert(origin.node);
  }
  return nodes;
}

absl::StatusOr<MeshToken> CatalogImpl::LowerFences() {
  std::vector<Change> evictions;
  for (const NodeId node : forked()) {
    std::string name = resource::AgentName(node);
    const Stored* const held = FindStored(name);
    if (held != nullptr && held->evicts()) evictions.push_back({.name = std::move(name)});
  }
  if (evictions.empty()) return MeshToken{origin_, vector_.head(origin_)};
  const Version version{NextHlc(evictions), origin_.node};
  std::vector<v1::Entry> entries;
  for (Change& eviction : evictions) entries.push_back(MakeEntry(std::move(eviction), version));
  return CommitEntries(std::move(entries));
}

absl::Status CatalogImpl::PlanFences(Plan& plan) {
  const std::vector<std::string> merged = plan.names;  // Voiding adds others, no evictions.
  for (const std::string& name : merged) {
    const std::vector<Stored> held = plan.touched.at(name).after;
    if (!held.front().evicts()) continue;
    for (const auto& [origin, head] : vector_.heads()) {
      if (resource::AgentName(origin.node) != name) continue;
      const uint64_t fence = *FenceAround(origin, held);
      if (head > fence) RETURN_IF_ERROR(PlanVoid(origin, fence, plan));
    }
  }
  for (const std::string& name : plan.voided) {
    RETURN_IF_ERROR(PlanRestored(name, plan));
  }
  return absl::OkStatus();
}

absl::Status CatalogImpl::PlanVoid(const Origin& origin, uint64_t fence, Plan& plan) {
  // As far as a seal is left that proves it to others; what is between is fetched again.
  uint64_t head = transactions_.contains({origin, fence}) ? fence : 0;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kByOrigin, OriginKey{origin}.Encode(), OriginKey{origin, UINT64_MAX}.Encode(),
      [&](absl::string_view key, absl::string_view name) {
        OriginKey row;
        if (!OriginKey::Decode(key, &row)) return true;
        if (row.sequence <= fence) {
          head = std::max(head, row.sequence);
          return true;
        }
        Touched& touched = Touch(std::string(name), plan);
        if (!std::exchange(touched.changed, true)) plan.names.push_back(std::string(name));
        plan.voided.insert(std::string(name));
        std::vector<Stored>& after = touched.after;
        after.erase(std::remove_if(after.begin(), after.end(),
                                   [&](const Stored& write) { return write.origin_key() == row; }),
                    after.end());
        return true;
      }));
  LOG(WARNING) << "eviction: dropping what " << resource::AgentName(origin.node)
               << " wrote beyond its fence; held up to transaction " << head;
  plan.heads[origin] = head;
  return absl::OkStatus();
}

}  // namespace trellis::storage
