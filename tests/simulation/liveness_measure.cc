#include "tests/simulation/liveness_measure.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "tests/simulation/percentile.h"

namespace trellis::simulation {
namespace {

constexpr absl::Duration kGiveUp = absl::Seconds(10);
constexpr absl::Duration kLook = absl::Milliseconds(5);

class Measurement {
 public:
  explicit Measurement(const LivenessOptions& options) : options_(options), mesh_(options.mesh) {}
  LivenessResult Run();

 private:
  // Of all that run, since they booted.
  uint64_t Verdicts();
  size_t WhoThinkDown(gossip::NodeId victim);
  void MeasureEnd(size_t victim, bool of_power, std::vector<absl::Duration>& took);

  const LivenessOptions options_;
  MeasuredMesh mesh_;
  LivenessResult result_;
};

uint64_t Measurement::Verdicts() {
  uint64_t verdicts = 0;
  for (size_t i = 0; i < mesh_.size(); ++i) {
    if (mesh_.node(i).running()) verdicts += mesh_.node(i).gossip().down_verdicts();
  }
  return verdicts;
}

size_t Measurement::WhoThinkDown(gossip::NodeId victim) {
  size_t who = 0;
  for (size_t i = 0; i < mesh_.size(); ++i) {
    SimNode& node = mesh_.node(i);
    who += node.running() && node.LivenessOf(victim) == gossip::Liveness::kDown;
  }
  return who;
}

void Measurement::MeasureEnd(size_t victim, bool of_power, std::vector<absl::Duration>& took) {
  SimNode& node = mesh_.node(victim);
  result_.false_downs += node.gossip().down_verdicts();  // It forgets them with its process.
  const uint64_t before = Verdicts() - node.gossip().down_verdicts();
  const absl::Duration start = mesh_.now();
  if (of_power) {
    node.CutPower(node.engine().unsynced_writes());
  } else {
    node.Kill();
  }
  const uint64_t others = mesh_.size() - 1;
  while (Verdicts() < before + others && mesh_.now() - start < kGiveUp) mesh_.RunFor(kLook);
  took.push_back(mesh_.now() - start);
  if (WhoThinkDown(node.id()) < others) ++result_.unnoticed;
  result_.false_downs -= others;  // These were true.
  mesh_.Revive();
}

LivenessResult Measurement::Run() {
  for (int i = 0; i < options_.victims; ++i) {
    MeasureEnd(mesh_.random().Uniform(mesh_.size()), /*of_power=*/false, result_.crash);
    MeasureEnd(mesh_.random().Uniform(mesh_.size()), /*of_power=*/true, result_.silence);
  }
  mesh_.RunFor(options_.watched);
  result_.false_downs += Verdicts();
  result_.simulated = mesh_.now();
  std::sort(result_.crash.begin(), result_.crash.end());
  std::sort(result_.silence.begin(), result_.silence.end());
  return std::move(result_);
}

}  // namespace

LivenessResult MeasureLiveness(const LivenessOptions& options) {
  return Measurement(options).Run();
}

std::string Describe(const LivenessOptions& options, const LivenessResult& result) {
  return absl::StrFormat(
      "%d nodes, %.0f%% of frames lost, %.2f simulated hours\n"
      "crash known to all    %s\n"
      "silence known to all  %s; %d unnoticed\n"
      "false verdicts        %d\n",
      options.mesh.nodes, 100 * options.mesh.loss, absl::ToDoubleHours(result.simulated),
      DescribeMillis(result.crash), DescribeMillis(result.silence), result.unnoticed,
      result.false_downs);
}

std::string ToJson(const LivenessOptions& options, const LivenessResult& result) {
  return absl::StrFormat(
      R"({"nodes": %d, "loss": %g, "seed": %d, "crash_ms": %s, "silence_ms": %s, )"
      R"("unnoticed": %d, "false_verdicts": %d, "simulated_hours": %.3f})"
      "\n",
      options.mesh.nodes, options.mesh.loss, options.mesh.seed, MillisToJson(result.crash),
      MillisToJson(result.silence), result.unnoticed, result.false_downs,
      absl::ToDoubleHours(result.simulated));
}

}  // namespace trellis::simulation
