#include "gossip/membership/membership.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using peer::v1::Rumour;
using testing::IsEmpty;

constexpr NodeId kSelf = 1;

Rumour Alive(NodeId subject, const Life& life) {
  Rumour rumour;
  rumour.set_subject(subject);
  rumour.set_boot(life.boot);
  rumour.set_life(life.count);
  return rumour;
}

Rumour Accusation(NodeId subject, const Life& life, NodeId accuser,
                  Rumour::Reason reason = Rumour::SILENT) {
  Rumour rumour = Alive(subject, life);
  rumour.set_accuser(accuser);
  rumour.set_reason(reason);
  return rumour;
}

// Agent 1 of 1 to 5, with links to those named.
class MembershipTest : public testing::Test {
 protected:
  void SetUp() override {
    auto catalog = storage::Catalog::Open({std::string(16, 'm'), kSelf, &authorship_}, engine_,
                                          {scheduler_, random_});
    ASSERT_OK(catalog);
    catalog_ = *std::move(catalog);
    membership_ = std::make_unique<Membership>(
        Membership::Options{.node = kSelf}, *catalog_, Runtime{scheduler_, random_},
        Membership::Hands{.send =
                              [this](NodeId peer, const peer::v1::Frame& frame) {
                                sent_[peer].push_back(frame);
                                return true;
                              },
                          .close = [](NodeId, const absl::Status&) {},
                          .link = [] {}});
    membership_->SetMembers({2, 3, 4, 5});
    membership_->Start();
  }
  void Link(NodeId peer, uint64_t process = 77) {
    peer::v1::Hello hello;
    hello.set_boot(100);
    hello.set_process(process);
    hello.set_wall_micros(absl::ToUnixMicros(scheduler_.WallNow()));
    membership_->AddLink(peer, hello);
    Flush();
    sent_.clear();
  }
  void Hear(NodeId from, const Rumour& rumour) {
    peer::v1::Rumours rumours;
    *rumours.add_rumours() = rumour;
    sent_.clear();
    membership_->OnRumours(from, rumours);
    Flush();
  }
  void Flush() { scheduler_.RunFor(RumourMill::kCoalesce); }
  // What `peer` was told of `subject`, as "boot.life accuser".
  std::vector<std::string> Told(NodeId peer, NodeId subject) {
    std::vector<std::string> told;
    for (const peer::v1::Frame& frame : sent_[peer]) {
      for (const Rumour& rumour : frame.rumours().rumours()) {
        if (rumour.subject() != subject) continue;
        told.push_back(absl::StrCat(rumour.boot(), ".", rumour.life(), " ", rumour.accuser()));
      }
    }
    return told;
  }
  Life OwnLife() {
    peer::v1::Hello hello;
    membership_->FillHello(&hello);
    return {hello.boot(), hello.life()};
  }

  SimScheduler scheduler_;
  SeededRandom random_{1};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{kSelf};
  std::unique_ptr<storage::Catalog> catalog_;
  std::map<NodeId, std::vector<peer::v1::Frame>> sent_;
  std::unique_ptr<Membership> membership_;
};

TEST_F(MembershipTest, AnAccusationOfUsIsRefutedToAll) {
  Link(2);
  Link(3);
  const Life before = OwnLife();
  Hear(2, Accusation(kSelf, before, 5));
  EXPECT_EQ(OwnLife(), (Life{before.boot, before.count + 1}));
  EXPECT_EQ(Told(2, kSelf).size(), 1u);
  EXPECT_EQ(Told(3, kSelf), Told(2, kSelf));
  // The same by another way: refuted already, and only its bearer is told.
  Hear(3, Accusation(kSelf, before, 5));
  EXPECT_EQ(OwnLife().count, before.count + 1);
  EXPECT_THAT(Told(2, kSelf), IsEmpty());
  EXPECT_EQ(Told(3, kSelf).size(), 1u);
}

TEST_F(MembershipTest, AnEarlierProcessWhoseClockWasAheadIsCountedOnFrom) {
  Link(2);
  const Life later = {OwnLife().boot + 1000, 7};
  Hear(2, Alive(kSelf, later));
  EXPECT_EQ(OwnLife(), (Life{later.boot, 8}));
  Hear(2, Alive(kSelf, {later.boot, 8}));  // Our own word, passed back.
  EXPECT_EQ(OwnLife(), (Life{later.boot, 8}));
}

TEST_F(MembershipTest, NoRumourTakesTheLastLifeThereIs) {
  Link(2);
  constexpr uint64_t kLast = Membership::kMaxLife - 1;
  Hear(2, Accusation(kSelf, {kLast - 1, kLast}, 3));
  EXPECT_EQ(OwnLife(), (Life{kLast, 0}));
  Hear(2, Accusation(kSelf, {kLast, kLast}, 3));
  EXPECT_EQ(OwnLife(), (Life{kLast, 0}));
}

