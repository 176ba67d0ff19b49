// Asks targets whether they are well, and writes the verdicts into the cells that workers read.
//
// Spec: VPC Lattice reference 4.4. Every agent checks, for itself, every target it may send traffic
// to: those of the groups that a service visible in its VPC uses. A check that still runs, or waits
// to, when the next is due stands for that too. A passed check is an answer whose status the
// group's matcher takes, in time; the time starts when its turn has come.
//
// The own verdict goes first. Of a target whose first check here is outstanding, or whose checks
// this agent cannot make, the cell has what other agents say (docs/decisions/0016).
#ifndef TRELLIS_NODE_HEALTH_CHECKER_H_
#define TRELLIS_NODE_HEALTH_CHECKER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "base/runtime/runtime.h"
#include "node/health/prober.h"
#include "node/health/verdict.h"
#include "node/snapshot/snapshot.h"
#include "routing/balance/opinion_list.h"

namespace trellis::health {

// Thread-safety: none; everything on the runtime's thread, that of the control loop.
class Checker {
 public:
  struct Options {
    // Checks on their way at once; others wait their turn. Each costs a descriptor.
    int concurrent_max = 64;
  };

  // The runtime and prober are borrowed and outlive the checker.
  Checker(const Options& options, Runtime runtime, Prober& prober);
  ~Checker();

  // Begins to check the targets that are new (at once; from then on at a fixed rate, starting at
  // random so that targets do not all hear from us together), forgets those that are gone, keeps
  // the rest. New settings begin the schedule anew and keep the verdict, unless checks go on or
  // off.
  void Update(const TargetGroupChanges& changes);

  // What these checks say of those targets for which `counts`, a list a group, ascending by
  // identity; groups of which they say nothing are left out. O(targets).
  std::vector<routing::OpinionList> Opinions(
      absl::FunctionRef<bool(const net::Endpoint& target)> counts) const;
  // Called whenever these may have changed.
  void SetListener(absl::AnyInvocable<void()> listener) { listener_ = std::move(listener); }

  // Asks what others say of each target of which these checks say nothing.
  using Others = absl::FunctionRef<routing::Opinion(
      uint64_t list, uint32_t index, const net::Endpoint& target, routing::Opinion previous)>;
  // O(targets); O(1) when there is none.
  void Follow(Others others);

  // None: no snapshot has it, so nobody checks it (UNUSED).
  std::optional<Verdict> Get(absl::string_view group, const net::Endpoint& endpoint) const;

  int running() const { return running_; }

 private:
  class Check;
  struct Group {
    std::shared_ptr<const CompiledTargetGroup> compiled;
    uint64_t list = 0;  // The identity of its targets.
    // In the order of the list; none, if the group's checks are off.
    std::map<net::Endpoint, std::unique_ptr<Check>> checks;
  };

  void UpdateGroup(Group* group, std::shared_ptr<const CompiledTargetGroup> compiled);
  // As many of the queue as may run.
  void StartWaiting();

  const Options options_;
  const Runtime runtime_;
  Prober& prober_;
  absl::AnyInvocable<void()> listener_ = [] {};
  std::deque<Check*> waiting_;  // INVARIANT: each check once at most, so bounded by the targets.
  int running_ = 0;
  int following_ = 0;                           // Checks that say nothing, and so follow others.
  absl::btree_map<std::string, Group> groups_;  // Last: its checks leave the two above as they go.
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_CHECKER_H_
