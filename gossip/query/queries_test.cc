// To whom a question goes, and who is whose child. How answers of a mesh come together:
// tests/simulation/query_test.cc.
#include "gossip/query/queries.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"

namespace trellis::gossip {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr NodeId kSelf = 1;
constexpr storage::Origin kOrigin{7, 1};
constexpr storage::Origin kOther{8, 1};

class QueriesTest : public testing::Test {
 protected:
  QueriesTest() {
    for (const NodeId peer : {2, 3, 4}) queries_.AddLink(peer);
    lazy_ = {3, 4};
  }

  static peer::v1::Query About(const storage::Origin& origin) {
    peer::v1::Query query;
    storage::VersionVector wanted;
    wanted.Advance(origin, 5);
    wanted.ToProto(query.mutable_wanted());
    query.set_along_tree(true);
    return query;
  }
  void Ask(const storage::Origin& origin, bool everybody = true) {
    queries_.Ask(About(origin), absl::Seconds(10), everybody,
                 [this](const peer::v1::Answer& sum) { sum_ = sum; });
  }
  // As what a peer hands on.
  void ComesFrom(NodeId peer, uint64_t id) {
    peer::v1::Query query = About(kOrigin);
    query.set_root(99);
    query.set_id(id);
    query.set_timeout_millis(10'000);
    queries_.OnQuery(peer, query);
  }
  void Answers(NodeId peer, bool duplicate) {
    peer::v1::Answer answer;
    answer.set_root(asked_.root());
    answer.set_id(asked_.id());
    answer.set_duplicate(duplicate);
    if (!duplicate) answer.set_agents(10);
    answer.set_final(true);
    queries_.OnAnswer(peer, answer);
    scheduler_.RunFor(Queries::kCoalesce);
  }
  void Graft(NodeId peer, const storage::Origin& origin) {
    if (origin == kOrigin) lazy_.erase(peer);
    queries_.OnGraft(peer, origin);
  }
  // Who was asked since the last call.
  std::vector<NodeId> TakeAsked() { return std::exchange(asked_links_, {}); }

  SimScheduler scheduler_;
  SeededRandom random_{7};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{{.node = kSelf}};
  std::unique_ptr<storage::Catalog> catalog_ = *storage::Catalog::Open(
      {std::string(16, 'm'), kSelf, &authorship_}, engine_, {scheduler_, random_});
  History history_;
  std::set<NodeId> lazy_;  // Of kOrigin.
  std::vector<NodeId> asked_links_;
  peer::v1::Query asked_;  // The last that was sent.
  std::optional<peer::v1::Answer> sum_;
  Queries queries_{kSelf,
                   "test",
                   *catalog_,
                   history_,
                   {scheduler_, random_},
                   [this](NodeId to, const peer::v1::Frame& frame) {
                     if (!frame.has_query()) return true;
                     asked_links_.push_back(to);
                     asked_ = frame.query();
                     return true;
                   },
                   [this](const storage::Origin& origin, NodeId link) {
                     return origin == kOrigin && lazy_.count(link) == 0;
                   },
                   [] { return std::nullopt; }};
};

TEST_F(QueriesTest, AQuestionAlongATreeGoesOnItsLinksAlone) {
  Ask(kOrigin);
  EXPECT_THAT(TakeAsked(), ElementsAre(2));
}

TEST_F(QueriesTest, ALinkThatBecomesTheTreesIsAskedToo) {
  Ask(kOrigin);
  Answers(2, /*duplicate=*/false);
  ASSERT_TRUE(sum_.has_value());
  EXPECT_EQ(sum_->agents(), 11u);
  TakeAsked();
  Graft(3, kOrigin);
  EXPECT_THAT(TakeAsked(), ElementsAre(3));
  Answers(3, /*duplicate=*/false);
  EXPECT_EQ(sum_->agents(), 21u) << "what it has to say is added";
  Graft(3, kOrigin);
  EXPECT_THAT(TakeAsked(), IsEmpty()) << "once is enough";
}

TEST_F(QueriesTest, AGraftForAnotherOriginIsNoMatterOfThisQuestion) {
  Ask(kOrigin);
  TakeAsked();
  Graft(3, kOther);
  EXPECT_THAT(TakeAsked(), IsEmpty());
}

TEST_F(QueriesTest, WhoHasAnotherParentIsNotAskedTwice) {
  Ask(kOrigin);
  Graft(3, kOrigin);
  TakeAsked();
  Answers(3, /*duplicate=*/true);
  Graft(3, kOrigin);
  EXPECT_THAT(TakeAsked(), IsEmpty());
}

TEST_F(QueriesTest, WhoHandsOnWhatIsKnownHereIsNotAsked) {
  ComesFrom(2, 5);
  ComesFrom(3, 5);
  Graft(3, kOrigin);
  EXPECT_THAT(TakeAsked(), IsEmpty());
}

TEST_F(QueriesTest, ANewLinkIsAskedWhatIsOpen) {
  Ask(kOrigin);
  TakeAsked();
  queries_.AddLink(5);
  EXPECT_THAT(TakeAsked(), ElementsAre(5));
}

TEST_F(QueriesTest, ANewLinkOfOneWhoHadAnotherParentIsAskedAgain) {
  Ask(kOrigin);
  Answers(2, /*duplicate=*/true);
  TakeAsked();
  queries_.RemoveLink(2);  // It may have restarted, and remember nothing.
  queries_.AddLink(2);
  EXPECT_THAT(TakeAsked(), ElementsAre(2));
}

TEST_F(QueriesTest, WhatIsAskedOfThisAgentAloneGoesNowhere) {
  Ask(kOrigin, /*everybody=*/false);
  Graft(3, kOrigin);
  queries_.AddLink(5);
  EXPECT_THAT(TakeAsked(), IsEmpty());
}

}  // namespace
}  // namespace trellis::gossip
