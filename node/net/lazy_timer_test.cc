#include "node/net/lazy_timer.h"

#include <memory>

#include "base/runtime/sim_scheduler.h"
#include "gtest/gtest.h"

namespace trellis::net {
namespace {

class LazyTimerTest : public testing::Test {
 protected:
  SimScheduler scheduler_;
  int fired_ = 0;
  LazyTimer timer_{scheduler_, [this] { ++fired_; }};
};

TEST_F(LazyTimerTest, FiresOnceAtTheDeadline) {
  timer_.Set(absl::Seconds(5));
  scheduler_.RunFor(absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_EQ(fired_, 0);
  scheduler_.RunFor(absl::Seconds(60));
  EXPECT_EQ(fired_, 1);
}

TEST_F(LazyTimerTest, PushedBackFiresAtTheLastDeadline) {
  for (int i = 0; i < 10; ++i) {
    timer_.Set(absl::Seconds(5));
    scheduler_.RunFor(absl::Seconds(4));
  }
  EXPECT_EQ(fired_, 0);
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_EQ(fired_, 1);
}

TEST_F(LazyTimerTest, BroughtForwardFiresEarly) {
  timer_.Set(absl::Seconds(60));
  timer_.Set(absl::Seconds(1));
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_EQ(fired_, 1);
  scheduler_.RunFor(absl::Seconds(60));
  EXPECT_EQ(fired_, 1);
}

TEST_F(LazyTimerTest, ClearedDoesNotFireUntilSetAgain) {
  timer_.Set(absl::Seconds(5));
  timer_.Clear();
  scheduler_.RunFor(absl::Seconds(60));
  EXPECT_EQ(fired_, 0);
  timer_.Set(absl::Seconds(5));
  scheduler_.RunFor(absl::Seconds(5));
  EXPECT_EQ(fired_, 1);
}

TEST_F(LazyTimerTest, MayDestroyItselfWhenItFires) {
  std::unique_ptr<LazyTimer> mortal;
  mortal = std::make_unique<LazyTimer>(scheduler_, [&] { mortal.reset(); });
  mortal->Set(absl::Seconds(1));
  scheduler_.RunFor(absl::Seconds(2));
  EXPECT_EQ(mortal, nullptr);
}

}  // namespace
}  // namespace trellis::net
