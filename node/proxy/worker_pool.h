// The data plane: workers on threads of their own, and the control plane's hold on them.
//
//   auto proxy = WorkerPool::Start(options);
//   (*proxy)->Publish(snapshot, [] { /* every worker serves from it */ });
//   (*proxy)->Drain(absl::Seconds(30));   // On SIGTERM; then destroy it.
#ifndef TRELLIS_NODE_PROXY_WORKER_POOL_H_
#define TRELLIS_NODE_PROXY_WORKER_POOL_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/metrics/metrics.h"
#include "node/proxy/acceptor.h"
#include "node/proxy/counters.h"
#include "node/proxy/options.h"
#include "node/snapshot/snapshot.h"
#include "node/tls/server_certificates.h"
#include "node/tls/ticket_keys.h"

namespace trellis::proxy {

// Thread-safety: one controlling thread, which is none of the workers'; Counters from any thread.
class WorkerPool {
 public:
  using Options = proxy::Options;

  // Starts the threads. Nothing is listened on before the first Publish.
  // INVALID_ARGUMENT: an option is out of range. RESOURCE_EXHAUSTED: no descriptors.
  static absl::StatusOr<std::unique_ptr<WorkerPool>> Start(const Options& options);
  // Cuts what is under way.
  ~WorkerPool();

  // Gives every worker `snapshot`, and returns at once. `swapped` (may be null) runs on a worker's
  // thread when the last of them has taken it and accepts on its ports. A port that cannot be bound
  // holds nothing up: see ListenStatuses.
  void Publish(std::shared_ptr<const Snapshot> snapshot, std::function<void()> swapped = nullptr);

  // What HTTPS listeners show from now on.
  void SetCertificates(std::shared_ptr<const tls::ServerCertificates> certificates);

  // Stops accepting, closes idle connections, and waits until all requests are answered, each with
  // "connection: close", or `timeout` has passed. Returns how many connections are left.
  int64_t Drain(absl::Duration timeout);

  // Every address and port: OK when all workers accept on it, else one worker's error.
  std::vector<ListenStatus> ListenStatuses();
  CounterValues Counters() const;
  // `registry` must not Render once this is gone.
  void RegisterMetrics(metrics::Registry& registry) const;
  int workers() const { return static_cast<int>(threads_.size()); }

 private:
  struct Thread;

  explicit WorkerPool(const Options& options);

  const Options options_;
  tls::TicketKeys tickets_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_WORKER_POOL_H_
