#include "node/agent/data_plane.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "node/agent/listen_alarms.h"
#include "node/net/control.h"
#include "node/snapshot/explain.h"
#include "node/snapshot/target_endpoint.h"

namespace trellis::agent {
namespace {

absl::StatusOr<std::unique_ptr<telemetry::AccessLog>> OpenAccessLog(const AgentOptions& options) {
  if (options.access_log.empty()) return nullptr;
  auto log = telemetry::AccessLog::Open({.path = options.access_log});
  if (log.ok()) return log;
  return absl::Status(log.status().code(), absl::StrCat("access_log: ", log.status().message()));
}

proxy::Options ProxyOptions(const AgentOptions& options, telemetry::AccessLog* access_log) {
  proxy::Options result;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  result.workers = options.workers > 0 ? options.workers : cores;
  result.listen_addresses = options.listen_addresses;
  result.port_offset = options.port_offset;
  result.connections_per_worker_max = std::max(1, options.max_connections / result.workers);
  result.connect_timeout = options.connect_timeout;
  result.reason_header = options.reason_header;
  result.access_log = access_log;
  return result;
}

}  // namespace

DataPlane::DataPlane(const AgentOptions& options, const Identity& identity,
                     storage::Catalog& catalog, gossip::HealthShards& shards,
                     net::EventLoop& control, Random& random, Enforced enforced,
                     CatchingUp catching_up)
    : port_offset_(options.port_offset),
      certificate_folder_(options.certificates),
      catalog_(catalog),
      shards_(shards),
      control_(control),
      enforced_(std::move(enforced)),
      catching_up_(std::move(catching_up)),
      compiler_({.vpc = identity.local.vpc(),
                 .naming = {.account = identity.local.account(),
                            .region = identity.local.region(),
                            .mesh_id = identity.mesh_id(),
                            .mesh_domain = identity.local.mesh_domain()}},
                registry_),
      prober_(control),
      checker_({}, Runtime{control, random}, prober_),
      mesh_verdicts_(catalog,
                     [&shards](uint64_t list, uint32_t index, absl::string_view address) {
                       return shards.OpinionsOf(list, index, address);
                     }),
      compilations_(control, [this] { CompileAndPublish(); }) {}

absl::StatusOr<std::unique_ptr<DataPlane>> DataPlane::Start(
    const AgentOptions& options, const Identity& identity, storage::Catalog& catalog,
    gossip::HealthShards& shards, net::EventLoop& control, Random& random, Enforced enforced,
    CatchingUp catching_up) {
  auto plane = absl::WrapUnique(new DataPlane(options, identity, catalog, shards, control, random,
                                              std::move(enforced), std::move(catching_up)));
  ASSIGN_OR_RETURN(plane->access_log_, OpenAccessLog(options));
  ASSIGN_OR_RETURN(plane->workers_,
                   proxy::WorkerPool::Start(ProxyOptions(options, plane->access_log_.get())));
  if (!options.certificates.empty()) plane->UseCertificates(ReadCertificates(options.certificates));
  plane->Follow();
  plane->ShareHealth();
  plane->compilations_.Run();
  return plane;
}

DataPlane::~DataPlane() {
  *self_ = nullptr;
  shards_.SetSource([] { return std::vector<routing::OpinionList>(); });
  shards_.SetListener([] {});
}

void DataPlane::Follow() {
  // The catalog keeps its listeners for its own life.
  catalog_.Subscribe([self = self_](const storage::Applied& applied) {
    if (*self == nullptr) return;
    if (applied.whole) (*self)->compilations_.Schedule();
    if (!(*self)->catalog_.whole()) return;  // The first snapshot is made of everything.
    auto& items = (*self)->pending_.items;
    items.insert(items.end(), applied.items.begin(), applied.items.end());
    (*self)->mesh_verdicts_.CatalogChanged();
  });
  // Also called when a transaction changed nothing here: that it is held, and so enforced, is news.
  catalog_.SubscribeDeltas([self = self_](const storage::v1::Delta&) {
    if (*self == nullptr) return;
    DataPlane& plane = **self;
    plane.pending_since_ = std::min(plane.pending_since_, plane.control_.MonotonicNow());
    plane.compilations_.Schedule(plane.catching_up_());
  });
}

// Others take a worker's word for the targets of its own host only, so it says no more.
void DataPlane::ShareHealth() {
  std::set<net::Endpoint> own;
  for (const std::string& address : catalog_.self().addresses) {
    if (const auto host = net::Endpoint::FromAddress(address, 0); host.ok()) own.insert(*host);
  }
  shards_.SetSource([this, admin = catalog_.self().admin, own = std::move(own)] {
    return checker_.Opinions(
        [&](const net::Endpoint& target) { return admin || own.count(target.WithPort(0)) > 0; });
  });
  checker_.SetListener([this] { shards_.Changed(); });
  shards_.SetListener([this] { FollowOthers(); });
}

void DataPlane::FollowOthers() {
  checker_.Follow([this](uint64_t list, uint32_t index, const net::Endpoint& target,
                         routing::Opinion previous) {
    return mesh_verdicts_.Of(list, index, target, previous);
  });
}

void DataPlane::CompileAndPublish() {
  if (!catalog_.whole()) return;
  const storage::Applied changes = std::exchange(pending_, {});
  snapshot_ = compiler_.Compile(catalog_, snapshot_ == nullptr ? nullptr : &changes);
  checker_.Update(compiler_.TakeTargetGroupChanges());
  FollowOthers();
  const absl::Duration changed_at = std::exchange(pending_since_, absl::InfiniteDuration());
  workers_->Publish(
      snapshot_, [self = self_, &control = control_, vector = snapshot_->vector, changed_at] {
        control.Post([self, vector, changed_at] {
          if (*self != nullptr) (*self)->NoteEnforced(vector, changed_at);
        });
      });
}

void DataPlane::NoteEnforced(const storage::VersionVector& vector, absl::Duration changed_at) {
  serves_ = true;
  if (changed_at != absl::InfiniteDuration()) {
    enforce_seconds_.Record(control_.MonotonicNow() - changed_at);
  }
  enforced_(vector);
}

absl::Status DataPlane::Ready() const {
  if (serves_) return absl::OkStatus();
  return absl::UnavailableError(snapshot_ == nullptr ? "fetching the configuration from peers"
                                                     : "starting to serve");
}

void DataPlane::RegisterMetrics(metrics::Registry& registry) const {
  workers_->RegisterMetrics(registry);
  registry.Add("trellis_enforce_seconds",
               "From a change reaching this agent to every worker serving from it.", {},
               &enforce_seconds_);
}

std::optional<health::Verdict> DataPlane::Health(absl::string_view target) {
  const auto located = LocateTarget(catalog_, target);
  if (!located.has_value()) return std::nullopt;
  const auto own = checker_.Get(located->target_group, located->endpoint);
  return own.has_value() ? own : mesh_verdicts_.Get(*located);
}

absl::StatusOr<v1::ExplainRequestResponse> DataPlane::Explain(
    const v1::ExplainRequestRequest& request) const {
  if (snapshot_ == nullptr) {
    return absl::UnavailableError(
        "this agent still fetches the configuration, and its proxy serves nobody; try again soon");
  }
  return trellis::Explain(*snapshot_, request);
}

std::vector<std::string> DataPlane::Alarms() const {
  std::vector<std::string> alarms = ListenAlarms(workers_->ListenStatuses(), port_offset_);
  alarms.insert(alarms.end(), certificate_problems_.begin(), certificate_problems_.end());
  if (snapshot_ != nullptr && snapshot_->has_tls && !has_certificates_) {
    alarms.push_back(
        "callers of HTTPS listeners are not served: this agent has no certificate; give it "
        "--certificates=FOLDER");
  }
  return alarms;
}

void DataPlane::Reload() {
  if (access_log_ != nullptr) access_log_->Reopen();
  if (certificate_folder_.empty()) return;
  CertificateFolder read = ReadCertificates(certificate_folder_);
  net::RunOn(control_, [&] { UseCertificates(std::move(read)); });
}

void DataPlane::UseCertificates(CertificateFolder read) {
  for (const std::string& problem : read.problems) LOG(WARNING) << problem;
  certificate_problems_ = std::move(read.problems);
  has_certificates_ = !read.certificates->empty();
  workers_->SetCertificates(std::move(read.certificates));
}

}  // namespace trellis::agent
