#include "node/health/checker.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gtest/gtest.h"

namespace trellis::health {
namespace {

using routing::Opinion;
using routing::TargetHealth;

// Answers when the test says so, or at once (a moment later) with `status`.
class FakeProber final : public Prober {
 public:
  explicit FakeProber(Scheduler& scheduler) : scheduler_(scheduler) {}

  std::unique_ptr<Probe> Start(const net::Endpoint& endpoint, absl::string_view path,
                               absl::AnyInvocable<void(ProbeResult)> done) override {
    started.push_back(endpoint.ToString() + std::string(path));
    times.push_back(scheduler_.MonotonicNow());
    auto probe = std::make_unique<FakeProbe>(*this);
    if (!silent) {
      probe->timer = scheduler_.RunAfter(
          absl::Milliseconds(1),
          [result = ProbeResult{status, ""}, done = std::move(done)]() mutable { done(result); });
    }
    ++alive;
    return probe;
  }

  int status = 200;     // 0: no connection.
  bool silent = false;  // No answer at all.
  int alive = 0;        // Probes not yet destroyed.
  std::vector<std::string> started;
  std::vector<absl::Duration> times;

 private:
  struct FakeProbe final : Probe {
    explicit FakeProbe(FakeProber& prober) : prober(prober) {}
    ~FakeProbe() override {
      prober.scheduler_.Cancel(timer);
      --prober.alive;
    }
    FakeProber& prober;
    Scheduler::TimerId timer = Scheduler::TimerId::kNone;
  };

  Scheduler& scheduler_;
};

net::Endpoint At(int host) {
  return *net::Endpoint::FromAddress("10.0.0." + std::to_string(host), 8080);
}

constexpr char kGroup[] = "targetGroups/tg-1";

// One group with the reference's defaults (every 30 s, 5 s to answer, 5 passes, 2 failures).
class CheckerTest : public testing::Test {
 protected:
  CheckerTest() { settings_.mode = Settings::Mode::kChecked; }

  // Publishes a snapshot whose one group has these targets.
  void Publish(const std::vector<int>& hosts) {
    auto group = std::make_shared<CompiledTargetGroup>();
    group->name = kGroup;
    group->health_check = settings_;
    for (const int host : hosts) {
      std::shared_ptr<routing::HealthCell>& cell = cells_[host];
      if (cell == nullptr) cell = std::make_shared<routing::HealthCell>(TargetHealth::kInitial);
      group->targets.push_back({At(host), "", cell});
    }
    checker_.Update({{kGroup, std::move(group)}});
  }
  // The verdict that workers read; it is the one people are told.
  TargetHealth Health(int host) {
    EXPECT_EQ(checker_.Get(kGroup, At(host))->health, cells_[host]->Get());
    return cells_[host]->Get();
  }
  std::string Reason(int host) { return checker_.Get(kGroup, At(host))->reason_code; }
  // Lets so many more checks of the one target happen.
  void RunChecks(int count) {
    const size_t end = prober_.started.size() + count;
    while (prober_.started.size() < end && scheduler_.Step()) {
    }
    scheduler_.RunFor(absl::Milliseconds(1));
  }

