#include "node/net/timer_queue.h"

#include <vector>

#include "gtest/gtest.h"

namespace trellis::net {
namespace {

class TimerQueueTest : public testing::Test {
 protected:
  TimerQueue::TimerId Add(int64_t due, int label) {
    return timers_.Add(due, [this, label] { ran_.push_back(label); });
  }
  void RunDue(int64_t now) {
    const TimerQueue::Mark mark = timers_.NextMark();
    while (TimerQueue::Task task = timers_.TakeDue(now, mark)) task();
  }

  TimerQueue timers_;
  std::vector<int> ran_;
};

TEST_F(TimerQueueTest, RunInOrderOfDueTimeThenOfArming) {
  Add(30, 3);
  Add(10, 1);
  Add(20, 2);
  Add(10, 11);
  EXPECT_EQ(timers_.NextDue(), 10);
  RunDue(20);
  EXPECT_EQ(ran_, (std::vector<int>{1, 11, 2}));
  RunDue(30);
  EXPECT_EQ(ran_.back(), 3);
  EXPECT_EQ(timers_.NextDue(), TimerQueue::kNever);
}

TEST_F(TimerQueueTest, CancelledDoesNotRunAndCannotBeCancelledTwice) {
  const TimerQueue::TimerId timer = Add(10, 1);
  EXPECT_TRUE(timers_.Cancel(timer));
  EXPECT_FALSE(timers_.Cancel(timer));
  EXPECT_FALSE(timers_.Cancel(TimerQueue::TimerId::kNone));
  RunDue(100);
  EXPECT_TRUE(ran_.empty());
}

TEST_F(TimerQueueTest, ArmedByADueTimerWaitsForTheNextRound) {
  timers_.Add(10, [this] { Add(10, 2); });
  RunDue(10);
  EXPECT_TRUE(ran_.empty());
  RunDue(10);
  EXPECT_EQ(ran_, std::vector<int>{2});
}

TEST_F(TimerQueueTest, CancellingForeverKeepsTheHeapSmall) {
  Add(1'000'000, 7);
  for (int i = 0; i < 10'000; ++i) timers_.Cancel(Add(500'000 + i, i));
  EXPECT_EQ(timers_.size(), 1u);
  EXPECT_LE(timers_.heap_size(), 64u);
  RunDue(1'000'000);
  EXPECT_EQ(ran_, std::vector<int>{7});
}

}  // namespace
}  // namespace trellis::net
