#include "node/snapshot/compiler.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "node/snapshot/compile_target_group.h"
#include "node/snapshot/names.h"

namespace trellis {
namespace {

// New problems told in the log after one change; the rest are counted.
constexpr size_t kMaxProblemsLogged = 20;

}  // namespace

SnapshotCompiler::SnapshotCompiler(Options options, health::Registry& registry)
    : options_(std::move(options)), registry_(registry) {}

std::shared_ptr<const Snapshot> SnapshotCompiler::Compile(const storage::Catalog& catalog,
                                                          const storage::Applied* changes) {
  Stale stale;
  // Kept until the new ones exist, so that their targets' verdicts live on.
  absl::btree_map<std::string, GroupEntry> old_groups;
  if (changes == nullptr || generation_ == 0) {
    visible_.clear();
    services_.clear();
    old_groups = std::exchange(groups_, {});
    stale.visibility = true;
  } else {
    stale = StaleBy(*changes);
  }
  if (stale.roster) {
    for (const auto& [name, entry] : groups_) {
      if (entry.admits_workers) stale.target_groups.insert(name);
    }
  }
  if (stale.visibility) UpdateVisibility(catalog, &stale.services);
  for (const std::string& name : stale.target_groups) {
    const auto group = groups_.find(name);
    if (group == groups_.end()) continue;
    stale.services.insert(group->second.users.begin(), group->second.users.end());
    CompileGroup(catalog, name, &group->second);
  }
  for (const std::string& name : stale.services) UpdateService(catalog, name);
  for (auto group = groups_.begin(); group != groups_.end();) {
    group = group->second.users.empty() ? groups_.erase(group) : std::next(group);
  }
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
  visibility_problems_.clear();
  absl::btree_map<std::string, Membership> visible =
      VisibleServices(catalog, options_.vpc, options_.naming, &visibility_problems_);
  for (const auto& [name, membership] : visible_) {
    if (!visible.contains(name)) stale_services->insert(name);
  }
  for (const auto& [name, membership] : visible) {
    const auto before = visible_.find(name);
    if (before == visible_.end() || before->second != membership) stale_services->insert(name);
  }
  visible_ = std::move(visible);
}

void SnapshotCompiler::UpdateService(const storage::Catalog& catalog, const std::string& name) {
  ServiceEntry entry;
  const auto membership = visible_.find(name);
  if (membership != visible_.end()) {
    entry.parts = CompileService(
        catalog, name, options_.naming, membership->second,
        [&](const std::string& group) {
          entry.target_groups.insert(group);
          return FindOrCompileGroup(catalog, group).group;
        },
        &entry.problems);
  }
  RemoveService(name);
  if (entry.parts.service == nullptr) return;
  for (const std::string& group : entry.target_groups) groups_[group].users.insert(name);
  services_[name] = std::move(entry);
}

void SnapshotCompiler::RemoveService(const std::string& name) {
  const auto entry = services_.find(name);
  if (entry == services_.end()) return;
  for (const std::string& group : entry->second.target_groups) groups_[group].users.erase(name);
  services_.erase(entry);
}

SnapshotCompiler::GroupEntry& SnapshotCompiler::FindOrCompileGroup(const storage::Catalog& catalog,
                                                                   const std::string& name) {
  const auto [entry, inserted] = groups_.try_emplace(name);
  GroupEntry& group = entry->second;
  if (inserted) CompileGroup(catalog, name, &group);
  return group;
}

void SnapshotCompiler::CompileGroup(const storage::Catalog& catalog, const std::string& name,
                                    GroupEntry* entry) {
  const std::shared_ptr<const v1::Resource> resource = catalog.Find(name);
  entry->admits_workers = resource != nullptr && resource->target_group().admits_workers();
  entry->problems.clear();
  entry->group = CompileTargetGroup(catalog, name, options_.naming, registry_, &entry->problems);
}

std::shared_ptr<const Snapshot> SnapshotCompiler::Assemble(const storage::Catalog& catalog) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = ++generation_;
  snapshot->vector = catalog.vector();
  snapshot->source_vpc_id = std::string(absl::StripPrefix(options_.vpc, "vpcs/"));
  const std::shared_ptr<const v1::Resource> vpc = catalog.Find(options_.vpc);
  const v1::Vpc& own = vpc == nullptr ? v1::Vpc::default_instance() : vpc->vpc();
  snapshot->source_vpc_arn = options_.naming.ArnOf(options_.vpc, own.arn(), own.account());
  for (const auto& [name, entry] : groups_) {
    if (entry.group != nullptr) snapshot->target_groups.push_back(entry.group);
  }
  std::vector<std::string> host_problems;
  AddHosts(catalog.settled(), snapshot.get(), &host_problems);
  Report(std::move(host_problems));
  return snapshot;
}

void SnapshotCompiler::AddHosts(const storage::VersionVector& settled, Snapshot* snapshot,
                                std::vector<std::string>* problems) const {
  std::set<uint16_t> ports;
  snapshot->services_by_host.reserve(2 * services_.size());
  absl::flat_hash_map<absl::string_view, std::vector<storage::Claim>> rivals;
  for (const auto& [name, entry] : services_) {
    const ServiceParts& parts = entry.parts;
    for (const CompiledListener& listener : parts.service->listeners) ports.insert(listener.port);
    if (!parts.generated_host.empty()) {
      snapshot->services_by_host.emplace(parts.generated_host, parts.service);
    }
    if (parts.custom_host.empty()) continue;
    std::vector<storage::Claim>& claims = rivals[parts.custom_host];
    claims.insert(claims.end(), parts.claims.begin(), parts.claims.end());
  }
  snapshot->ports.assign(ports.begin(), ports.end());
  for (const auto& [name, entry] : services_) {
    const std::string& host = entry.parts.custom_host;
    if (host.empty()) continue;
    const std::string& holder = storage::HolderOf(rivals.at(host), settled).claimant;
    std::string served = holder;
    if (holder == name) {
      // The generated one of another, perhaps.
      served = snapshot->services_by_host.emplace(host, entry.parts.service).first->second->name;
    }
    if (served == name) continue;
    problems->push_back(
        absl::StrCat(name, ": is not served at ", host, ", which ", served, " holds"));
  }
}

void SnapshotCompiler::Report(std::vector<std::string> host_problems) {
  std::set<std::string> problems(host_problems.begin(), host_problems.end());
  problems.insert(visibility_problems_.begin(), visibility_problems_.end());
  for (const auto& [name, entry] : services_) {
    problems.insert(entry.problems.begin(), entry.problems.end());
  }
  for (const auto& [name, entry] : groups_) {
    problems.insert(entry.problems.begin(), entry.problems.end());
  }
  size_t fresh = 0;
  for (const std::string& problem : problems) {
    if (problems_.contains(problem)) continue;
    if (++fresh <= kMaxProblemsLogged) LOG(WARNING) << problem;
  }
  if (fresh > kMaxProblemsLogged) {
    LOG(WARNING) << "and " << fresh - kMaxProblemsLogged << " more such problems";
  }
  problems_ = std::move(problems);
}

}  // namespace trellis
