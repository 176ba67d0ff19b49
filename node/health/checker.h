// Asks targets whether they are well, and writes the verdicts into the cells that workers read.
//
// Spec: VPC Lattice reference 4.4. Every agent checks, for itself, every target it may send traffic
// to: those of the groups that a service visible in its VPC uses. A check that still runs, or waits
// to, when the next is due stands for that too. A passed check is an answer whose status the
// group's matcher takes, in time; the time starts when its turn has come.
#ifndef TRELLIS_NODE_HEALTH_CHECKER_H_
#define TRELLIS_NODE_HEALTH_CHECKER_H_

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "base/runtime/runtime.h"
#include "node/health/prober.h"
#include "node/health/verdict.h"
#include "node/snapshot/snapshot.h"

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
  void Update(const Snapshot& snapshot);

  // None: no snapshot has it, so nobody checks it (UNUSED).
  std::optional<Verdict> Get(absl::string_view group, const net::Endpoint& endpoint) const;

  int running() const { return running_; }

 private:
  class Check;
  struct Group {
    std::shared_ptr<const CompiledTargetGroup> compiled;
    std::map<net::Endpoint, std::unique_ptr<Check>> checks;
  };

  void UpdateGroup(Group* group, std::shared_ptr<const CompiledTargetGroup> compiled);
  // As many of the queue as may run.
  void StartWaiting();

  const Options options_;
  const Runtime runtime_;
  Prober& prober_;
  std::deque<Check*> waiting_;  // INVARIANT: each check once at most, so bounded by the targets.
  int running_ = 0;
  absl::btree_map<std::string, Group> groups_;  // Last: its checks leave the two above as they go.
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_CHECKER_H_
