// What the benchmarks of this folder share: flags, samples, and calls to an agent's admin socket.
#ifndef TRELLIS_TESTS_BENCHMARK_MEASURING_H_
#define TRELLIS_TESTS_BENCHMARK_MEASURING_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace trellis::benchmark {

using Clock = std::chrono::steady_clock;

double MillisBetween(Clock::time_point from, Clock::time_point to);

// Durations in milliseconds. Thread-safety: none.
class Samples {
 public:
  void Add(double millis) { values_.push_back(millis); }
  // {"count": 200, "p50": 1.23, "p90": …, "p99": …, "max": …}; only the count when there are none.
  std::string ToJson() const;

 private:
  std::vector<double> values_;
};

// --name=value arguments over their defaults. A wrong one, or one without a default that is missing
// (""), ends the program with status 2 and words.
class Flags {
 public:
  Flags(int argc, char** argv, std::map<std::string, std::string> defaults);

  const std::string& Text(const std::string& name) const { return values_.at(name); }
  std::vector<std::string> List(const std::string& name) const;  // Separated by commas.
  int Number(const std::string& name) const;                     // At least 1.

 private:
  [[noreturn]] void Fail(absl::string_view words) const;

  const std::string program_;
  std::map<std::string, std::string> values_;
};

// To the agent that serves this Unix socket; a connection of its own.
std::shared_ptr<grpc::Channel> DialAdmin(const std::string& socket);

// The token, in the answer's trailers, by which to wait for the write it acknowledged.
std::string MeshTokenOf(const grpc::ClientContext& context);

}  // namespace trellis::benchmark

#endif  // TRELLIS_TESTS_BENCHMARK_MEASURING_H_
