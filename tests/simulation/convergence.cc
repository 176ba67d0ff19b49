#include "tests/simulation/convergence.h"

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/log/log.h"
#include "gossip/membership/neighbours.h"
#include "storage/catalog/keys.h"
#include "storage/resource/names.h"
#include "tests/simulation/sim_node.h"

namespace trellis::simulation {
namespace {

const char kMeshId[] = "simulated-mesh-1";
constexpr size_t kFullRostersMost = 600;
constexpr int kNeighbours = 8;
// Writes come from these; they never crash. Few agents administer.
constexpr size_t kWriters = 4;
constexpr int kWarmUpWrites = 3;  // Of each: trees form.
constexpr absl::Duration kSettle = absl::Seconds(10);
constexpr absl::Duration kBetweenWrites = absl::Milliseconds(700);
constexpr absl::Duration kGiveUp = absl::Seconds(10);

class Measurement {
 public:
  explicit Measurement(const ConvergenceOptions& options);
  ConvergenceResult Run();

 private:
  void AddNode();
  void WriteRosters();
  void NameNeighbours();
  void Crash();
  void Revive();
  void Write(size_t writer);
  void MeasureWrite(size_t writer);
  void MeasureIdle();
  void OnDelta(size_t node, const storage::v1::Delta& delta);

  const ConvergenceOptions options_;
  SimScheduler scheduler_;
  const std::shared_ptr<storage::FakeAuthors> authors_ = std::make_shared<storage::FakeAuthors>();
  SeededRandom random_;
  SimNetwork network_;
  std::vector<std::unique_ptr<SimNode>> nodes_;

  // The write being watched.
  storage::Origin origin_;
  uint64_t sequence_ = 0;
  std::vector<bool> applied_;
  size_t missing_ = 0;

  ConvergenceResult result_;
};

Measurement::Measurement(const ConvergenceOptions& options)
    : options_(options), random_(options.seed), network_(scheduler_, options.seed + 1) {
  network_.set_latency(
      {.least = absl::Microseconds(250), .most = absl::Microseconds(250), .jitter = 0.1});
  network_.set_work({.payload = absl::Microseconds(1500), .other = absl::Microseconds(20)});
  network_.set_faults({.stall = options.loss});
  for (int i = 0; i < options.nodes; ++i) AddNode();
  result_.full_rosters = nodes_.size() <= kFullRostersMost;
  if (result_.full_rosters) {
    WriteRosters();
  } else {
    NameNeighbours();
  }
  for (auto& node : nodes_) node->Boot();
}

void Measurement::AddNode() {
  SimNode::Options options;
  options.gossip.mesh_id = kMeshId;
  options.gossip.node = random_.Next64() | 1;
  options.gossip.program_version = "sim";
  options.gossip.max_neighbours = kNeighbours;
  options.seed = random_.Next64();
  options.authors = authors_;
  options.booted = [this, i = nodes_.size()](SimNode& node) {
    node.catalog().SubscribeDeltas(
        [this, i](const storage::v1::Delta& delta) { OnDelta(i, delta); });
  };
  nodes_.push_back(std::make_unique<SimNode>(options, scheduler_, network_));
}

// The first agent writes the roster, and its disk's content is put on all others: a mesh after a
// restart of all.
void Measurement::WriteRosters() {
  nodes_[0]->Boot();
  std::vector<storage::Change> changes;
  for (const auto& node : nodes_) {
    v1::Resource resource;
    resource.mutable_agent()->set_name(resource::AgentName(node->id()));
    resource.mutable_agent()->set_mesh_address("sim:7950");
    changes.push_back({resource::AgentName(node->id()), resource, storage::Version()});
  }
  CHECK_OK(nodes_[0]->catalog().Commit(std::move(changes)).status());
  nodes_[0]->Kill();
  storage::Batch batch;
  for (const storage::Table table : storage::kTables) {
    CHECK_OK(nodes_[0]->engine().Scan(
        table, "", "", [&](absl::string_view key, absl::string_view value) {
          const bool own = table == storage::Table::kMeta &&
                           (key == storage::kIdentityKey || key == storage::kHlcBoundKey);
          if (!own) batch.Put(table, key, value);
          return true;
        }));
  }
  for (size_t i = 1; i < nodes_.size(); ++i) {
    CHECK_OK(nodes_[i]->engine().Write(batch, storage::Durability::kSynced));
  }
}

void Measurement::NameNeighbours() {
  std::set<NodeId> all;
  for (const auto& node : nodes_) all.insert(node->id());
  for (const auto& node : nodes_) {
    for (const NodeId neighbour :
         gossip::ChooseNeighbours(node->id(), all, {}, kNeighbours).links) {
      node->options().gossip.seeds.push_back({neighbour, "sim:7950"});
    }
  }
}

// --- Misfortune ----------------------------------------------------------------------------------

void Measurement::Crash() {
  const size_t many = static_cast<size_t>(options_.crashed * static_cast<double>(nodes_.size()));
  for (size_t crashed = 0; crashed < many;) {
    SimNode& victim =
        *nodes_[std::min(kWriters, nodes_.size() - 1) + random_.Uniform(nodes_.size() - kWriters)];
    if (!victim.running()) continue;
    victim.CutPower(victim.engine().unsynced_writes());
    ++crashed;
  }
}

void Measurement::Revive() {
  for (auto& node : nodes_) {
    if (!node->running()) node->Boot();
  }
  scheduler_.RunFor(kSettle);
}

// --- Writes --------------------------------------------------------------------------------------

void Measurement::Write(size_t writer) {
  SimNode& node = *nodes_[writer];
  v1::Resource resource;
  const std::string name = resource::Join("", resource::Kind::kService,
                                          resource::NewId(resource::Kind::kService, random_));
  resource.mutable_service()->set_name(name);
  resource.mutable_service()->set_display_name("measured");
  applied_.assign(nodes_.size(), false);
  missing_ = 0;
  for (const auto& each : nodes_) missing_ += each->running();
  origin_ = node.catalog().origin();
  sequence_ = node.catalog().vector().head(origin_) + 1;
  const auto token = node.catalog().Commit({{name, resource, storage::Version()}});
  CHECK_OK(token.status());
  CHECK_EQ(token->sequence, sequence_);
}

void Measurement::OnDelta(size_t node, const storage::v1::Delta& delta) {
  if (missing_ == 0 || applied_[node] || delta.up_to() < sequence_ ||
      storage::Origin::FromProto(delta.origin()) != origin_) {
    return;
  }
  applied_[node] = true;
  --missing_;
}

void Measurement::MeasureWrite(size_t writer) {
  const absl::Duration start = scheduler_.MonotonicNow();
  const Traffic before = network_.traffic();
  Write(writer);
  while (missing_ > 0 && scheduler_.MonotonicNow() - start < kGiveUp && scheduler_.Step()) {
  }
  const absl::Duration took = scheduler_.MonotonicNow() - start;
  if (missing_ > 0) ++result_.incomplete;
  result_.to_all.push_back(took);
  scheduler_.RunFor(kBetweenWrites - took);
  const double seconds = absl::ToDoubleSeconds(scheduler_.MonotonicNow() - start);
  size_t running = 0;
  for (const auto& node : nodes_) running += node->running();
  const double share = 1.0 / static_cast<double>(running) / options_.writes;
  result_.copies += share * static_cast<double>(network_.traffic().entries - before.entries);
  result_.bytes += share * static_cast<double>(network_.traffic().bytes - before.bytes) -
                   seconds * result_.idle_bytes_per_second / options_.writes;
}

void Measurement::MeasureIdle() {
  const uint64_t before = network_.traffic().bytes;
  scheduler_.RunFor(kSettle);
  result_.idle_bytes_per_second = static_cast<double>(network_.traffic().bytes - before) /
                                  absl::ToDoubleSeconds(kSettle) /
                                  static_cast<double>(nodes_.size());
}

ConvergenceResult Measurement::Run() {
  const size_t writers = std::min(kWriters, nodes_.size());
  scheduler_.RunFor(kSettle);
  for (size_t i = 0; i < kWarmUpWrites * writers; ++i) {
    Write(i % writers);
    scheduler_.RunFor(kBetweenWrites);
  }
  MeasureIdle();
  for (int i = 0; i < options_.writes; ++i) {
    const size_t writer = static_cast<size_t>(i) % writers;
    // Within the three seconds in which nobody misses the crashed.
    if (writer == 0 && options_.crashed > 0) {
      Revive();
      Crash();
    }
    MeasureWrite(writer);
  }
  std::sort(result_.to_all.begin(), result_.to_all.end());
  result_.simulated = scheduler_.MonotonicNow();
  return std::move(result_);
}

double MillisAt(const std::vector<absl::Duration>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  return absl::ToDoubleMilliseconds(
      sorted[static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1) + 0.5)]);
}

}  // namespace

