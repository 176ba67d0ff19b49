#include "tests/benchmark/measuring.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace trellis::benchmark {

double MillisBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

std::string Samples::ToJson() const {
  std::string json = absl::StrCat("{\"count\": ", values_.size());
  if (!values_.empty()) {
    std::vector<double> sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    const auto percentile = [&](double p) {
      return sorted[std::min(sorted.size() - 1, static_cast<size_t>(p * sorted.size()))];
    };
    absl::StrAppendFormat(&json, ", \"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"max\": %.2f",
                          percentile(0.50), percentile(0.90), percentile(0.99), sorted.back());
  }
  return json + "}";
}

Flags::Flags(int argc, char** argv, std::map<std::string, std::string> defaults)
    : program_(argv[0]), values_(std::move(defaults)) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    absl::string_view name = parts.first;
    if (!absl::ConsumePrefix(&name, "--") || values_.count(std::string(name)) == 0) {
      Fail(absl::StrCat("\"", argument, "\" is not an option; see the source's first lines"));
    }
    values_[std::string(name)] = std::string(parts.second);
  }
  for (const auto& [name, value] : values_) {
    if (value.empty()) Fail(absl::StrCat("--", name, " is required"));
  }
}

std::vector<std::string> Flags::List(const std::string& name) const {
  return absl::StrSplit(Text(name), ',', absl::SkipEmpty());
}

int Flags::Number(const std::string& name) const {
  int number = 0;
  if (!absl::SimpleAtoi(Text(name), &number) || number < 1) {
    Fail(absl::StrCat("--", name, ": \"", Text(name), "\" is not a number of at least 1"));
  }
  return number;
}

void Flags::Fail(absl::string_view words) const {
  std::fprintf(stderr, "%s: %s\n", program_.c_str(), std::string(words).c_str());
  std::exit(2);
}

std::shared_ptr<grpc::Channel> DialAdmin(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("unix:", socket),
                                   grpc::InsecureChannelCredentials(), arguments);
}

std::string MeshTokenOf(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("x-mesh-token");
  return found == trailers.end() ? "" : std::string(found->second.data(), found->second.size());
}

}  // namespace trellis::benchmark
