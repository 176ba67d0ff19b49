#include "gossip/membership/liveness_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

using peer::v1::Rumour;

constexpr NodeId kAccused = 7;
constexpr NodeId kSelf = 90;
constexpr Life kLife = {.boot = 100, .count = 0};
constexpr absl::Duration kStart = absl::Seconds(100);

// The verdict on kAccused after a number of agreeing monitors and a time.
struct VerdictCase {
  const char* name;
  std::set<NodeId> members;  // Without ourselves.
  int accusers;
  absl::Duration after;  // The last of them.
  Liveness expected;
};

class VerdictTest : public testing::TestWithParam<VerdictCase> {};

TEST_P(VerdictTest, FollowsDecision0011) {
  LivenessTable table;
  table.SetMembers(GetParam().members, kSelf);
  for (int i = 1; i <= GetParam().accusers; ++i) {
    EXPECT_EQ(table.Accuse(kAccused, kLife, i, Rumour::SILENT, kStart), Heard::kNews);
  }
  table.Judge(kStart + GetParam().after);
  EXPECT_EQ(table.Find(kAccused)->liveness, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Spec, VerdictTest,
    testing::ValuesIn(std::vector<VerdictCase>{
        {"NobodyAccused", {1, 2, 3, 7}, 0, absl::Hours(1), Liveness::kAlive},
        {"OneOfMany", {1, 2, 3, 7}, 1, absl::Milliseconds(2999), Liveness::kSuspect},
        {"OneOfManyUnrefuted", {1, 2, 3, 7}, 1, absl::Seconds(3), Liveness::kDown},
        {"TwoOfMany", {1, 2, 3, 7}, 2, absl::Milliseconds(2999), Liveness::kSuspect},
        {"ThreeAgree", {1, 2, 3, 7}, 3, absl::Milliseconds(200), Liveness::kDown},
        {"ThreeAgreeButCouldStillBeRefuted",
         {1, 2, 3, 7},
         3,
         absl::Milliseconds(199),
         Liveness::kSuspect},
        {"BothThatThereAre", {1, 7}, 2, absl::Milliseconds(200), Liveness::kDown},
        {"OneOfTwo", {1, 7}, 1, absl::Milliseconds(200), Liveness::kSuspect},
        {"OurWordAloneOfTwoAgents", {7}, 1, absl::Milliseconds(200), Liveness::kDown},
    }),
    [](const auto& info) { return info.param.name; });

class LivenessTableTest : public testing::Test {
 protected:
  LivenessTableTest() { table_.SetMembers({1, 2, 3, 4, kAccused}, kSelf); }

  Heard Accuse(NodeId accuser, const Life& life = kLife) {
    return table_.Accuse(kAccused, life, accuser, Rumour::SILENT, kStart);
  }
  Liveness Verdict() { return table_.Find(kAccused)->liveness; }
  void BringDown() {
    for (const NodeId accuser : {1, 2, 3}) Accuse(accuser);
    EXPECT_TRUE(table_.Judge(kStart + absl::Seconds(1)));
  }

  LivenessTable table_;
};

TEST_F(LivenessTableTest, AnAccusationIsNewsOnceAndThreeAreEnough) {
  EXPECT_EQ(Accuse(1), Heard::kNews);
  EXPECT_EQ(Accuse(1), Heard::kKnown);
  EXPECT_EQ(Accuse(2), Heard::kNews);
  EXPECT_EQ(Accuse(3), Heard::kNews);
  EXPECT_EQ(Accuse(4), Heard::kKnown);
}

TEST_F(LivenessTableTest, OnceDownFurtherAccusationsAreNoNews) {
  Accuse(1);
  EXPECT_TRUE(table_.Judge(kStart + absl::Seconds(3)));
  EXPECT_EQ(Accuse(2), Heard::kKnown);
  EXPECT_FALSE(table_.Judge(kStart + absl::Seconds(4)));
}

TEST_F(LivenessTableTest, AHigherLifeRefutesAndOnlyThat) {
  BringDown();
  EXPECT_EQ(table_.Revive(kAccused, kLife), Heard::kOutdated);
  EXPECT_EQ(Verdict(), Liveness::kDown);
  EXPECT_EQ(table_.Revive(kAccused, {100, 1}), Heard::kNews);
  EXPECT_EQ(Verdict(), Liveness::kAlive);
  EXPECT_EQ(table_.Revive(kAccused, {100, 1}), Heard::kKnown);
  EXPECT_TRUE(table_.accused().empty());
  EXPECT_TRUE(table_.down().empty());
}

TEST_F(LivenessTableTest, ARestartHasANewerBootAndIsAliveAtOnce) {
  BringDown();
  EXPECT_EQ(table_.Revive(kAccused, {101, 0}), Heard::kNews);
  EXPECT_EQ(Verdict(), Liveness::kAlive);
}

TEST_F(LivenessTableTest, WhatIsSaidOfAnEarlierLifeIsOutdated) {
  table_.Revive(kAccused, {100, 5});
  EXPECT_EQ(Accuse(1, {100, 4}), Heard::kOutdated);
  EXPECT_EQ(Accuse(1, {99, 9}), Heard::kOutdated);
  EXPECT_EQ(table_.Revive(kAccused, {100, 4}), Heard::kOutdated);
  EXPECT_EQ(Verdict(), Liveness::kAlive);
}

TEST_F(LivenessTableTest, AnAccusationOfALaterLifeBeginsIt) {
  BringDown();
  EXPECT_EQ(Accuse(4, {101, 0}), Heard::kNews);
  EXPECT_EQ(Verdict(), Liveness::kSuspect);
}

TEST_F(LivenessTableTest, ALifeThatContradictsNothingIsNoNews) {
  EXPECT_EQ(table_.Revive(kAccused, kLife), Heard::kKnown);
  EXPECT_EQ(table_.Find(kAccused)->life, kLife);
}

TEST_F(LivenessTableTest, WhoWasAwayItselfJudgesAnew) {
  Accuse(1);
  table_.Forgive(kStart + absl::Seconds(20));
  EXPECT_FALSE(table_.Judge(kStart + absl::Seconds(20)));
  EXPECT_EQ(table_.NextVerdict(), kStart + absl::Seconds(23));
  EXPECT_TRUE(table_.Judge(kStart + absl::Seconds(23)));
  EXPECT_EQ(table_.NextVerdict(), absl::InfiniteDuration());
}

TEST_F(LivenessTableTest, TheDownHaveNoVoice) {
  table_.SetMembers({1, 2, kAccused}, kSelf);
  table_.Accuse(1, kLife, 9, Rumour::SILENT, kStart);
  table_.Judge(kStart + absl::Seconds(3));
  Accuse(2);
  Accuse(5);  // All the living: we and node 2.
  EXPECT_TRUE(table_.Judge(kStart + absl::Seconds(1)));
  EXPECT_EQ(Verdict(), Liveness::kDown);
}

TEST_F(LivenessTableTest, AccusationsOfThoseWhoWentAreTakenOver) {
  for (const NodeId accuser : {1, 2}) Accuse(accuser);
  EXPECT_THAT(table_.SetMembers({2, 3, kAccused}, kSelf), testing::ElementsAre(kAccused));
  const auto& accusations = table_.Find(kAccused)->accusations;
  ASSERT_EQ(accusations.size(), 2u);
  EXPECT_EQ(accusations[0].accuser, 2u);
  EXPECT_EQ(accusations[1].accuser, kSelf);
  // Not twice.
  EXPECT_THAT(table_.SetMembers({3, kAccused}, kSelf), testing::ElementsAre(kAccused));
  ASSERT_EQ(table_.Find(kAccused)->accusations.size(), 1u);
  EXPECT_THAT(table_.SetMembers({kAccused}, kSelf), testing::IsEmpty());
  EXPECT_EQ(Verdict(), Liveness::kSuspect);
}

TEST_F(LivenessTableTest, OthersThanMembersAreNotKept) {
  EXPECT_EQ(table_.Accuse(99, kLife, 1, Rumour::CLOSED, kStart), Heard::kKnown);
  EXPECT_EQ(table_.Revive(99, kLife), Heard::kKnown);
  BringDown();
  table_.SetMembers({1, 2}, kSelf);
  EXPECT_EQ(table_.Find(kAccused), nullptr);
  EXPECT_TRUE(table_.accused().empty());
  EXPECT_TRUE(table_.down().empty());
}

}  // namespace
}  // namespace trellis::gossip