TEST_F(MembershipTest, NewsGoesToAllButItsBearerAndTheSubjectToo) {
  for (const NodeId peer : {2, 3, 4}) Link(peer);
  Hear(2, Accusation(4, {100, 0}, 5));
  EXPECT_THAT(Told(2, 4), IsEmpty());
  EXPECT_THAT(Told(3, 4), testing::ElementsAre("100.0 5"));
  EXPECT_THAT(Told(4, 4), testing::ElementsAre("100.0 5"));
  Hear(3, Accusation(4, {100, 0}, 5));
  EXPECT_THAT(Told(2, 4), IsEmpty());
}

TEST_F(MembershipTest, WhoIsBehindIsToldWhatIsNewer) {
  Link(2);
  Link(3);
  Hear(2, Alive(4, {100, 3}));
  Hear(3, Accusation(4, {100, 2}, 5));
  EXPECT_THAT(Told(3, 4), testing::ElementsAre("100.3 0"));
  EXPECT_THAT(Told(2, 4), IsEmpty());
  Hear(2, Accusation(4, {100, 3}, 5));
  Hear(3, Alive(4, {100, 3}));
  EXPECT_THAT(Told(3, 4), testing::ElementsAre("100.3 5"));
}

TEST_F(MembershipTest, ANewLinkIsToldOfAllWhoAreNotAlive) {
  Link(2);
  Hear(2, Accusation(4, {100, 0}, 5));
  Hear(2, Accusation(3, {200, 0}, 5));
  sent_.clear();
  peer::v1::Hello hello;
  hello.set_boot(300);
  membership_->AddLink(5, hello);
  Flush();
  EXPECT_THAT(Told(5, 4), testing::ElementsAre("100.0 5"));
  EXPECT_THAT(Told(5, 3), testing::ElementsAre("200.0 5"));
}

TEST_F(MembershipTest, StrangersAccuseNobody) {
  Link(2);
  Link(3);
  Hear(2, Accusation(4, {100, 0}, 99));
  EXPECT_EQ(membership_->LivenessOf(4), Liveness::kAlive);
  Hear(2, Accusation(99, {100, 0}, 4));
  EXPECT_THAT(Told(3, 99), IsEmpty());
}

TEST_F(MembershipTest, ACrashIsARefusalAfterALink) {
  Link(2);
  membership_->OnDialFailed(3, DialFailure::kRefused);
  EXPECT_EQ(membership_->LivenessOf(3), Liveness::kAlive);  // It has perhaps not started yet.
  membership_->RemoveLink(2);
  membership_->OnDialFailed(2, DialFailure::kUnknown);
  EXPECT_EQ(membership_->LivenessOf(2), Liveness::kAlive);
  membership_->OnDialFailed(2, DialFailure::kRefused);
  EXPECT_EQ(membership_->LivenessOf(2), Liveness::kSuspect);
}

TEST_F(MembershipTest, WhoIsTurnedAwayByAllThatCanBeReachedMayNotWrite) {
  membership_->OnDialFailed(3, DialFailure::kUnknown);
  EXPECT_OK(membership_->CheckWritable());
  membership_->OnDialFailed(2, DialFailure::kTurnedAway);
  EXPECT_THAT(membership_->CheckWritable(),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("evicted")));
  Link(3);  // It knows nothing of that: it has not heard yet, or the other lied.
  EXPECT_OK(membership_->CheckWritable());
  membership_->OnDialFailed(2, DialFailure::kTurnedAway);
  EXPECT_OK(membership_->CheckWritable());
  membership_->RemoveLink(3);
  membership_->OnTurnedAway(3);
  EXPECT_THAT(membership_->CheckWritable(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(MembershipTest, StrangersTurnNobodyAway) {
  membership_->OnTurnedAway(99);
  EXPECT_OK(membership_->CheckWritable());
}

TEST_F(MembershipTest, OnlyOwnLinksAreWitnessesOfATwin) {
  Link(2);
  Link(3);
  Hear(2, Accusation(kSelf, {}, 3, Rumour::TWICE));  // Says 2 that 3 says so.
  Hear(2, Accusation(kSelf, {}, 2, Rumour::TWICE));
  EXPECT_OK(membership_->CheckWritable());
  Hear(3, Accusation(kSelf, {}, 3, Rumour::TWICE));
  EXPECT_THAT(membership_->CheckWritable(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(OwnLife().count, 0u);  // It is no accusation of being gone.
}

TEST_F(MembershipTest, WhoTakesTurnsWithItsTwinIsToldAndShown) {
  for (const uint64_t process : {7, 8}) {
    Link(2, process);
    membership_->RemoveLink(2);
  }
  peer::v1::Hello hello;
  hello.set_boot(100);
  hello.set_process(7);
  membership_->AddLink(2, hello);
  ASSERT_EQ(sent_[2].size(), 2u);  // A heartbeat first.
  EXPECT_EQ(sent_[2][1].rumours().rumours(0).reason(), Rumour::TWICE);
  EXPECT_THAT(membership_->SeenTwice(), testing::ElementsAre(2));
}

}  // namespace
}  // namespace trellis::gossip
