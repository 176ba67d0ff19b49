#include "gossip/membership/twins.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr NodeId kSelf = 1;
constexpr NodeId kPeer = 2;
constexpr absl::Duration kNow = absl::Seconds(100);

TEST(TwinsTest, ARestartIsNoTwin) {
  Twins twins(kSelf);
  EXPECT_FALSE(twins.SawHello(kPeer, 11, kNow));
  EXPECT_FALSE(twins.SawHello(kPeer, 11, kNow));
  EXPECT_FALSE(twins.SawHello(kPeer, 12, kNow));
  EXPECT_FALSE(twins.SawHello(kPeer, 12, kNow));
  EXPECT_FALSE(twins.SawHello(kPeer, 13, kNow));
  EXPECT_THAT(twins.Shown(kNow), IsEmpty());
}

TEST(TwinsTest, WhoReturnsAfterItsSuccessorIsOne) {
  Twins twins(kSelf);
  twins.SawHello(kPeer, 11, kNow);
  twins.SawHello(kPeer, 12, kNow);
  EXPECT_TRUE(twins.SawHello(kPeer, 11, kNow));
  EXPECT_TRUE(twins.SawHello(kPeer, 12, kNow));
  EXPECT_THAT(twins.Shown(kNow), ElementsAre(kPeer));
  EXPECT_THAT(twins.Shown(kNow + Twins::kShown), IsEmpty());
  EXPECT_OK(twins.Check());  // It is the peer's trouble, not ours.
}

TEST(TwinsTest, AHelloWithoutANumberProvesNothing) {
  Twins twins(kSelf);
  twins.SawHello(kPeer, 0, kNow);
  twins.SawHello(kPeer, 12, kNow);
  EXPECT_FALSE(twins.SawHello(kPeer, 0, kNow));
}

TEST(TwinsTest, TwoWitnessesFence) {
  Twins twins(kSelf);
  twins.SaidOfUs(kPeer, /*links=*/8);
  twins.SaidOfUs(kPeer, /*links=*/8);
  EXPECT_OK(twins.Check());
  twins.SaidOfUs(3, /*links=*/8);
  EXPECT_THAT(twins.Check(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                      HasSubstr("agents/0000000000000001")));
}

TEST(TwinsTest, TheOnlyPeerIsWitnessEnough) {
  Twins twins(kSelf);
  twins.SaidOfUs(kPeer, /*links=*/1);
  EXPECT_THAT(twins.Check(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace trellis::gossip
