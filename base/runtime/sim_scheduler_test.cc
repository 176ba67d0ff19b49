#include "base/runtime/sim_scheduler.h"

#include <map>
#include <utility>
#include <vector>

#include "base/runtime/random.h"
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

TEST(SimSchedulerTest, AnOldIdDoesNotCancelWhoTookItsPlace) {
  SimScheduler scheduler;
  int ran = 0;
  const auto old = scheduler.RunAfter(absl::Seconds(1), [] {});
  EXPECT_TRUE(scheduler.Cancel(old));
  scheduler.RunAfter(absl::Seconds(1), [&] { ++ran; });
  EXPECT_FALSE(scheduler.Cancel(old));
  EXPECT_FALSE(scheduler.Cancel(Scheduler::TimerId::kNone));
  scheduler.RunFor(absl::Seconds(1));
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(scheduler.Step());
}

TEST(SimSchedulerTest, ManyTimersArmedAndCancelledRunAsASortedListWould) {
  SimScheduler scheduler;
  SeededRandom random(1);
  std::map<std::pair<int64_t, int>, Scheduler::TimerId> expected;  // Due and when armed.
  std::vector<int> ran, wanted;
  for (int i = 0; i < 20000; ++i) {
    const int64_t due = static_cast<int64_t>(random.Uniform(500));
    expected[{due, i}] = scheduler.RunAfter(absl::Seconds(due), [&ran, i] { ran.push_back(i); });
    if (i % 4 == 0) continue;  // Most are cancelled, so the heap is swept.
    auto victim = expected.lower_bound({static_cast<int64_t>(random.Uniform(500)), 0});
    if (victim == expected.end()) victim = expected.begin();
    EXPECT_TRUE(scheduler.Cancel(victim->second));
    expected.erase(victim);
  }
  for (const auto& [due, timer] : expected) wanted.push_back(due.second);
  scheduler.RunFor(absl::Seconds(500));
  EXPECT_EQ(ran, wanted);
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
