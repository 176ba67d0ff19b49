#include "gossip/membership/peer_clocks.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using testing::HasSubstr;

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

struct ClockCase {
  const char* name;
  std::vector<int> millis_ahead;  // Of each peer.
  absl::StatusCode expected;
};

class PeerClocksTest : public testing::TestWithParam<ClockCase> {};

TEST_P(PeerClocksTest, FollowsTheMajority) {
  PeerClocks clocks;
  NodeId peer = 0;
  for (const int millis : GetParam().millis_ahead) clocks.Note(++peer, absl::Milliseconds(millis));
  for (int i = 0; i < PeerClocks::kStandingTicks; ++i) clocks.Tick();
  EXPECT_EQ(clocks.Check().code(), GetParam().expected) << clocks.Check();
}

INSTANTIATE_TEST_SUITE_P(Spec, PeerClocksTest,
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

TEST(PeerClocksTest, TheMessageSaysWhichWayAndHowFar) {
  PeerClocks clocks;
  for (NodeId peer = 1; peer <= 3; ++peer) clocks.Note(peer, absl::Milliseconds(1200));
  for (int i = 0; i < PeerClocks::kStandingTicks; ++i) clocks.Tick();
  EXPECT_THAT(clocks.Check(), StatusIs(kRefused, HasSubstr("clock is 1.2s behind the mesh's")));
}

TEST(PeerClocksTest, WhatCameLateOnceIsNoWrongClock) {
  PeerClocks clocks;
  for (NodeId peer = 1; peer <= 3; ++peer) clocks.Note(peer, -absl::Seconds(15));
  clocks.Tick();
  clocks.Tick();
  EXPECT_OK(clocks.Check());
  for (NodeId peer = 1; peer <= 3; ++peer) clocks.Note(peer, absl::ZeroDuration());
  clocks.Tick();
  EXPECT_OK(clocks.Check());
}

TEST(PeerClocksTest, PeersThatAreGoneHaveNoSay) {
  PeerClocks clocks;
  for (NodeId peer = 1; peer <= 3; ++peer) clocks.Note(peer, absl::Seconds(2));
  for (int i = 0; i < PeerClocks::kStandingTicks; ++i) clocks.Tick();
  for (NodeId peer = 1; peer <= 2; ++peer) clocks.Forget(peer);
  clocks.Tick();
  EXPECT_OK(clocks.Check());
}

}  // namespace
}  // namespace trellis::gossip