  SimScheduler scheduler_;
  SeededRandom random_{3};
  FakeProber prober_{scheduler_};
  Settings settings_;
  std::map<int, std::shared_ptr<routing::HealthCell>> cells_;
  Checker checker_{{.concurrent_max = 4}, {scheduler_, random_}, prober_};
};

TEST_F(CheckerTest, FirstCheckIsAtOnceAndItsPassMakesHealthy) {
  settings_.path = "/healthz?full=1";
  Publish({1});
  EXPECT_EQ(prober_.started, (std::vector<std::string>{"10.0.0.1:8080/healthz?full=1"}));
  EXPECT_EQ(Health(1), TargetHealth::kInitial);
  EXPECT_EQ(Reason(1), "InitialHealthChecking");
  scheduler_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  EXPECT_EQ(Reason(1), "");
}

TEST_F(CheckerTest, OwnPortOfTheCheckIsAsked) {
  settings_.port = 9000;
  Publish({1});
  EXPECT_EQ(prober_.started, (std::vector<std::string>{"10.0.0.1:9000/"}));
}

TEST_F(CheckerTest, LaterChecksComeAtAFixedRate) {
  Publish({1});
  scheduler_.RunFor(absl::Minutes(5));
  ASSERT_GE(prober_.times.size(), 10u);
  const absl::Duration second = prober_.times[1] - prober_.times[0];
  EXPECT_GE(second, absl::Seconds(15));
  EXPECT_LE(second, absl::Seconds(30));
  for (size_t i = 2; i < prober_.times.size(); ++i) {
    EXPECT_EQ(prober_.times[i] - prober_.times[i - 1], absl::Seconds(30));
  }
}

TEST_F(CheckerTest, TwoFailuresMakeUnhealthyAndFivePassesHeal) {
  Publish({1});
  RunChecks(0);
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  prober_.status = 500;
  RunChecks(1);
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  RunChecks(1);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
  EXPECT_EQ(Reason(1), "ResponseCodeMismatch");
  prober_.status = 200;
  RunChecks(4);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
  RunChecks(1);
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
}

TEST_F(CheckerTest, FlappingKeepsTheVerdict) {
  Publish({1});
  RunChecks(0);
  for (int i = 0; i < 10; ++i) {
    prober_.status = i % 2 == 0 ? 500 : 200;
    RunChecks(1);
    EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  }
}

TEST_F(CheckerTest, MatcherSaysWhichStatusPasses) {
  settings_.matcher = *resource::StatusMatcher::Parse("200-299,404");
  prober_.status = 404;
  Publish({1});
  RunChecks(0);
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  prober_.status = 302;
  RunChecks(2);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
}

TEST_F(CheckerTest, NoConnectionIsAFailure) {
  prober_.status = 0;
  Publish({1});
  RunChecks(1);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
  EXPECT_EQ(Reason(1), "ConnectionFailed");
}

TEST_F(CheckerTest, SilenceIsAFailureAfterTheTimeoutAndTheProbeIsTakenBack) {
  prober_.silent = true;
  Publish({1});
  scheduler_.RunFor(absl::Seconds(4.9));
  EXPECT_EQ(prober_.alive, 1);
  EXPECT_EQ(Reason(1), "InitialHealthChecking");
  scheduler_.RunFor(absl::Seconds(0.1));
  EXPECT_EQ(prober_.alive, 0);
  EXPECT_EQ(checker_.running(), 0);
  EXPECT_EQ(Reason(1), "Timeout");
  EXPECT_EQ(Health(1), TargetHealth::kInitial);
  scheduler_.RunFor(absl::Seconds(35));
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
}

TEST_F(CheckerTest, CheckLongerThanTheIntervalStandsForTheNext) {
  settings_.interval = absl::Seconds(5);
  settings_.timeout = absl::Seconds(60);
  prober_.silent = true;
  Publish({1});
  scheduler_.RunFor(absl::Seconds(59));
  EXPECT_EQ(prober_.started.size(), 1u);
  scheduler_.RunFor(absl::Seconds(6));
  EXPECT_EQ(prober_.started.size(), 2u);
}

TEST_F(CheckerTest, NoMoreChecksAtOnceThanAllowed) {
  prober_.silent = true;
  Publish({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(prober_.alive, 4);
  EXPECT_EQ(checker_.running(), 4);
  scheduler_.RunFor(settings_.timeout);
  EXPECT_EQ(prober_.alive, 2);
  EXPECT_EQ(prober_.started.size(), 6u);
}

TEST_F(CheckerTest, RemovedTargetIsAskedNoMore) {
  Publish({1, 2});
  Publish({2});
  EXPECT_EQ(prober_.alive, 1);
  EXPECT_EQ(checker_.Get(kGroup, At(1)), std::nullopt);
  scheduler_.RunFor(absl::Minutes(2));
  EXPECT_EQ(std::count(prober_.started.begin(), prober_.started.end(), "10.0.0.1:8080/"), 1);
  EXPECT_EQ(Health(2), TargetHealth::kHealthy);
}

TEST_F(CheckerTest, RemovedTargetThatWaitsGivesUpItsTurn) {
  prober_.silent = true;
  Publish({1, 2, 3, 4, 5, 6});
  Publish({6});
  EXPECT_EQ(prober_.started.back(), "10.0.0.6:8080/");
  EXPECT_EQ(prober_.alive, 1);
}

TEST_F(CheckerTest, TargetThatComesBackStartsAnew) {
  Publish({1});
  RunChecks(0);
  Publish({});
  Publish({1});
  EXPECT_EQ(Health(1), TargetHealth::kInitial);
  EXPECT_EQ(prober_.started.size(), 2u);
}

TEST_F(CheckerTest, OtherTargetsKeepVerdictAndScheduleWhenOneComes) {
  Publish({1});
  RunChecks(0);
  Publish({1, 2});
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  EXPECT_EQ(Health(2), TargetHealth::kInitial);
  EXPECT_EQ(prober_.started, (std::vector<std::string>{"10.0.0.1:8080/", "10.0.0.2:8080/"}));
}

TEST_F(CheckerTest, NewSettingsAreUsedAtOnceAndKeepTheVerdict) {
  Publish({1});
  RunChecks(0);
  settings_.path = "/new";
  settings_.thresholds.unhealthy = 3;
  Publish({1});
  EXPECT_EQ(prober_.started.back(), "10.0.0.1:8080/new");
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  RunChecks(0);
  prober_.status = 500;
  RunChecks(2);
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
  RunChecks(1);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
}

TEST_F(CheckerTest, WithoutChecksTargetsAreUnavailableAndNotAsked) {
  settings_.mode = Settings::Mode::kOff;
  Publish({1});
  scheduler_.RunFor(absl::Minutes(5));
  EXPECT_TRUE(prober_.started.empty());
  EXPECT_EQ(Health(1), TargetHealth::kUnavailable);
  EXPECT_EQ(Reason(1), "HealthCheckDisabled");
  EXPECT_EQ(checker_.Get(kGroup, At(2)), std::nullopt);
}

TEST_F(CheckerTest, UnsupportedChecksSaySo) {
  settings_.mode = Settings::Mode::kUnsupported;
  Publish({1});
  EXPECT_EQ(Health(1), TargetHealth::kUnavailable);
  EXPECT_EQ(Reason(1), "HealthCheckNotSupported");
}

TEST_F(CheckerTest, ChecksSwitchedOffAndOnAgainBeginAnew) {
  prober_.status = 500;
  Publish({1});
  RunChecks(1);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
  settings_.mode = Settings::Mode::kOff;
  Publish({1});
  EXPECT_EQ(Health(1), TargetHealth::kUnavailable);
  settings_.mode = Settings::Mode::kChecked;
  prober_.status = 200;
  Publish({1});
  EXPECT_EQ(Health(1), TargetHealth::kInitial);
  RunChecks(0);
  EXPECT_EQ(Health(1), TargetHealth::kHealthy);
}

TEST_F(CheckerTest, GroupNobodyUsesIsNotChecked) {
  Publish({1});
  checker_.Update({{kGroup, nullptr}});
  EXPECT_EQ(prober_.alive, 0);
  EXPECT_EQ(checker_.Get(kGroup, At(1)), std::nullopt);
}

TEST(CheckerLifeTest, DestroyedWithChecksOnTheirWayTakesThemBack) {
  SimScheduler scheduler;
  SeededRandom random(1);
  FakeProber prober(scheduler);
  prober.silent = true;
  {
    Checker checker({.concurrent_max = 1}, {scheduler, random}, prober);
    auto group = std::make_shared<CompiledTargetGroup>();
    group->health_check.mode = Settings::Mode::kChecked;
    for (const int host : {1, 2, 3}) {
      group->targets.push_back(
          {At(host), "", std::make_shared<routing::HealthCell>(TargetHealth::kInitial)});
    }
    checker.Update({{kGroup, std::move(group)}});
  }
  EXPECT_EQ(prober.started.size(), 1u);
  EXPECT_EQ(prober.alive, 0);
  EXPECT_FALSE(scheduler.Step());
}

// --- What is told to others, and what they say ---------------------------------------------------

TEST_F(CheckerTest, SaysWhatItFound) {
  const auto all = [](const net::Endpoint&) { return true; };
  prober_.silent = true;
  Publish({1, 2});
  EXPECT_TRUE(checker_.Opinions(all).empty()) << "nothing was found yet";
  prober_.silent = false;
  scheduler_.RunFor(absl::Minutes(1));
  ASSERT_EQ(checker_.Opinions(all).size(), 1u);
  const routing::OpinionList list = checker_.Opinions(all)[0];
  EXPECT_EQ(list.identity(), routing::ListIdentity(kGroup, {At(1), At(2)}));
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(list.Of(0), Opinion::kHealthy);
  EXPECT_EQ(list.Of(1), Opinion::kHealthy);
  prober_.status = 500;
  scheduler_.RunFor(absl::Minutes(2));
  EXPECT_EQ(checker_.Opinions(all)[0].Of(1), Opinion::kUnhealthy);
  const auto second =
      checker_.Opinions([](const net::Endpoint& target) { return target == At(2); });
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].Of(0), Opinion::kNone) << "others would not take our word for it";
  EXPECT_EQ(second[0].Of(1), Opinion::kUnhealthy);
}

TEST_F(CheckerTest, TellsWhenItFoundSomething) {
  int changes = 0;
  checker_.SetListener([&changes] { ++changes; });
  Publish({1});
  EXPECT_EQ(changes, 1) << "other targets";
  RunChecks(0);
  EXPECT_EQ(changes, 2) << "the first pass";
  RunChecks(3);
  EXPECT_EQ(changes, 2) << "nothing new";
}

TEST_F(CheckerTest, WhatOthersSayHoldsUntilTheFirstOwnVerdict) {
  prober_.silent = true;
  Publish({1, 2});
  const auto follow = [&](Opinion opinion) {
    checker_.Follow(
        [&](uint64_t list, uint32_t index, const net::Endpoint& target, Opinion previous) {
          EXPECT_EQ(list, routing::ListIdentity(kGroup, {At(1), At(2)}));
          EXPECT_EQ(target, At(static_cast<int>(index) + 1));
          return index == 1 ? routing::Merge({opinion}, previous) : Opinion::kNone;
        });
  };
  follow(Opinion::kUnhealthy);
  EXPECT_EQ(Health(1), TargetHealth::kInitial);
  EXPECT_EQ(Health(2), TargetHealth::kUnhealthy);
  EXPECT_EQ(Reason(2), kUnhealthyForOthers);
  Publish({1, 2});
  EXPECT_EQ(Health(2), TargetHealth::kUnhealthy) << "a change of the configuration changes nothing";
  follow(Opinion::kNone);
  EXPECT_EQ(Health(2), TargetHealth::kUnhealthy) << "nobody knows, so it stays";
  EXPECT_TRUE(checker_.Opinions([](const net::Endpoint&) { return true; }).empty())
      << "hearsay is not passed on as our own word";
  prober_.silent = false;
  scheduler_.RunFor(absl::Minutes(1));
  EXPECT_EQ(Health(2), TargetHealth::kHealthy)
      << "one own pass suffices, as for any INITIAL target";
  follow(Opinion::kUnhealthy);
  EXPECT_EQ(Health(2), TargetHealth::kHealthy) << "the own verdict goes first";
}

TEST_F(CheckerTest, OthersSpeakWhereThisAgentCannotCheckButNotWhereChecksAreOff) {
  const auto unhealthy = [](uint64_t, uint32_t, const net::Endpoint&, Opinion) {
    return Opinion::kUnhealthy;
  };
  settings_.mode = Settings::Mode::kUnsupported;
  Publish({1});
  EXPECT_EQ(Health(1), TargetHealth::kUnavailable);
  checker_.Follow(unhealthy);
  EXPECT_EQ(Health(1), TargetHealth::kUnhealthy);
  settings_.mode = Settings::Mode::kOff;
  Publish({1});
  checker_.Follow(unhealthy);
  EXPECT_EQ(Health(1), TargetHealth::kUnavailable);
}

}  // namespace
}  // namespace trellis::health
