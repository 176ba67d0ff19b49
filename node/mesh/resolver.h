// Turns host:port into addresses without stopping the thread that asks.
#ifndef TRELLIS_NODE_MESH_RESOLVER_H_
#define TRELLIS_NODE_MESH_RESOLVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/net/endpoint.h"
#include "base/runtime/scheduler.h"

namespace trellis::mesh {

// Lookups under way at once; the system's resolver blocks, so each holds a thread.
inline constexpr int kMaxLookups = 16;
inline constexpr size_t kMaxResolvedAddresses = 4;

// Thread-safety: none; the scheduler's thread. Destroying it forgets lookups still under way.
class Resolver {
 public:
  explicit Resolver(Scheduler& scheduler);
  ~Resolver();

  // Calls `done` on the scheduler's thread, never inside this call, with 1 to 4 addresses in the
  // order to try them.
  //   INVALID_ARGUMENT     not host:port
  //   UNAVAILABLE          the name has no address, or the name servers do not answer
  //   RESOURCE_EXHAUSTED   kMaxLookups are under way
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::vector<net::Endpoint>>)>;
  void Resolve(const std::string& address, Done done);

 private:
  struct Shared;

  Scheduler& scheduler_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_RESOLVER_H_
