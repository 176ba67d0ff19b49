#include "base/runtime/sim_scheduler.h"

#include <vector>

#include "gtest/gtest.h"

namespace trellis {
namespace {

TEST(SimSchedulerTest, RunsInOrderOfDueTimeThenOfArming) {
  SimScheduler scheduler;
  std::vector<int> order;
  scheduler.RunAfter(absl::Seconds(2), [&] { order.push_back(3); });
  scheduler.RunAfter(absl::Seconds(1), [&] { order.push_back(1); });
  scheduler.RunAfter(absl::Seconds(1), [&] { order.push_back(2); });
  scheduler.RunFor(absl::Seconds(2));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(SimSchedulerTest, CancelledTimerNeverRuns) {
  SimScheduler scheduler;
  bool ran = false;
  const auto timer = scheduler.RunAfter(absl::Seconds(1), [&] { ran = true; });
  EXPECT_TRUE(scheduler.Cancel(timer));
  EXPECT_FALSE(scheduler.Cancel(timer));
  scheduler.RunFor(absl::Seconds(5));
  EXPECT_FALSE(ran);
}

TEST(SimSchedulerTest, TaskPostedInATaskRunsAfterItReturns) {
  SimScheduler scheduler;
  std::vector<int> order;
  scheduler.Post([&] {
    scheduler.Post([&] { order.push_back(2); });
    order.push_back(1);
  });
  scheduler.RunFor(absl::ZeroDuration());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(SimSchedulerTest, WallAndMonotonicTimeAdvanceTogether) {
  SimScheduler scheduler;
  const absl::Time start = scheduler.WallNow();
  scheduler.RunFor(absl::Hours(1));
  EXPECT_EQ(scheduler.WallNow() - start, absl::Hours(1));
  EXPECT_EQ(scheduler.MonotonicNow(), absl::Hours(1));
}

}  // namespace
}  // namespace trellis
