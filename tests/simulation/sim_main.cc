// tools/sim: as many random histories as asked for, one line for each that broke an invariant.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "tests/simulation/convergence.h"
#include "tests/simulation/heal_measure.h"
#include "tests/simulation/liveness_measure.h"
#include "tests/simulation/percentile.h"
#include "tests/simulation/scenario.h"

namespace trellis::simulation {
namespace {

constexpr uint64_t kMaxNodes = 10000;

struct Flags {
  std::string measure;  // What; empty: nothing, histories are run.
  bool json = false;
  uint64_t first_seed = 1;
  uint64_t seeds = 200;
  uint64_t nodes = 0;   // 0: as the seed says; 500 where something is measured.
  uint64_t writes = 0;  // 0: as what is measured says.
  uint64_t minutes = 10;
  uint64_t regions = 1;
  uint64_t loss_percent = 0;
  uint64_t crashed_percent = 0;
};

void PrintUsage() {
  std::fprintf(stderr,
               "usage: tools/sim [--seeds N] [--nodes N] [--first-seed S]\n"
               "       tools/sim --measure convergence|liveness|heal [--nodes N] [--writes N]\n"
               "                 [--loss PERCENT] [--crashed PERCENT] [--regions N] [--minutes N]\n"
               "                 [--first-seed S] [--json]\n"
               "tools/sim --help says more\n");
}

bool ParseFlags(int argc, char** argv, Flags* flags) {
  struct Number {
    uint64_t* value;
    uint64_t least, most;
  };
  const std::map<absl::string_view, Number> numbers = {
      {"--first-seed", {&flags->first_seed, 0, UINT64_MAX}},
      {"--seeds", {&flags->seeds, 1, UINT64_MAX}},
      {"--nodes", {&flags->nodes, 1, kMaxNodes}},
      {"--writes", {&flags->writes, 1, 1000000}},
      {"--minutes", {&flags->minutes, 1, 100000}},
      {"--regions", {&flags->regions, 1, 100}},
      {"--loss", {&flags->loss_percent, 0, 100}},
      {"--crashed", {&flags->crashed_percent, 0, 90}},
  };
  for (int i = 1; i < argc; ++i) {
    const absl::string_view flag = argv[i];
    const absl::string_view value = i + 1 < argc ? argv[i + 1] : "";
    const auto number = numbers.find(flag);
    if (flag == "--json") {
      flags->json = true;
      continue;
    }
    uint64_t given = 0;
    if (flag == "--measure" && (value == "convergence" || value == "liveness" || value == "heal")) {
      flags->measure = std::string(value);
    } else if (number != numbers.end() && absl::SimpleAtoi(value, &given) &&
               given >= number->second.least && given <= number->second.most) {
      *number->second.value = given;
    } else {
      std::fprintf(stderr, "%s %s: unknown flag, or its value is out of range\n", argv[i],
                   std::string(value).c_str());
      return false;
    }
    ++i;
  }
  return true;
}

template <typename Options, typename Result>
int Report(const Flags& flags, const Options& options, const Result& result, bool good) {
  std::fputs((flags.json ? ToJson(options, result) : Describe(options, result)).c_str(), stdout);
  return good ? 0 : 1;
}

int Measure(const Flags& flags) {
  SetMinLogSeverity(LogSeverity::FATAL);
  MeasuredMesh::Options mesh;
  mesh.seed = flags.first_seed;
  if (flags.nodes > 0) mesh.nodes = static_cast<int>(flags.nodes);
  mesh.loss = static_cast<double>(flags.loss_percent) / 100;
  mesh.regions = static_cast<int>(flags.regions);
  if (flags.measure == "liveness") {
    LivenessOptions options = {.mesh = mesh};
    options.watched = absl::Minutes(flags.minutes);
    const LivenessResult result = MeasureLiveness(options);
    return Report(flags, options, result, result.unnoticed == 0 && result.false_downs == 0);
  }
  if (flags.measure == "heal") {
    HealOptions options = {.mesh = mesh};
    if (flags.writes > 0) options.writes = static_cast<int>(flags.writes);
    options.cut = absl::Minutes(flags.minutes);
    const HealResult result = MeasureHeal(options);
    return Report(flags, options, result, result.healed);
  }
  ConvergenceOptions options = {.mesh = mesh};
  if (flags.writes > 0) options.writes = static_cast<int>(flags.writes);
  options.crashed = static_cast<double>(flags.crashed_percent) / 100;
  const ConvergenceResult result = MeasureConvergence(options);
  return Report(flags, options, result, result.incomplete == 0);
}

int RunSeeds(const Flags& flags) {
  SetMinLogSeverity(flags.seeds == 1 ? LogSeverity::INFO : LogSeverity::FATAL);
  uint64_t failed = 0;
  uint64_t writes = 0;
  absl::Duration simulated;
  std::vector<absl::Duration> convergences;
  const uint64_t report_each = std::max<uint64_t>(flags.seeds / 20, 1);
  for (uint64_t done = 0; done < flags.seeds; ++done) {
    const uint64_t seed = flags.first_seed + done;
    const int nodes = flags.nodes > 0 ? static_cast<int>(flags.nodes) : NodesFor(seed);
    const ScenarioResult result = RunScenario(seed, nodes);
    for (const std::string& violation : result.violations) {
      std::printf("VIOLATION %s\n", violation.c_str());
    }
    if (!result.violations.empty()) {
      ++failed;
      std::printf("%s\n", result.replay_hint.c_str());
    }
    simulated += result.simulated;
    writes += result.acknowledged_writes;
    convergences.push_back(result.convergence);
    if ((done + 1) % report_each == 0) {
      std::printf(
          "%llu of %llu seeds, %llu with violations\n", static_cast<unsigned long long>(done + 1),
          static_cast<unsigned long long>(flags.seeds), static_cast<unsigned long long>(failed));
      std::fflush(stdout);
    }
  }
  std::sort(convergences.begin(), convergences.end());
  std::printf(
      "%llu seeds, %llu with violations; %.2f simulated hours, %llu acknowledged writes; "
      "convergence after mending %s\n",
      static_cast<unsigned long long>(flags.seeds), static_cast<unsigned long long>(failed),
      absl::ToDoubleHours(simulated), static_cast<unsigned long long>(writes),
      DescribeMillis(convergences).c_str());
  return failed == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  Flags flags;
  if (!ParseFlags(argc, argv, &flags)) {
    PrintUsage();
    return 2;
  }
  return flags.measure.empty() ? RunSeeds(flags) : Measure(flags);
}

}  // namespace
}  // namespace trellis::simulation

int main(int argc, char** argv) { return trellis::simulation::Main(argc, argv); }
