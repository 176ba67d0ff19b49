#include "storage/catalog/siblings.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "storage/resource/fields.h"

namespace trellis::storage {
namespace {

// But for what the catalog sets itself.
bool SaysTheSame(const Stored& a, const Stored& b) {
  if (!a.live() || !b.live()) return a.live() == b.live();
  const auto bare = [](const Stored& write) {
    trellis::v1::Resource resource = *write.ParseResource();
    resource::SetEtag(resource, "");
    resource::SetTimes(resource, absl::UnixEpoch(), absl::UnixEpoch());
    return resource.SerializeAsString();
  };
  return bare(a) == bare(b);
}

// Of `versions`, the newest `max`, ascending.
std::vector<Version> Newest(const std::set<Version>& versions, size_t max) {
  const size_t kept = std::min(versions.size(), max);
  return {std::prev(versions.end(), static_cast<ptrdiff_t>(kept)), versions.end()};
}

// Not what was written only under what stays open: should that turn out to be void, it counts
// again.
std::vector<Version> ContextOf(const std::vector<Stored>& held, const std::set<Version>& open) {
  std::map<NodeId, Version> newest;
  const auto add = [&](const Version& version) {
    Version& known = newest[version.node];
    known = std::max(known, version);
  };
  for (const Stored& write : held) {
    if (open.count(write.version) > 0) continue;
    add(write.version);
    if (write.ancestry != nullptr) absl::c_for_each(write.ancestry->context, add);
  }
  std::set<Version> versions;
  for (const auto& [node, version] : newest) versions.insert(version);
  // Left out: those who have not written the key for longest. What comes of them yet shows as a
  // conflict.
  std::vector<Version> context = Newest(versions, kMaxContext);
  absl::c_sort(context, [](const Version& a, const Version& b) { return a.node < b.node; });
  return context;
}

}  // namespace

bool Supersedes(const Stored& a, const Stored& b) {
  if (a.final_delete != b.final_delete) return a.final_delete;
  return a.ancestry != nullptr && a.ancestry->Covers(b.version);
}

bool RanksBefore(const Stored& a, const Stored& b) {
  if (a.final_delete != b.final_delete) return a.final_delete;
  if (a.version != b.version) return a.version > b.version;
  return a.digest > b.digest;
}

bool MergeInto(Stored write, std::vector<Stored>& held) {
  for (const Stored& other : held) {
    if (other.digest == write.digest || Supersedes(other, write)) return false;
  }
  // INVARIANT: what it supersedes ranks below it, so a full `held` that it is the least of loses
  // nothing either.
  if (held.size() >= kMaxSiblings && RanksBefore(held.back(), write)) return false;
  held.erase(std::remove_if(held.begin(), held.end(),
                            [&](const Stored& other) { return Supersedes(write, other); }),
             held.end());
  held.insert(absl::c_upper_bound(held, write, RanksBefore), std::move(write));
  if (held.size() > kMaxSiblings) held.pop_back();
  return true;
}

std::shared_ptr<const Ancestry> Descend(const std::vector<Stored>& held,
                                        const std::vector<Version>& resolved) {
  if (held.empty()) return nullptr;
  std::set<Version> open;
  for (const Stored& write : held) {
    if (write.listed) open.insert(write.version);
    // Also those that have not come here yet: whoever left them open did not mean us to end them.
    if (write.ancestry != nullptr) {
      open.insert(write.ancestry->open.begin(), write.ancestry->open.end());
    }
  }
  for (auto version = open.begin(); version != open.end();) {
    const bool ended =
        absl::c_linear_search(resolved, *version) || absl::c_any_of(held, [&](const Stored& write) {
          return write.version == *version
                     ? !write.listed
                     : write.ancestry != nullptr && write.ancestry->Covers(*version);
        });
    version = ended ? open.erase(version) : std::next(version);
  }
  auto ancestry = std::make_shared<Ancestry>();
  ancestry->context = ContextOf(held, open);
  ancestry->open = Newest(open, kMaxOpen);
  return ancestry;
}

std::optional<uint64_t> FenceAround(const Origin& origin, const std::vector<Stored>& held) {
  std::optional<uint64_t> lowest;
  for (const Stored& write : held) {
    if (!write.evicts()) continue;
    const uint64_t fence = write.bound->head(origin);
    lowest = lowest.has_value() ? std::min(*lowest, fence) : fence;
  }
  return lowest;
}

void MarkConflicts(std::vector<Stored>& held) {
  for (Stored& write : held) {
    write.listed = &write != &held.front() && !SaysTheSame(write, held.front());
  }
}

}  // namespace trellis::storage
