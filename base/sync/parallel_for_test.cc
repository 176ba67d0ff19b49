#include "base/sync/parallel_for.h"

#include <atomic>
#include <vector>

#include "gtest/gtest.h"

namespace trellis {
namespace {

class ParallelForTest : public testing::TestWithParam<size_t> {};

TEST_P(ParallelForTest, EachRoundIsRunOnce) {
  std::vector<int> runs(GetParam());
  std::atomic<size_t> all{0};
  ParallelFor(runs.size(), [&](size_t i) {
    ++runs[i];
    ++all;
  });
  EXPECT_EQ(all.load(), runs.size());
  for (const int times : runs) EXPECT_EQ(times, 1);
}

INSTANTIATE_TEST_SUITE_P(Counts, ParallelForTest,
                         testing::Values(0, 1, kWorthThreads - 1, kWorthThreads,
                                         10 * kWorthThreads + 7));

TEST(ParallelForTest, AFewRoundsStayOnTheCallersThread) {
  const std::vector<int>* const self = nullptr;
  thread_local const std::vector<int>* seen = self;
  std::vector<int> mark;
  seen = &mark;
  ParallelFor(kWorthThreads - 1, [&](size_t) { EXPECT_EQ(seen, &mark); });
}

}  // namespace
}  // namespace trellis
