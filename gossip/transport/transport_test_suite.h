// What every Transport must do: include this in one test and instantiate TransportTest.
//
//   INSTANTIATE_TEST_SUITE_P(Sim, TransportTest,
//   testing::Values(TransportFactory(MakeSimHarness)));
#ifndef TRELLIS_GOSSIP_TRANSPORT_TRANSPORT_TEST_SUITE_H_
#define TRELLIS_GOSSIP_TRANSPORT_TRANSPORT_TEST_SUITE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "gossip/transport/recording_receiver.h"
#include "gossip/transport/transport.h"
#include "gtest/gtest.h"

namespace trellis::gossip {

// Transports that can reach each other. The suite sets and outlives their receivers.
class TransportHarness {
 public:
  virtual ~TransportHarness() = default;
  virtual Transport& transport(size_t i) = 0;
  virtual PeerAddress address(size_t i) = 0;
  // Lets time pass until `done()`; false if that did not happen in a time generous for a loopback.
  virtual bool RunUntil(absl::FunctionRef<bool()> done) = 0;
};

// Makes a harness of that many transports. Node ids ascend with the index.
using TransportFactory = std::function<std::unique_ptr<TransportHarness>(size_t count)>;

inline peer::v1::Frame NumberedFrame(int64_t number, size_t padding = 0) {
  peer::v1::Frame frame;
  frame.mutable_hello()->set_wall_micros(number);
  frame.mutable_hello()->set_program_version(std::string(padding, 'x'));
  return frame;
}

class TransportTest : public testing::TestWithParam<TransportFactory> {
 protected:
  void SetUp() override {
    harness_ = GetParam()(2);
    for (size_t i = 0; i < 2; ++i) Call(i, [&](Transport& t) { t.SetReceiver(&receivers_[i]); });
  }
  void TearDown() override {
    for (size_t i = 0; i < 2; ++i) harness_->transport(i).SetReceiver(nullptr);
    harness_.reset();
  }

  void Call(size_t i, absl::FunctionRef<void(Transport&)> call) {
    receivers_[i].in_call = true;
    call(harness_->transport(i));
    receivers_[i].in_call = false;
  }
  NodeId node(size_t i) { return harness_->address(i).node; }
  void Name(size_t from, size_t to) {
    Call(from, [&](Transport& t) { t.SetPeers({harness_->address(to)}); });
  }
  bool Send(size_t from, const peer::v1::Frame& frame) {
    bool sent = false;
    Call(from, [&](Transport& t) { sent = t.Send(node(1 - from), frame); });
    return sent;
  }
  bool Linked() { return receivers_[0].up[node(1)] && receivers_[1].up[node(0)]; }
  bool RunUntilLinked() {
    return harness_->RunUntil([&] { return Linked(); });
  }

  std::unique_ptr<TransportHarness> harness_;
  RecordingReceiver receivers_[2];
};

TEST_P(TransportTest, SmallerNodeNamingTheGreaterGivesALink) {
  Name(0, 1);
  EXPECT_TRUE(RunUntilLinked());
}

TEST_P(TransportTest, GreaterNodeNamingTheSmallerGivesALink) {
  Name(1, 0);
  EXPECT_TRUE(RunUntilLinked());
}

TEST_P(TransportTest, NamingEachOtherGivesOneLink) {
  Name(0, 1);
  Name(1, 0);
  ASSERT_TRUE(RunUntilLinked());
  EXPECT_TRUE(Send(0, NumberedFrame(1)));
  EXPECT_TRUE(harness_->RunUntil([&] { return receivers_[1].frames.size() == 1; }));
  EXPECT_TRUE(Linked());
}

TEST_P(TransportTest, FramesArriveInTheOrderSentBothWays) {
  constexpr int kFrames = 500;
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  for (int i = 0; i < kFrames; ++i) {
    ASSERT_TRUE(Send(0, NumberedFrame(i)));
    ASSERT_TRUE(Send(1, NumberedFrame(-i)));
  }
  ASSERT_TRUE(harness_->RunUntil([&] {
    return receivers_[0].frames.size() == kFrames && receivers_[1].frames.size() == kFrames;
  }));
  for (int i = 0; i < kFrames; ++i) {
    EXPECT_EQ(receivers_[1].frames[i].hello().wall_micros(), i);
    EXPECT_EQ(receivers_[0].frames[i].hello().wall_micros(), -i);
  }
}

TEST_P(TransportTest, SendingWithoutALinkIsRefused) {
  EXPECT_FALSE(Send(0, NumberedFrame(1)));
  Name(0, 1);
  EXPECT_FALSE(Send(0, NumberedFrame(1)));
}

TEST_P(TransportTest, ClosingTellsBothEndsAndTheReasonAtOurs) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  Call(1, [&](Transport& t) { t.Close(node(0), absl::PermissionDeniedError("evicted")); });
  EXPECT_FALSE(Send(1, NumberedFrame(1)));
  ASSERT_TRUE(
      harness_->RunUntil([&] { return receivers_[0].downs == 1 && receivers_[1].downs == 1; }));
  EXPECT_EQ(receivers_[1].last_down, absl::PermissionDeniedError("evicted"));
}

