#include "node/agent/pacer.h"

#include <optional>
#include <vector>

#include "base/runtime/sim_scheduler.h"
#include "gtest/gtest.h"

namespace trellis::agent {
namespace {

// A task that takes some simulated time and notes when it began.
class PacerTest : public testing::Test {
 protected:
  SimScheduler scheduler_;
  absl::Duration takes_ = absl::Milliseconds(10);
  std::vector<int64_t> begun_ms_;
  std::optional<Pacer> pacer_{
      std::in_place, scheduler_, [this] {
        begun_ms_.push_back(absl::ToInt64Milliseconds(scheduler_.MonotonicNow()));
        scheduler_.RunFor(takes_);
      }};
};

TEST_F(PacerTest, RunsOnceForAllWhoAsked) {
  pacer_->Schedule();
  pacer_->Schedule();
  EXPECT_TRUE(begun_ms_.empty());
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_EQ(begun_ms_, (std::vector<int64_t>{0}));
}

TEST_F(PacerTest, WaitsForNothingAfterARest) {
  pacer_->Schedule();
  scheduler_.RunFor(absl::Milliseconds(100));
  pacer_->Schedule();
  scheduler_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(begun_ms_.size(), 2u);
}

TEST_F(PacerTest, TakesAQuarterOfTheTimeWhenAskedAllTheTime) {
  for (int i = 0; i < 400; ++i) {
    pacer_->Schedule();
    scheduler_.RunFor(absl::Milliseconds(1));
  }
  ASSERT_GE(begun_ms_.size(), 3u);
  EXPECT_GE(begun_ms_[1], 40);
  EXPECT_GE(begun_ms_[2], 80);
  EXPECT_LE(begun_ms_[2], 82);
}

TEST_F(PacerTest, NeverRestsForLongerThanASecond) {
  takes_ = absl::Seconds(5);
  pacer_->Run();
  pacer_->Schedule();
  scheduler_.RunFor(absl::Milliseconds(999));
  EXPECT_EQ(begun_ms_.size(), 1u);
  scheduler_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(begun_ms_.size(), 2u);
}

TEST_F(PacerTest, WithMoreToComeItKeepsTheWholeRestUntilAskedWithout) {
  pacer_->Schedule(/*more_to_come=*/true);
  scheduler_.RunFor(absl::Milliseconds(10));
  EXPECT_EQ(begun_ms_.size(), 1u);
  for (int i = 0; i < 3; ++i) {
    pacer_->Schedule(/*more_to_come=*/true);
    scheduler_.RunFor(absl::Milliseconds(200));
  }
  EXPECT_EQ(begun_ms_.size(), 1u);
  pacer_->Schedule();
  scheduler_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(begun_ms_.size(), 2u);
  pacer_->Schedule(/*more_to_come=*/true);
  scheduler_.RunFor(Pacer::kMaxRest + takes_);
  EXPECT_EQ(begun_ms_.size(), 3u);
}

TEST_F(PacerTest, RunServesWhoAskedBefore) {
  pacer_->Schedule();
  pacer_->Run();
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_EQ(begun_ms_.size(), 1u);
}

TEST_F(PacerTest, DestroyedBeforeItsTurnItDoesNotRun) {
  pacer_->Schedule();
  pacer_.reset();
  scheduler_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(begun_ms_.empty());
}

}  // namespace
}  // namespace trellis::agent
