#include "tests/simulation/convergence.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "tests/simulation/percentile.h"

namespace trellis::simulation {
namespace {

// Writes come from these; they never crash. Few agents administer.
constexpr size_t kWriters = 4;
constexpr size_t kWarmUpWrites = 3;  // Of each: trees form.
constexpr absl::Duration kBetweenWrites = absl::Milliseconds(700);
constexpr absl::Duration kGiveUp = absl::Seconds(10);

class Measurement {
 public:
  explicit Measurement(const ConvergenceOptions& options)
      : options_(options), mesh_(Watched(options.mesh)) {}
  ConvergenceResult Run();

 private:
  MeasuredMesh::Options Watched(MeasuredMesh::Options options) {
    options.applied = [this](size_t i, const storage::v1::Delta& delta) { OnDelta(i, delta); };
    return options;
  }
  void OnDelta(size_t node, const storage::v1::Delta& delta);
  void Crash();
  void Write(size_t writer);
  void MeasureWrite(size_t writer);
  void MeasureIdle();

  const ConvergenceOptions options_;

  // The write being watched.
  storage::Origin origin_;
  uint64_t sequence_ = 0;
  std::vector<bool> applied_;
  size_t missing_ = 0;

  ConvergenceResult result_;
  MeasuredMesh mesh_;
};

void Measurement::Crash() {
  const size_t many = static_cast<size_t>(options_.crashed * static_cast<double>(mesh_.size()));
  for (size_t crashed = 0; crashed < many;) {
    SimNode& victim = mesh_.node(std::min(kWriters, mesh_.size() - 1) +
                                 mesh_.random().Uniform(mesh_.size() - kWriters));
    if (!victim.running()) continue;
    victim.CutPower(victim.engine().unsynced_writes());
    ++crashed;
  }
}

void Measurement::Write(size_t writer) {
  applied_.assign(mesh_.size(), false);
  missing_ = mesh_.running();
  storage::Catalog& catalog = mesh_.node(writer).catalog();
  origin_ = catalog.origin();
  sequence_ = catalog.vector().head(origin_) + 1;
  mesh_.Write(writer);
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
  const absl::Duration start = mesh_.now();
  const Traffic before = mesh_.network().traffic();
  Write(writer);
  while (missing_ > 0 && mesh_.now() - start < kGiveUp && mesh_.Step()) {
  }
  const absl::Duration took = mesh_.now() - start;
  if (missing_ > 0) ++result_.incomplete;
  result_.to_all.push_back(took);
  mesh_.RunFor(kBetweenWrites - took);
  const Traffic& after = mesh_.network().traffic();
  const double seconds = absl::ToDoubleSeconds(mesh_.now() - start);
  const double share = 1.0 / static_cast<double>(mesh_.running()) / options_.writes;
  result_.copies += share * static_cast<double>(after.entries - before.entries);
  result_.bytes += share * static_cast<double>(after.bytes - before.bytes) -
                   seconds * result_.idle_bytes_per_second / options_.writes;
}

void Measurement::MeasureIdle() {
  const uint64_t before = mesh_.network().traffic().bytes;
  mesh_.RunFor(MeasuredMesh::kSettle);
  result_.idle_bytes_per_second = static_cast<double>(mesh_.network().traffic().bytes - before) /
                                  absl::ToDoubleSeconds(MeasuredMesh::kSettle) /
                                  static_cast<double>(mesh_.size());
}

ConvergenceResult Measurement::Run() {
  const size_t writers = std::min(kWriters, mesh_.size());
  for (size_t i = 0; i < kWarmUpWrites * writers; ++i) {
    Write(i % writers);
    mesh_.RunFor(kBetweenWrites);
  }
  MeasureIdle();
  for (int i = 0; i < options_.writes; ++i) {
    const size_t writer = static_cast<size_t>(i) % writers;
    // Within the three seconds in which nobody misses the crashed.
    if (writer == 0 && options_.crashed > 0) {
      mesh_.Revive();
      Crash();
    }
    MeasureWrite(writer);
  }
  std::sort(result_.to_all.begin(), result_.to_all.end());
  result_.full_rosters = mesh_.full_rosters();
  result_.simulated = mesh_.now();
  return std::move(result_);
}

}  // namespace

ConvergenceResult MeasureConvergence(const ConvergenceOptions& options) {
  return Measurement(options).Run();
}

std::string Describe(const ConvergenceOptions& options, const ConvergenceResult& result) {
  return absl::StrFormat(
      "%d nodes, %d regions, %.0f%% of frames lost, %.0f%% of nodes crashed unnoticed, %d writes\n"
      "applied on all   %s; %d incomplete\n"
      "a node, a write  %.2f copies, %.0f bytes; idle %.0f bytes/s\n"
      "rosters          %s\n",
      options.mesh.nodes, options.mesh.regions, 100 * options.mesh.loss, 100 * options.crashed,
      options.writes, DescribeMillis(result.to_all), result.incomplete, result.copies, result.bytes,
      result.idle_bytes_per_second, result.full_rosters ? "full" : "of neighbours only");
}

std::string ToJson(const ConvergenceOptions& options, const ConvergenceResult& result) {
  return absl::StrFormat(
      R"({"nodes": %d, "regions": %d, "loss": %g, "crashed": %g, "writes": %d, "seed": %d, )"
      R"("to_all_ms": %s, "incomplete": %d, )"
      R"("copies_per_node_and_write": %.3f, "bytes_per_node_and_write": %.0f, )"
      R"("idle_bytes_per_node_and_second": %.0f, "full_rosters": %s, "simulated_seconds": %.1f})"
      "\n",
      options.mesh.nodes, options.mesh.regions, options.mesh.loss, options.crashed, options.writes,
      options.mesh.seed, MillisToJson(result.to_all), result.incomplete, result.copies,
      result.bytes, result.idle_bytes_per_second, result.full_rosters ? "true" : "false",
      absl::ToDoubleSeconds(result.simulated));
}

}  // namespace trellis::simulation
