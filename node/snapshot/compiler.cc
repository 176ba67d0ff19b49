#include "node/snapshot/compiler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "base/sync/parallel_for.h"
#include "node/snapshot/compile_target_group.h"
#include "node/snapshot/names.h"

namespace trellis {

SnapshotCompiler::SnapshotCompiler(Options options, health::Registry& registry)
    : options_(std::move(options)), registry_(registry) {}

std::shared_ptr<const Snapshot> SnapshotCompiler::Compile(const storage::Catalog& catalog,
                                                          const storage::Applied* changes) {
  Stale stale;
  if (changes == nullptr || generation_ == 0) {
    stale.visibility = true;
    for (const auto& [name, entry] : groups_) stale.target_groups.insert(name);
    for (const auto& [name, membership] : visible_) stale.services.insert(name);
  } else {
    stale = StaleBy(*changes);
  }
  if (stale.roster) {
    for (const auto& [name, entry] : groups_) {
      if (entry.admits_workers) stale.target_groups.insert(name);
    }
  }
  if (stale.visibility) UpdateVisibility(catalog, &stale.services);
  UpdateGroups(catalog, stale.target_groups, &stale.services);
  UpdateServices(catalog, stale.services);
  DropUnusedGroups();
  return Assemble(catalog);
}

SnapshotCompiler::Stale SnapshotCompiler::StaleBy(const storage::Applied& changes) {
  Stale stale;
  for (const storage::Applied::Item& item : changes.items) {
    if (absl::StartsWith(item.name, kServices)) {
      stale.services.emplace(TopLevelOf(item.name));
    } else if (absl::StartsWith(item.name, kTargetGroups)) {
      stale.target_groups.emplace(TopLevelOf(item.name));
    } else if (absl::StartsWith(item.name, kAgents)) {
      stale.roster |= item.before == nullptr || item.after == nullptr;
    } else if (absl::StartsWith(item.name, kServiceNetworks) ||
               absl::StartsWith(item.name, kVpcAssociations) ||
               absl::StartsWith(item.name, kServiceAssociations)) {
      stale.visibility = true;
    }
  }
  return stale;
}

void SnapshotCompiler::UpdateVisibility(const storage::Catalog& catalog,
                                        std::set<std::string>* stale_services) {
  std::vector<std::string> problems;
  absl::btree_map<std::string, Membership> visible =
      VisibleServices(catalog, options_.vpc, options_.naming, &problems);
  problems_.Set(options_.vpc, std::move(problems));
  for (const auto& [name, membership] : visible_) {
    if (!visible.contains(name)) stale_services->insert(name);
  }
  for (const auto& [name, membership] : visible) {
    const auto before = visible_.find(name);
    if (before == visible_.end() || before->second != membership) stale_services->insert(name);
  }
  visible_ = std::move(visible);
}

void SnapshotCompiler::UpdateGroups(const storage::Catalog& catalog,
                                    const std::set<std::string>& names,
                                    std::set<std::string>* stale_services) {
  std::vector<std::map<std::string, GroupEntry>::iterator> used;
  for (const std::string& name : names) {
    const auto group = groups_.find(name);
    if (group == groups_.end()) continue;
    stale_services->insert(group->second.users.begin(), group->second.users.end());
    used.push_back(group);
  }
  ParallelFor(used.size(),
              [&](size_t i) { CompileGroup(catalog, used[i]->first, &used[i]->second); });
}

void SnapshotCompiler::UpdateServices(const storage::Catalog& catalog,
                                      const std::set<std::string>& names) {
  std::vector<ServiceUpdate> updates;
  updates.reserve(names.size());
  for (const std::string& name : names) updates.push_back({.name = name});
  ParallelFor(updates.size(), [&](size_t i) { UpdateService(catalog, &updates[i]); });
  for (ServiceUpdate& update : updates) AdoptService(std::move(update));
}

void SnapshotCompiler::UpdateService(const storage::Catalog& catalog, ServiceUpdate* update) {
  const auto membership = visible_.find(update->name);
  if (membership == visible_.end()) return;
  update->parts = CompileService(
      catalog, update->name, options_.naming, membership->second,
      [&](const std::string& group) {
        update->groups.insert(group);
        return FindOrCompileGroup(catalog, group);
      },
      &update->problems);
}

void SnapshotCompiler::AdoptService(ServiceUpdate update) {
  auto& [name, parts, groups, problems] = update;
  if (const auto before = groups_used_.extract(name); !before.empty()) {
    for (const std::string& group : before.mapped()) {
      groups_[group].users.erase(name);
      maybe_unused_.insert(group);
    }
  }
  if (parts.service != nullptr) {
    for (const std::string& group : groups) groups_[group].users.insert(name);
    groups_used_[name] = std::move(groups);
  } else {
    problems.clear();
  }
  hosts_.Set(name, std::move(parts));
  problems_.Set(name, std::move(problems));
}

std::shared_ptr<const CompiledTargetGroup> SnapshotCompiler::FindOrCompileGroup(
    const storage::Catalog& catalog, const std::string& name) {
  GroupEntry* entry = nullptr;
  {
    const MutexLock lock(mutex_);
    const auto [group, inserted] = groups_.try_emplace(name);
    if (inserted) maybe_unused_.insert(name);
    entry = &group->second;
  }
  std::call_once(entry->compiled, [&] { CompileGroup(catalog, name, entry); });
  return entry->group;
}

void SnapshotCompiler::CompileGroup(const storage::Catalog& catalog, const std::string& name,
                                    GroupEntry* entry) {
  const std::shared_ptr<const v1::Resource> resource = catalog.Find(name);
  entry->admits_workers = resource != nullptr && resource->target_group().admits_workers();
  std::vector<std::string> problems;
  entry->group = CompileTargetGroup(catalog, name, options_.naming, registry_, &problems);
  const MutexLock lock(mutex_);
  group_changes_[name] = entry->group;
  problems_.Set(name, std::move(problems));
}

void SnapshotCompiler::DropUnusedGroups() {
  for (const std::string& name : std::exchange(maybe_unused_, {})) {
    const auto group = groups_.find(name);
    if (group == groups_.end() || !group->second.users.empty()) continue;
    groups_.erase(group);
    group_changes_[name] = nullptr;
    problems_.Set(name, {});
  }
}

std::vector<std::shared_ptr<const CompiledTargetGroup>> SnapshotCompiler::target_groups() const {
  std::vector<std::shared_ptr<const CompiledTargetGroup>> groups;
  for (const auto& [name, entry] : groups_) {
    if (entry.group != nullptr) groups.push_back(entry.group);
  }
  return groups;
}

std::shared_ptr<const Snapshot> SnapshotCompiler::Assemble(const storage::Catalog& catalog) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = ++generation_;
  snapshot->vector = catalog.vector();
  snapshot->source_vpc_id = std::string(absl::StripPrefix(options_.vpc, "vpcs/"));
  const std::shared_ptr<const v1::Resource> vpc = catalog.Find(options_.vpc);
  const v1::Vpc& own = vpc == nullptr ? v1::Vpc::default_instance() : vpc->vpc();
  snapshot->source_vpc_arn = options_.naming.ArnOf(options_.vpc, own.arn(), own.account());
  hosts_.Decide(catalog.settled(), &problems_);
  snapshot->services_by_host = hosts_.ShareTable();
  snapshot->ports = hosts_.Ports();
  snapshot->has_tls = hosts_.HasTls();
  problems_.Report();
  return snapshot;
}

}  // namespace trellis
