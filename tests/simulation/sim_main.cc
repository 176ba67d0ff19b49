// tools/sim: as many random histories as asked for, one line for each that broke an invariant.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "tests/simulation/scenario.h"

namespace trellis::simulation {
namespace {

constexpr int kMaxNodes = 1000;

struct Flags {
  uint64_t first_seed = 1;
  uint64_t seeds = 200;
  int nodes = 0;  // 0: 3 to 8, by seed.
};

void PrintUsage() {
  std::fprintf(stderr,
               "usage: tools/sim [--seeds N] [--nodes N] [--first-seed S]\n"
               "  --seeds N       how many random histories to run (200)\n"
               "  --nodes N       agents in each, 1 to %d (3 to 8, by seed)\n"
               "  --first-seed S  the first seed; the others follow it (1)\n",
               kMaxNodes);
}

bool ParseFlags(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; i += 2) {
    const absl::string_view flag = argv[i];
    uint64_t value = 0;
    if (i + 1 == argc || !absl::SimpleAtoi(argv[i + 1], &value)) {
      std::fprintf(stderr, "%s: wanted a number after it\n", argv[i]);
      return false;
    }
    if (flag == "--seeds") {
      flags->seeds = value;
    } else if (flag == "--first-seed") {
      flags->first_seed = value;
    } else if (flag == "--nodes" && value >= 1 && value <= kMaxNodes) {
      flags->nodes = static_cast<int>(value);
    } else {
      std::fprintf(stderr, "%s %s: unknown flag or value out of range\n", argv[i], argv[i + 1]);
      return false;
    }
  }
  return true;
}

double MillisAt(const std::vector<absl::Duration>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const size_t index = static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1));
  return absl::ToDoubleMilliseconds(sorted[index]);
}

int Main(int argc, char** argv) {
  Flags flags;
  if (!ParseFlags(argc, argv, &flags)) {
    PrintUsage();
    return 2;
  }
  SetMinLogSeverity(flags.seeds == 1 ? LogSeverity::INFO : LogSeverity::FATAL);
  uint64_t failed = 0;
  uint64_t writes = 0;
  absl::Duration simulated;
  std::vector<absl::Duration> convergences;
  const uint64_t report_each = std::max<uint64_t>(flags.seeds / 20, 1);
  for (uint64_t done = 0; done < flags.seeds; ++done) {
    const uint64_t seed = flags.first_seed + done;
    const int nodes = flags.nodes > 0 ? flags.nodes : 3 + static_cast<int>(seed % 6);
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

}  // namespace
}  // namespace trellis::simulation

int main(int argc, char** argv) { return trellis::simulation::Main(argc, argv); }
