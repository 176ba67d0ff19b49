// The models themselves: what the simulator claims to do to frames, timers and clocks.
#include <memory>
#include <vector>

#include "gossip/transport/recording_receiver.h"
#include "gtest/gtest.h"
#include "tests/simulation/node_scheduler.h"
#include "tests/simulation/sim_transport.h"

namespace trellis::simulation {
namespace {

constexpr NodeId kOne = 1, kOther = 2;

// Two linked nodes, one millisecond apart.
class SimModels : public testing::Test {
 protected:
  SimModels() {
    network_.set_latency(
        {.least = absl::Milliseconds(1), .most = absl::Milliseconds(1), .jitter = 0});
    for (const NodeId node : {kOne, kOther}) {
      transports_.push_back(network_.Attach(node));
      transports_.back()->SetReceiver(&receivers_[node - 1]);
    }
    transports_[0]->SetPeers({{kOther, "sim:7950"}});
    scheduler_.RunFor(absl::Seconds(1));
  }

  void Send(int count) {
    for (int i = 0; i < count; ++i) {
      peer::v1::Frame frame;
      frame.mutable_heartbeat()->set_wall_micros(i + 1);
      ASSERT_TRUE(transports_[0]->Send(kOther, frame));
    }
  }
  size_t ArrivedAfter(absl::Duration duration) {
    scheduler_.RunFor(duration);
    return receivers_[1].frames.size();
  }

  SimScheduler scheduler_;
  SimNetwork network_{scheduler_, /*seed=*/1};
  gossip::RecordingReceiver receivers_[2];
  std::vector<std::unique_ptr<SimTransport>> transports_;
};

TEST_F(SimModels, AFrameTakesItsLatency) {
  Send(1);
  EXPECT_EQ(ArrivedAfter(absl::Microseconds(999)), 0u);
  EXPECT_EQ(ArrivedAfter(absl::Microseconds(1)), 1u);
}

TEST_F(SimModels, ALostPacketHoldsBackAllBehindIt) {
  network_.set_faults({.stall = 1});
  Send(1);
  network_.set_faults({});
  Send(2);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(200)), 0u);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(2)), 3u);
}

TEST_F(SimModels, WorkIsDoneOneFrameAfterTheOther) {
  network_.set_work({.payload = {}, .other = absl::Milliseconds(10)});
  Send(3);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(12)), 1u);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(10)), 2u);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(10)), 3u);
}

TEST_F(SimModels, ASlowHostTakesItsTimeForEveryFrame) {
  network_.SetSlow(kOther, absl::Milliseconds(50));
  Send(2);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(50)), 0u);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(52)), 2u);
}

TEST_F(SimModels, WhatAFrozenProcessMissesComesAllAtOnce) {
  network_.Freeze(kOther, scheduler_.MonotonicNow() + absl::Seconds(9));
  Send(3);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(8999)), 0u);
  EXPECT_EQ(ArrivedAfter(absl::Milliseconds(1)), 3u);
  EXPECT_EQ(receivers_[1].downs, 0);
}

TEST_F(SimModels, OfAForgottenLinkNobodyIsTold) {
  network_.Forget(kOne, kOther);
  Send(3);
  EXPECT_EQ(ArrivedAfter(absl::Minutes(1)), 0u);
  EXPECT_EQ(receivers_[0].downs, 0);
  EXPECT_EQ(receivers_[1].downs, 0);
}

TEST_F(SimModels, ACutBreaksTheLinkWhenRetriesRunOut) {
  network_.Cut(kOne, kOther);
  Send(1);
  EXPECT_EQ(ArrivedAfter(absl::Seconds(4)), 0u);
  EXPECT_EQ(receivers_[0].downs, 0);
  EXPECT_EQ(ArrivedAfter(absl::Seconds(2)), 0u);
  EXPECT_EQ(receivers_[0].downs, 1);
}

TEST_F(SimModels, TheTrafficIsCounted) {
  const Traffic before = network_.traffic();
  peer::v1::Frame frame;
  frame.mutable_push()->add_deltas()->add_entries();
  frame.mutable_push()->add_deltas()->add_entries();
  ASSERT_TRUE(transports_[0]->Send(kOther, frame));
  EXPECT_EQ(ArrivedAfter(absl::Seconds(1)), 1u);
  EXPECT_EQ(network_.traffic().frames, before.frames + 1);
  EXPECT_EQ(network_.traffic().bytes, before.bytes + frame.ByteSizeLong());
  EXPECT_EQ(network_.traffic().entries, before.entries + 2);
}

TEST(LatencyModelTest, IsTheSameBothWaysAndWithinItsSpan) {
  const LatencyModel model = {.regions = 3, .between_regions = absl::Milliseconds(75)};
  int far = 0;
  for (NodeId node = 1; node <= 100; ++node) {
    const absl::Duration there = model.OneWay(7, node, node + 1);
    EXPECT_EQ(there, model.OneWay(7, node + 1, node));
    const bool is_far = there >= model.between_regions;
    EXPECT_LE(there, model.most + (is_far ? model.between_regions : absl::ZeroDuration()));
    EXPECT_GE(there, model.least);
    far += is_far;
  }
  EXPECT_GT(far, 40);
  EXPECT_LT(far, 90);
}

TEST(NodeSchedulerTest, TimersOfAFrozenProcessWaitAndMayStillBeCancelled) {
  SimScheduler world;
  const SimClock clock;
  NodeScheduler scheduler(world, clock);
  std::vector<int> ran;
  scheduler.RunAfter(absl::Seconds(1), [&] { ran.push_back(1); });
  const auto cancelled = scheduler.RunAfter(absl::Seconds(2), [&] { ran.push_back(2); });
  scheduler.RunAfter(absl::Seconds(3), [&] { ran.push_back(3); });
  scheduler.Freeze(absl::Seconds(5));
  world.RunFor(absl::Seconds(4));
  EXPECT_TRUE(ran.empty());
  EXPECT_TRUE(scheduler.Cancel(cancelled));
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(ran, (std::vector<int>{1, 3}));
}

TEST(NodeSchedulerTest, TimersDieWithTheProcess) {
  SimScheduler world;
  const SimClock clock;
  bool ran = false;
  {
    NodeScheduler scheduler(world, clock);
    scheduler.RunAfter(absl::Seconds(1), [&] { ran = true; });
    scheduler.Freeze(absl::Seconds(2));
  }
  world.RunFor(absl::Seconds(3));
  EXPECT_FALSE(ran);
}

TEST(NodeSchedulerTest, AClockIsOffDriftsAndSteps) {
  SimScheduler world;
  SimClock clock{.offset = absl::Seconds(1), .drift_ppm = 200};
  const NodeScheduler scheduler(world, clock);
  EXPECT_EQ(scheduler.WallNow() - world.WallNow(), absl::Seconds(1));
  world.RunFor(absl::Seconds(10000));
  EXPECT_EQ(absl::Trunc(scheduler.WallNow() - world.WallNow() + absl::Microseconds(1),
                        absl::Milliseconds(1)),
            absl::Seconds(3));
  clock.offset -= absl::Hours(1);
  EXPECT_LT(scheduler.WallNow(), world.WallNow());
  EXPECT_EQ(scheduler.MonotonicNow(), world.MonotonicNow());
}

}  // namespace
}  // namespace trellis::simulation
