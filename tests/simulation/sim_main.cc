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
#include "tests/simulation/scenario.h"

namespace trellis::simulation {
namespace {

constexpr uint64_t kMaxNodes = 10000;

struct Flags {
  bool measure = false;
  bool json = false;
  uint64_t first_seed = 1;
  uint64_t seeds = 200;
  uint64_t nodes = 0;  // 0: as the seed says; 500 where convergence is measured.
  uint64_t writes = 100;
  uint64_t loss_percent = 0;
  uint64_t crashed_percent = 0;
};

void PrintUsage() {
  std::fprintf(stderr,
               "usage: tools/sim [--seeds N] [--nodes N] [--first-seed S]\n"
               "       tools/sim --measure convergence [--nodes N] [--writes N] [--loss PERCENT]\n"
               "                 [--crashed PERCENT] [--first-seed S] [--json]\n"
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
    if (flag == "--measure" && value == "convergence") {
      flags->measure = true;
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

int Measure(const Flags& flags) {
  SetMinLogSeverity(LogSeverity::FATAL);
  ConvergenceOptions options;
  options.seed = flags.first_seed;
  if (flags.nodes > 0) options.nodes = static_cast<int>(flags.nodes);
  options.writes = static_cast<int>(flags.writes);
  options.loss = static_cast<double>(flags.loss_percent) / 100;
  options.crashed = static_cast<double>(flags.crashed_percent) / 100;
  const ConvergenceResult result = MeasureConvergence(options);
  std::fputs((flags.json ? ToJson(options, result) : Describe(options, result)).c_str(), stdout);
  return result.incomplete == 0 ? 0 : 1;
}

double MillisAt(const std::vector<absl::Duration>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const size_t index = static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1));
  return absl::ToDoubleMilliseconds(sorted[index]);
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
      "convergence after mending p50 %.0f ms, p90 %.0f ms, p99 %.0f ms, max %.0f ms\n",
      static_cast<unsigned long long>(flags.seeds), static_cast<unsigned long long>(failed),
      absl::ToDoubleHours(simulated), static_cast<unsigned long long>(writes),
      MillisAt(convergences, 0.5), MillisAt(convergences, 0.9), MillisAt(convergences, 0.99),
      MillisAt(convergences, 1.0));
  return failed == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  Flags flags;
  if (!ParseFlags(argc, argv, &flags)) {
    PrintUsage();
    return 2;
  }
  return flags.measure ? Measure(flags) : RunSeeds(flags);
}

}  // namespace
}  // namespace trellis::simulation

int main(int argc, char** argv) { return trellis::simulation::Main(argc, argv); }
