// Compiles the catalog into snapshots, redoing only what a change touched.
//
//   SnapshotCompiler compiler({.vpc = "vpcs/vpc-0a1b2c3d", ...}, registry);
//   Publish(compiler.Compile(catalog, nullptr));
//   catalog.Subscribe([&](const storage::Applied& applied) {
//     Publish(compiler.Compile(catalog, &applied));
//   });
//
// A change of a service, listener or rule recompiles that service; of a target group or target,
// that group and the services that use it (and of the roster, groups that admit workers); of
// networks and associations, the services that come, go or change network. The rest is shared with
// the snapshot before.
//
// Many at once (a start, a network that comes or goes) are compiled on several threads, which read
// the catalog while the control thread waits for them.
//
// Nothing a peer can have written makes compiling fail. What cannot be served is left out or
// answers 503, and is told in problems() and, once, in the log.
#ifndef TRELLIS_NODE_SNAPSHOT_COMPILER_H_
#define TRELLIS_NODE_SNAPSHOT_COMPILER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "base/sync/mutex.h"
#include "node/health/registry.h"
#include "node/snapshot/compile_service.h"
#include "node/snapshot/host_assignment.h"
#include "node/snapshot/naming.h"
#include "node/snapshot/problems.h"
#include "node/snapshot/snapshot.h"
#include "node/snapshot/visibility.h"
#include "storage/catalog/catalog.h"

namespace trellis {

// Thread-safety: none; lives on the control thread. Its snapshots go to any thread.
class SnapshotCompiler {
 public:
  struct Options {
    std::string vpc;  // vpcs/{vpc-…}: this agent's.
    Naming naming;
  };

  // `registry` is borrowed and outlives the compiler.
  SnapshotCompiler(Options options, health::Registry& registry);

  // `changes`: all that changed in `catalog` since the last call; null, and the first time:
  // everything is compiled anew. Both ways give equal snapshots. Of services that claim one
  // custom domain the same holds it on all agents (storage/catalog/claims.h).
  //
  // Cost: the services touched, whatever their number in the catalog; all of them where networks or
  // associations changed.
  std::shared_ptr<const Snapshot> Compile(const storage::Catalog& catalog,
                                          const storage::Applied* changes);

  // What became of the groups that services in the snapshots use since the last call.
  TargetGroupChanges TakeTargetGroupChanges() { return std::exchange(group_changes_, {}); }
  // All of them, by name.
  std::vector<std::shared_ptr<const CompiledTargetGroup>> target_groups() const;

  // What the last snapshot leaves out or answers with 503, a line each: "name: what and why".
  std::set<std::string> problems() const { return problems_.All(); }

 private:
  // What a set of changes makes stale.
  struct Stale {
    bool visibility = false;
    bool roster = false;  // Somebody came or went, whose targets count while a member.
    std::set<std::string> services;
    std::set<std::string> target_groups;
  };
  struct GroupEntry {
    std::once_flag compiled;                           // By the first service that uses it.
    std::shared_ptr<const CompiledTargetGroup> group;  // Null: it does not exist.
    std::set<std::string> users;                       // Names of services; never empty for long.
    bool admits_workers = false;
  };
  struct ServiceUpdate {
    std::string name;
    ServiceParts parts;
    std::set<std::string> groups;  // That it uses.
    std::vector<std::string> problems;
  };

  static Stale StaleBy(const storage::Applied& changes);
  void UpdateVisibility(const storage::Catalog& catalog, std::set<std::string>* stale_services);
  // Adds the services that use them to `*stale_services`.
  void UpdateGroups(const storage::Catalog& catalog, const std::set<std::string>& names,
                    std::set<std::string>* stale_services);
  void UpdateServices(const storage::Catalog& catalog, const std::set<std::string>& names);
  void AdoptService(ServiceUpdate update);
  // These three: any thread of a loop over services or groups.
  void UpdateService(const storage::Catalog& catalog, ServiceUpdate* update);
  std::shared_ptr<const CompiledTargetGroup> FindOrCompileGroup(const storage::Catalog& catalog,
                                                                const std::string& name);
  void CompileGroup(const storage::Catalog& catalog, const std::string& name, GroupEntry* entry);
  void DropUnusedGroups();
  std::shared_ptr<const Snapshot> Assemble(const storage::Catalog& catalog);

  const Options options_;
  health::Registry& registry_;
  uint64_t generation_ = 0;
  absl::btree_map<std::string, Membership> visible_;
  // By service, the groups it uses; also those that do not exist.
  absl::btree_map<std::string, std::set<std::string>> groups_used_;
  Mutex mutex_;  // In loops over services or groups: of what follows, but for host names.
  std::map<std::string, GroupEntry> groups_;  // Those that are used.
  std::set<std::string> maybe_unused_;               // Groups that lost a user, or have none yet.
  TargetGroupChanges group_changes_;
  HostAssignment hosts_;
  Problems problems_;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_COMPILER_H_
