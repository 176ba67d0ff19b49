#include "gossip/membership/peer_clocks.h"

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using testing::HasSubstr;

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;
constexpr absl::Duration kInTime = absl::ZeroDuration();
constexpr absl::Duration kAtOnce = absl::ZeroDuration();  // The way there and back.

struct ClockCase {
  const char* name;
  std::vector<int> millis_ahead;  // Of each peer.
  absl::StatusCode expected;
};

class PeerClocksTest : public testing::Test {
 protected:
  static constexpr NodeId kPeers = 3;

  // A second goes by in which each of kPeers is heard once.
  void Beat(absl::Duration ahead, std::optional<absl::Duration> round_trip = kAtOnce) {
    for (NodeId peer = 1; peer <= kPeers; ++peer) clocks_.Note(peer, ahead, round_trip, now_);
    clocks_.Tick(kInTime);
    now_ += absl::Seconds(1);
  }
  void BeatOften(absl::Duration ahead) {
    for (size_t i = 0; i < PeerClocks::kReadings + PeerClocks::kStandingTicks; ++i) Beat(ahead);
  }

  PeerClocks clocks_;
  absl::Duration now_;
};

class PeerClocksMajorityTest : public testing::TestWithParam<ClockCase> {};

TEST_P(PeerClocksMajorityTest, IsFollowed) {
  PeerClocks clocks;
  for (int second = 0; second < 5; ++second) {
    NodeId peer = 0;
    for (const int millis : GetParam().millis_ahead) {
      clocks.Note(++peer, absl::Milliseconds(millis), kAtOnce, absl::Seconds(second));
    }
    clocks.Tick(kInTime);
  }
  EXPECT_EQ(clocks.Check().code(), GetParam().expected) << clocks.Check();
}

INSTANTIATE_TEST_SUITE_P(Spec, PeerClocksMajorityTest,
                         testing::ValuesIn(std::vector<ClockCase>{
                             {"Alone", {}, absl::StatusCode::kOk},
                             {"OfTwoNobodyKnowsWhoIsWrong", {3600000}, absl::StatusCode::kOk},
                             {"TwoAgainstUs", {3600000, 3600100}, kRefused},
                             {"OneOfTwoIsWrong", {3600000, 0}, absl::StatusCode::kOk},
                             {"WithinTheTolerance", {500, 500, 500}, absl::StatusCode::kOk},
                             {"BeyondTheTolerance", {501, 501, 501}, kRefused},
                             {"Ahead", {-501, -700, -900}, kRefused},
                             {"HalfAndHalfSpeaksForUs", {900, 900, 0}, absl::StatusCode::kOk},
                             {"TwoThirdsAgainstUs", {900, 900, 900, 0}, kRefused},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST_F(PeerClocksTest, WhoIsLateItselfTakesLateWordsForNothing) {
  for (int second = 0; second < 10; ++second) {
    for (NodeId peer = 1; peer <= kPeers; ++peer) clocks_.Note(peer, -absl::Seconds(2), kAtOnce, now_);
    clocks_.Tick(PeerClocks::kBehind);
    now_ += absl::Seconds(1);
  }
  EXPECT_OK(clocks_.Check());
  BeatOften(-absl::Seconds(2));
  EXPECT_THAT(clocks_.Check(), StatusIs(kRefused));
  clocks_.Tick(PeerClocks::kBehind);
  EXPECT_THAT(clocks_.Check(), StatusIs(kRefused)) << "nothing has shown that it is right again";
}

TEST_F(PeerClocksTest, TheMessageSaysWhichWayAndHowFar) {
  BeatOften(absl::Milliseconds(1200));
  EXPECT_THAT(clocks_.Check(), StatusIs(kRefused, HasSubstr("clock is 1.2s behind the mesh's")));
}

TEST_F(PeerClocksTest, AClockThatWasSetAheadIsFoundOut) {
  BeatOften(absl::ZeroDuration());
  BeatOften(-absl::Seconds(2));
  EXPECT_THAT(clocks_.Check(), StatusIs(kRefused, HasSubstr("clock is 2s ahead of the mesh's")));
}

TEST_F(PeerClocksTest, WhatComesLateIsNoWrongClock) {
  for (const int millis_late : {0, 1200, 900, 0, 1100, 1200, 0}) {
    Beat(-absl::Milliseconds(millis_late));
    EXPECT_OK(clocks_.Check());
  }
}

TEST_F(PeerClocksTest, ALongWayIsNoWrongClock) {
  for (int second = 0; second < 10; ++second) Beat(-absl::Seconds(2), absl::Seconds(2));
  EXPECT_OK(clocks_.Check());
  for (int second = 0; second < 10; ++second) Beat(-absl::Seconds(2), absl::Seconds(1));
  EXPECT_THAT(clocks_.Check(), StatusIs(kRefused, HasSubstr("clock is 1s ahead of the mesh's")));
}

TEST_F(PeerClocksTest, WhoNeverAnsweredCannotCallUsAhead) {
  for (int second = 0; second < 10; ++second) Beat(-absl::Seconds(2), std::nullopt);
  EXPECT_OK(clocks_.Check());
  for (int second = 0; second < 10; ++second) Beat(absl::Seconds(2), std::nullopt);
  EXPECT_THAT(clocks_.Check(), StatusIs(kRefused, HasSubstr("clock is 2s behind the mesh's")));
}

TEST_F(PeerClocksTest, AnAnswerFromTheFutureTellsNothing) {
  for (int second = 0; second < 10; ++second) Beat(-absl::Seconds(2), -absl::Seconds(1));
  EXPECT_OK(clocks_.Check());
}

TEST_F(PeerClocksTest, WhoFellSilentAfterItsFirstWordHasNoSay) {
  Beat(-absl::Seconds(1));
  for (int i = 0; i < 5; ++i) clocks_.Tick(kInTime);
  EXPECT_OK(clocks_.Check());
}

TEST_F(PeerClocksTest, WhatWaitedForUsIsNoWrongClock) {
  BeatOften(absl::ZeroDuration());
  now_ += absl::Seconds(5);  // This process stood still, and reads now what came meanwhile.
  for (const int seconds_late : {5, 4, 3, 2}) {
    for (NodeId peer = 1; peer <= kPeers; ++peer) {
      clocks_.Note(peer, -absl::Seconds(seconds_late), kAtOnce, now_);
    }
  }
  for (int i = 0; i < 5; ++i) clocks_.Tick(kInTime);  // Nothing more comes: the links were cut as well.
  EXPECT_OK(clocks_.Check());
}

TEST_F(PeerClocksTest, PeersThatAreGoneHaveNoSay) {
  BeatOften(absl::Seconds(2));
  ASSERT_THAT(clocks_.Check(), StatusIs(kRefused, HasSubstr("2s behind")));
  for (NodeId peer = 1; peer < kPeers; ++peer) clocks_.Forget(peer);
  clocks_.Tick(kInTime);
  EXPECT_OK(clocks_.Check());
}

}  // namespace
}  // namespace trellis::gossip