ConvergenceResult MeasureConvergence(const ConvergenceOptions& options) {
  return Measurement(options).Run();
}

std::string Describe(const ConvergenceOptions& options, const ConvergenceResult& result) {
  return absl::StrFormat(
      "%d nodes, %.0f%% of frames lost, %.0f%% of nodes crashed unnoticed, %d writes\n"
      "applied on all   p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms; %d incomplete\n"
      "a node, a write  %.2f copies, %.0f bytes; idle %.0f bytes/s\n"
      "rosters          %s\n",
      options.nodes, 100 * options.loss, 100 * options.crashed, options.writes,
      MillisAt(result.to_all, 0.5), MillisAt(result.to_all, 0.9), MillisAt(result.to_all, 0.99),
      MillisAt(result.to_all, 1), result.incomplete, result.copies, result.bytes,
      result.idle_bytes_per_second, result.full_rosters ? "full" : "of neighbours only");
}

std::string ToJson(const ConvergenceOptions& options, const ConvergenceResult& result) {
  return absl::StrFormat(
      R"({"nodes": %d, "loss": %g, "crashed": %g, "writes": %d, "seed": %d, )"
      R"("to_all_ms": {"p50": %.2f, "p90": %.2f, "p99": %.2f, "max": %.2f}, "incomplete": %d, )"
      R"("copies_per_node_and_write": %.3f, "bytes_per_node_and_write": %.0f, )"
      R"("idle_bytes_per_node_and_second": %.0f, "full_rosters": %s, "simulated_seconds": %.1f})"
      "\n",
      options.nodes, options.loss, options.crashed, options.writes, options.seed,
      MillisAt(result.to_all, 0.5), MillisAt(result.to_all, 0.9), MillisAt(result.to_all, 0.99),
      MillisAt(result.to_all, 1), result.incomplete, result.copies, result.bytes,
      result.idle_bytes_per_second, result.full_rosters ? "true" : "false",
      absl::ToDoubleSeconds(result.simulated));
}

}  // namespace trellis::simulation
