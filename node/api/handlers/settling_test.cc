#include "node/api/handlers/settling.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/test_agent.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using Outcome = gossip::BarrierResult::Outcome;

class SettlingTest : public testing::Test {
 protected:
  SettlingTest() {
    agent_.MakeWorld();
    settling_.emplace(*agent_.catalog, agent_.gossip, agent_.context.runtime);
    agent_.context.settling = &*settling_;
    agent_.gossip.result.outcome = Outcome::kReachable;
  }

  v1::ResourceStatus Create(const std::string& name) {
    const auto service =
        agent_.Call(CreateService, absl::StrCat("service { display_name: '", name, "' }"));
    EXPECT_OK(service);
    return service->status();
  }
  v1::ResourceStatus Status(const std::string& name) {
    const auto service = agent_.Call(GetService, absl::StrCat("name: '", name, "'"));
    EXPECT_OK(service);
    return service->status();
  }
  size_t barriers() const { return agent_.gossip.barriers.size(); }

  TestAgent agent_;
  std::optional<Settling> settling_;
};

TEST_F(SettlingTest, WhatIsNewIsInProgressUntilABarrierEnds) {
  EXPECT_EQ(Status("cart"), v1::ACTIVE) << "it was there before";
  EXPECT_EQ(Create("new"), v1::CREATE_IN_PROGRESS);
  EXPECT_EQ(barriers(), 0u);
  agent_.sim.RunFor(Settling::kPause);
  ASSERT_EQ(barriers(), 1u);
  EXPECT_EQ(agent_.gossip.barriers[0].wanted.head(agent_.written->origin),
            agent_.catalog->vector().head(agent_.catalog->origin()));
  EXPECT_TRUE(agent_.gossip.barriers[0].reachable_is_enough);
  EXPECT_EQ(Status("new"), v1::CREATE_IN_PROGRESS);
  agent_.gossip.Answer();
  EXPECT_EQ(Status("new"), v1::ACTIVE);
}

TEST_F(SettlingTest, AnUpdateTakesNothingBack) {
  Create("new");
  agent_.sim.RunFor(Settling::kPause);
  agent_.gossip.Answer();
  agent_.sim.RunFor(absl::Seconds(1));
  ASSERT_OK(agent_.Call(UpdateService, "service { name: 'new' idle_timeout { seconds: 90 } }"));
  EXPECT_EQ(Status("new"), v1::ACTIVE);
}

TEST_F(SettlingTest, WhoIsReachedAndLagsKeepsItInProgressAndReadingAsksAgain) {
  Create("new");
  agent_.sim.RunFor(Settling::kPause);
  agent_.gossip.result.outcome = Outcome::kIncomplete;
  agent_.gossip.Answer();
  agent_.sim.RunFor(absl::Minutes(1));
  EXPECT_EQ(barriers(), 1u) << "nobody wants to know";
  EXPECT_EQ(Status("new"), v1::CREATE_IN_PROGRESS);
  agent_.sim.RunFor(Settling::kPause);
  EXPECT_EQ(barriers(), 2u);
  agent_.gossip.result.outcome = Outcome::kAll;
  agent_.gossip.Answer();
  EXPECT_EQ(Status("new"), v1::ACTIVE);
}

TEST_F(SettlingTest, WritesThatGoOnCostABarrierEachInterval) {
  agent_.gossip.answers_on = &agent_.sim;
  for (int i = 0; i < 600; ++i) {  // 30 s.
    Create(absl::StrCat("new-", i));
    agent_.sim.RunFor(Settling::kPause / 2);
  }
  agent_.sim.RunFor(absl::Minutes(1));
  EXPECT_GE(barriers(), 3u) << "one each 10 s, one after the last";
  EXPECT_LE(barriers(), 4u);
  EXPECT_EQ(Status("new-599"), v1::ACTIVE);
}

TEST_F(SettlingTest, OthersWritesAreAskedAboutOnlyWhenSomebodyReadsThem) {
  TestAgent other(nullptr, {.node = kNode + 1});
  other.PullFrom(agent_);
  ASSERT_OK(other.Call(CreateService, "service { display_name: 'theirs' }"));
  agent_.PullFrom(other);
  Create("new");
  agent_.sim.RunFor(Settling::kPause);
  ASSERT_EQ(barriers(), 1u);
  EXPECT_EQ(agent_.gossip.barriers[0].wanted.heads().size(), 1u);
  EXPECT_GT(agent_.gossip.barriers[0].wanted.head(agent_.catalog->origin()), 0u);
  agent_.gossip.Answer();
  agent_.sim.RunFor(Settling::kLeastInterval);
  EXPECT_EQ(barriers(), 1u);
  EXPECT_EQ(Status("theirs"), v1::CREATE_IN_PROGRESS);
  agent_.sim.RunFor(Settling::kLeastInterval);
  ASSERT_EQ(barriers(), 2u);
  agent_.gossip.Answer();
  EXPECT_EQ(Status("theirs"), v1::ACTIVE);
}

TEST_F(SettlingTest, WhoReadsAgainAndAgainPutsNothingOff) {
  agent_.gossip.answers_on = &agent_.sim;
  Create("new");
  int reads = 0;
  while (Status("new") != v1::ACTIVE) {
    ASSERT_LT(++reads, 20);
    agent_.sim.RunFor(absl::Milliseconds(10));
  }
}

}  // namespace
}  // namespace trellis::api
