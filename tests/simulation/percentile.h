#ifndef TRELLIS_TESTS_SIMULATION_PERCENTILE_H_
#define TRELLIS_TESTS_SIMULATION_PERCENTILE_H_

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace trellis::simulation {

// Of `sorted`, in milliseconds; 0 of nothing.
inline double MillisAt(const std::vector<absl::Duration>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  return absl::ToDoubleMilliseconds(
      sorted[static_cast<size_t>(quantile * static_cast<double>(sorted.size() - 1) + 0.5)]);
}

// For people.
inline std::string DescribeMillis(const std::vector<absl::Duration>& sorted) {
  return absl::StrFormat("p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms",
                         MillisAt(sorted, 0.5), MillisAt(sorted, 0.9), MillisAt(sorted, 0.99),
                         MillisAt(sorted, 1));
}

// An object of JSON.
inline std::string MillisToJson(const std::vector<absl::Duration>& sorted) {
  return absl::StrFormat(R"({"p50": %.2f, "p90": %.2f, "p99": %.2f, "max": %.2f})",
                         MillisAt(sorted, 0.5), MillisAt(sorted, 0.9), MillisAt(sorted, 0.99),
                         MillisAt(sorted, 1));
}

}  // namespace trellis::simulation

#endif  // TRELLIS_TESTS_SIMULATION_PERCENTILE_H_
