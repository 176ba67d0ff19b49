// Where the verdict on a target lives while any snapshot has the target.
//
// The compiler asks it for the cell of each target it compiles, so that successive snapshots share
// one and a verdict outlives a change of the configuration.
#ifndef TRELLIS_NODE_HEALTH_REGISTRY_H_
#define TRELLIS_NODE_HEALTH_REGISTRY_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/net/endpoint.h"
#include "base/sync/mutex.h"
#include "routing/balance/health.h"

namespace trellis::health {

// Thread-safety: any thread. The cells it gives are read, and may be released, by any thread too.
class Registry {
 public:
  // The cell of `endpoint` in `group`: the one that a living snapshot has, else a new one that
  // starts as `initial`.
  std::shared_ptr<routing::HealthCell> Cell(absl::string_view group, const net::Endpoint& endpoint,
                                            routing::TargetHealth initial);

  // Cells some snapshot still has.
  size_t live() const;

 private:
  using Group = absl::flat_hash_map<net::Endpoint, std::weak_ptr<routing::HealthCell>>;

  // Drops what no snapshot has any more.
  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Group> groups_ ABSL_GUARDED_BY(mutex_);
  size_t size_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace trellis::health

#endif  // TRELLIS_NODE_HEALTH_REGISTRY_H_