TEST_P(TransportTest, ALostLinkIsDialledAgain) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  Call(1, [&](Transport& t) { t.Close(node(0), absl::UnavailableError("maintenance")); });
  ASSERT_TRUE(harness_->RunUntil(
      [&] { return receivers_[0].ups == 2 && receivers_[1].ups == 2 && Linked(); }));
  ASSERT_TRUE(Send(0, NumberedFrame(1)));
  EXPECT_TRUE(harness_->RunUntil([&] { return receivers_[1].frames.size() == 1; }));
}

TEST_P(TransportTest, APeerNoLongerNamedLosesItsLink) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  Call(0, [&](Transport& t) { t.SetPeers({}); });
  EXPECT_TRUE(
      harness_->RunUntil([&] { return receivers_[0].downs == 1 && receivers_[1].downs == 1; }));
}

TEST_P(TransportTest, NamingAPeerAgainKeepsItsLink) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  Name(0, 1);
  ASSERT_TRUE(Send(0, NumberedFrame(1)));
  EXPECT_TRUE(harness_->RunUntil([&] { return receivers_[1].frames.size() == 1; }));
  EXPECT_EQ(receivers_[0].downs, 0);
}

TEST_P(TransportTest, AFrameAtTheBoundArrives) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  const peer::v1::Frame frame = NumberedFrame(1, kMaxFrameBytes - 100);
  ASSERT_LE(frame.ByteSizeLong(), kMaxFrameBytes);
  ASSERT_TRUE(Send(0, frame));
  EXPECT_TRUE(harness_->RunUntil([&] { return receivers_[1].frames.size() == 1; }));
}

TEST_P(TransportTest, AFrameOverTheBoundIsNeverDelivered) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  // Refused by our own end, or by the peer's, which closes the link.
  if (Send(0, NumberedFrame(1, kMaxFrameBytes + 1))) {
    EXPECT_TRUE(harness_->RunUntil([&] { return receivers_[1].downs == 1; }));
  }
  ASSERT_TRUE(RunUntilLinked());
  ASSERT_TRUE(harness_->RunUntil([&] { return Linked() && Send(0, NumberedFrame(2)); }));
  ASSERT_TRUE(harness_->RunUntil([&] { return !receivers_[1].frames.empty(); }));
  EXPECT_EQ(receivers_[1].frames[0].hello().wall_micros(), 2);
}

TEST_P(TransportTest, AFullQueueRefuses) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  const peer::v1::Frame frame = NumberedFrame(1, 1 << 20);
  int sent = 0;
  while (sent < 256 && Send(0, frame)) ++sent;
  EXPECT_GE(sent, 4);
  // The queue, and what the layers below took off it.
  EXPECT_LE(sent, static_cast<int>(4 * kMaxQueuedBytes >> 20));
  EXPECT_TRUE(
      harness_->RunUntil([&] { return receivers_[1].frames.size() == static_cast<size_t>(sent); }));
  EXPECT_TRUE(Send(0, frame));
}

TEST_P(TransportTest, WithoutAReceiverNobodyIsCalled) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  Call(1, [](Transport& t) { t.SetReceiver(nullptr); });
  ASSERT_TRUE(Send(0, NumberedFrame(1)));
  Call(0, [&](Transport& t) { t.Close(node(1), absl::UnavailableError("done")); });
  EXPECT_TRUE(harness_->RunUntil([&] { return receivers_[0].downs == 1; }));
  EXPECT_EQ(receivers_[1].downs, 0);
  EXPECT_TRUE(receivers_[1].frames.empty());
}

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_TRANSPORT_TRANSPORT_TEST_SUITE_H_
