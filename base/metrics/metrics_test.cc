#include "base/metrics/metrics.h"

#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace trellis::metrics {
namespace {

TEST(Registry, CountersOfEqualNameAndLabelsAreSummed) {
  Registry registry;
  Counter worker_0, worker_1, other_port;
  registry.Add("trellis_requests_total", "Requests\nbegun.", {{"port", "80"}}, &worker_0);
  registry.Add("trellis_requests_total", "Another text.", {{"port", "80"}}, &worker_1);
  registry.Add("trellis_requests_total", "", {{"port", "443"}, {"vpc", "a\\\"\n"}}, &other_port);
  worker_0.Add();
  worker_1.Add(41);
  EXPECT_EQ(registry.Render(),
            "# HELP trellis_requests_total Requests\\nbegun.\n"
            "# TYPE trellis_requests_total counter\n"
            "trellis_requests_total{port=\"443\",vpc=\"a\\\\\\\"\\n\"} 0\n"
            "trellis_requests_total{port=\"80\"} 42\n");
}

TEST(Registry, FamiliesComeInOrderOfNames) {
  Registry registry;
  Gauge open;
  Counter begun;
  registry.Add("b_open", "Open.", {}, &open);
  registry.Add("a_total", "Begun.", {}, &begun);
  open.Add(3);
  open.Add(-5);
  EXPECT_EQ(registry.Render(),
            "# HELP a_total Begun.\n# TYPE a_total counter\na_total 0\n"
            "# HELP b_open Open.\n# TYPE b_open gauge\nb_open -2\n");
}

TEST(Registry, HistogramsAreCumulativeAndEndInInfinity) {
  Registry registry;
  Histogram worker_0, worker_1;
  registry.Add("latency_seconds", "Latency.", {{"port", "80"}}, &worker_0);
  registry.Add("latency_seconds", "Latency.", {{"port", "80"}}, &worker_1);
  worker_0.Record(absl::Microseconds(16));
  worker_0.Record(absl::Microseconds(17));
  worker_1.Record(absl::Hours(1));
  const std::string text = registry.Render();
  for (const absl::string_view line : {
           "# TYPE latency_seconds histogram\n",
           "latency_seconds_bucket{port=\"80\",le=\"1.6e-05\"} 1\n",
           "latency_seconds_bucket{port=\"80\",le=\"2.4e-05\"} 2\n",
           "latency_seconds_bucket{port=\"80\",le=\"+Inf\"} 3\n",
           "latency_seconds_sum{port=\"80\"} 3600\n",
           "latency_seconds_count{port=\"80\"} 3\n",
       }) {
    EXPECT_TRUE(absl::StrContains(text, line)) << line << "in\n" << text;
  }
}

TEST(Registry, OneNameWithTwoTypesIsABug) {
  Registry registry;
  Counter counter;
  Gauge gauge;
  registry.Add("x", "", {}, &counter);
  EXPECT_DEATH(registry.Add("x", "", {}, &gauge), "metric x has two types");
}

TEST(Histogram, EveryDurationFallsIntoTheFirstBucketThatHoldsIt) {
  absl::Duration below = -absl::InfiniteDuration();
  for (size_t i = 0; i < Histogram::kBuckets; ++i) {
    const absl::Duration bound = Histogram::UpperBound(i);
    ASSERT_GT(bound, below);
    Histogram histogram;
    histogram.Record(i + 1 == Histogram::kBuckets ? absl::Hours(24) : bound);
    histogram.Record(i == 0 ? -absl::Seconds(1) : below + absl::Nanoseconds(1));
    EXPECT_EQ(histogram.count(i), 2u) << bound;
    below = bound;
  }
  EXPECT_GT(Histogram::UpperBound(Histogram::kBuckets - 2), absl::Minutes(1));
}

TEST(Counter, IsReadWhileItsWorkerWrites) {
  constexpr uint64_t kEvents = 100000;
  Registry registry;
  Counter counter;
  registry.Add("events_total", "", {}, &counter);
  std::thread worker([&counter] {
    for (uint64_t i = 0; i < kEvents; ++i) counter.Add();
  });
  uint64_t seen = 0;
  while (seen < kEvents) {
    const uint64_t now = counter.value();
    ASSERT_GE(now, seen);
    seen = now;
    registry.Render();
  }
  worker.join();
  EXPECT_EQ(counter.value(), kEvents);
}

}  // namespace
}  // namespace trellis::metrics
