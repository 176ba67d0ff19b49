// Everything between the catalog and the sockets of callers and targets: compiler, health checks,
// workers, access log.
//
// Nothing is compiled, and nobody served, before the catalog is whole (Catalog::whole).
//
// Follows the catalog: each batch of changes is compiled once, given to the workers, and told to
// `enforced` when the last of them serves from it. Where changes pour in, compiling them has a
// quarter of the control thread's time (pacer.h); while an agent catches up, less.
#ifndef TRELLIS_NODE_AGENT_DATA_PLANE_H_
#define TRELLIS_NODE_AGENT_DATA_PLANE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/metrics/metrics.h"
#include "base/runtime/runtime.h"
#include "gossip/health/health_shards.h"
#include "node/agent/certificate_folder.h"
#include "node/agent/identity.h"
#include "node/agent/options.h"
#include "node/agent/pacer.h"
#include "node/health/checker.h"
#include "node/health/epoll_prober.h"
#include "node/health/mesh_verdicts.h"
#include "node/health/registry.h"
#include "node/net/event_loop.h"
#include "node/proxy/worker_pool.h"
#include "node/snapshot/compiler.h"
#include "node/telemetry/access_log.h"
#include "proto/trellis/v1/mesh_api.pb.h"
#include "storage/catalog/catalog.h"

namespace trellis::agent {

// Thread-safety: made, used and destroyed on the control thread; Drain and Reload from any other.
class DataPlane {
 public:
  using Enforced = std::function<void(const storage::VersionVector&)>;
  using CatchingUp = std::function<bool()>;

  // `catalog`, `shards`, `control` and `random` are borrowed. Serves from the catalog as it is at
  // once, if it is whole. `enforced` and `catching_up`, whether what changes now is known not to be
  // the last, are called on the control thread.
  //   INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED   an option cannot be had
  static absl::StatusOr<std::unique_ptr<DataPlane>> Start(
      const AgentOptions& options, const Identity& identity, storage::Catalog& catalog,
      gossip::HealthShards& shards, net::EventLoop& control, Random& random, Enforced enforced,
      CatchingUp catching_up);
  ~DataPlane();

  // Of a target by its resource name: as this agent's checks see it, else as other agents' do.
  // None: nobody says anything.
  std::optional<health::Verdict> Health(absl::string_view target);
  //   UNAVAILABLE  nothing is enforced yet
  absl::StatusOr<v1::ExplainRequestResponse> Explain(
      const v1::ExplainRequestRequest& request) const;

  // Where callers are not accepted that should be, in words. Waits for the workers' next turn.
  std::vector<std::string> Alarms() const;

  // Stops accepting and waits for requests in flight. Returns the connections left at the timeout.
  int64_t Drain(absl::Duration timeout) { return workers_->Drain(timeout); }
  // Opens the log's file anew, and reads certificates again.
  void Reload();

  // OK once callers are served from the configuration; UNAVAILABLE, with the reason, before.
  absl::Status Ready() const;
  // `registry` must not Render once this is gone.
  void RegisterMetrics(metrics::Registry& registry) const;

 private:
  DataPlane(const AgentOptions& options, const Identity& identity, storage::Catalog& catalog,
            gossip::HealthShards& shards, net::EventLoop& control, Random& random,
            Enforced enforced, CatchingUp catching_up);

  void Follow();
  void CompileAndPublish();
  void NoteEnforced(const storage::VersionVector& vector, absl::Duration changed_at);
  void ShareHealth();
  void FollowOthers();

  void UseCertificates(CertificateFolder read);

  const int port_offset_;
  const std::string certificate_folder_;
  storage::Catalog& catalog_;
  gossip::HealthShards& shards_;
  net::EventLoop& control_;
  const Enforced enforced_;
  const CatchingUp catching_up_;

  health::Registry registry_;
  SnapshotCompiler compiler_;
  health::EpollProber prober_;
  health::Checker checker_;
  health::MeshVerdicts mesh_verdicts_;
  std::unique_ptr<telemetry::AccessLog> access_log_;  // Null: none is written.
  std::unique_ptr<proxy::WorkerPool> workers_;
  std::shared_ptr<const Snapshot> snapshot_;  // Null: nothing is enforced yet.
  storage::Applied pending_;                  // Since the last compilation.
  absl::Duration pending_since_ = absl::InfiniteDuration();
  metrics::Histogram enforce_seconds_;
  std::vector<std::string> certificate_problems_;
  bool has_certificates_ = false;
  bool serves_ = false;  // Every worker has had a snapshot.
  Pacer compilations_;
  // Cleared by the destructor: tasks that were posted before it find nobody.
  std::shared_ptr<DataPlane*> self_ = std::make_shared<DataPlane*>(this);
};

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_DATA_PLANE_H_
