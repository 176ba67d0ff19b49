// Questions to the whole mesh: barriers and surveys, and what they say when part of it is away.
#include <optional>
#include <string>

#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/sim_world.h"
#include "tests/support/status_matchers.h"

namespace trellis::simulation {
namespace {

[[maybe_unused]] const bool kQuiet = (SetMinLogSeverity(LogSeverity::FATAL), true);

using gossip::BarrierResult;
using gossip::SurveyRows;
using Outcome = gossip::BarrierResult::Outcome;
using testing::ElementsAre;
using testing::IsEmpty;

struct Asked {
  std::optional<BarrierResult> result;
  absl::Duration took;
};

// Asks at node `i` for all it holds, and runs until there is an answer.
Asked AskAndWait(SimWorld& world, int i, gossip::BarrierRequest request) {
  Asked asked;
  const absl::Duration began = world.now();
  if (request.wanted.heads().empty()) request.wanted = world.node(i).catalog().vector();
  const absl::Duration most = request.timeout + absl::Seconds(1);
  world.node(i).gossip().Barrier(std::move(request),
                                 [&](const BarrierResult& result) { asked.result = result; });
  EXPECT_FALSE(asked.result.has_value()) << "never inside the call";
  EXPECT_TRUE(world.RunUntil(most, [&] { return asked.result.has_value(); }));
  asked.took = world.now() - began;
  return asked;
}

SurveyRows SurveyAndWait(SimWorld& world, int i, const gossip::SurveyRequest& request) {
  std::optional<SurveyRows> rows;
  world.node(i).gossip().Survey(request, [&](const SurveyRows& all) { rows = all; });
  EXPECT_TRUE(world.RunUntil(request.timeout + absl::Seconds(1), [&] { return rows.has_value(); }));
  return *rows;
}

TEST(Queries, ThoseWithoutTimeDieOut) {
  SimWorld world({.seed = 40, .nodes = 8, .latency_most = absl::Milliseconds(2)});
  world.Settle();
  const uint64_t before = world.network().traffic().frames;
  for (uint32_t timeout = 0; timeout <= 20; ++timeout) {
    peer::v1::Frame frame;
    frame.mutable_query()->set_root(world.node(1).id());
    frame.mutable_query()->set_id(timeout + 1);
    frame.mutable_query()->set_timeout_millis(timeout);
    ASSERT_TRUE(world.node(1).transport().Send(world.node(0).id(), frame));
  }
  world.RunFor(absl::Seconds(1));
  // A heartbeat over each link, and some ten frames a question that goes one step further.
  EXPECT_LT(world.network().traffic().frames - before, 500u);
}

TEST(Barrier, EndsWhenEveryAgentEnforcesTheWrite) {
  SimWorld world({.seed = 41,
                  .nodes = 24,
                  .latency_most = absl::Milliseconds(2),
                  .clock_offset_most = absl::ZeroDuration(),
                  .max_neighbours = 4});
  world.Settle();
  ASSERT_OK(world.Put(17, world.NewName(), "hello"));
  const Asked asked = AskAndWait(world, 17, {.timeout = absl::Seconds(10)});
  EXPECT_EQ(asked.result->outcome, Outcome::kAll);
  EXPECT_EQ(asked.result->agents, 24u);
  EXPECT_EQ(asked.result->answered, 24u);
  EXPECT_EQ(asked.result->enforcing, 24u);
  EXPECT_THAT(asked.result->stragglers, IsEmpty());
  EXPECT_LT(asked.took, absl::Milliseconds(150));
  EXPECT_GT(asked.result->p50, absl::ZeroDuration());
  EXPECT_LE(asked.result->p50, asked.result->p99);
  EXPECT_LE(asked.result->max, absl::Milliseconds(100));
}

TEST(Barrier, NamesTheStragglerAtItsTimeout) {
  SimWorld world({.seed = 42, .nodes = 5});
  world.Settle();
  world.node(3).options().compile_time = absl::InfiniteDuration();
  ASSERT_OK(world.Put(0, world.NewName(), "x"));
  const Asked asked = AskAndWait(world, 0, {.timeout = absl::Seconds(3)});
  EXPECT_EQ(asked.result->outcome, Outcome::kIncomplete);
  EXPECT_EQ(asked.result->holding, 5u);
  EXPECT_EQ(asked.result->enforcing, 4u);
  EXPECT_THAT(asked.result->stragglers, ElementsAre(world.node(3).id()));
  EXPECT_THAT(asked.result->unreachable, IsEmpty());

  const Asked enough = AskAndWait(world, 0, {.minimum = 4, .timeout = absl::Seconds(3)});
  EXPECT_EQ(enough.result->outcome, Outcome::kMinimum);
  EXPECT_LT(enough.took, absl::Milliseconds(200));

  const Asked self = AskAndWait(world, 0, {.only_self = true, .timeout = absl::Seconds(3)});
  EXPECT_EQ(self.result->outcome, Outcome::kAll);
  EXPECT_EQ(self.result->agents, 1u);
}

TEST(Barrier, NamesWhoCannotBeReachedAlsoBeforeLivenessKnows) {
  SimWorld world({.seed = 43, .nodes = 12, .max_neighbours = 4});
  world.Settle();
  const gossip::NodeId lost = world.node(5).id();
  world.node(5).CutPower(0);
  ASSERT_OK(world.Put(0, world.NewName(), "x"));
  const Asked asked = AskAndWait(world, 0, {.timeout = absl::Seconds(2)});
  EXPECT_EQ(asked.result->outcome, Outcome::kReachable);
  EXPECT_EQ(asked.result->enforcing, 11u);
  EXPECT_THAT(asked.result->unreachable, ElementsAre(lost));

  world.RunFor(absl::Seconds(10));
  const Asked reachable =
      AskAndWait(world, 0, {.reachable_is_enough = true, .timeout = absl::Seconds(5)});
  EXPECT_EQ(reachable.result->outcome, Outcome::kReachable);
  EXPECT_LT(reachable.took, absl::Seconds(1)) << "nobody waits for the dead";
  EXPECT_THAT(reachable.result->unreachable, ElementsAre(lost));
}

TEST(Barrier, ABranchThatBreaksIsAskedAnew) {
  SimWorld world({.seed = 44, .nodes = 16, .max_neighbours = 4});
  world.Settle();
  world.node(9).options().compile_time = absl::Seconds(2);
  ASSERT_OK(world.Put(0, world.NewName(), "x"));
  std::optional<BarrierResult> result;
  world.node(0).gossip().Barrier(
      {.wanted = world.node(0).catalog().vector(), .timeout = absl::Seconds(20)},
      [&](const BarrierResult& r) { result = r; });
  world.RunFor(absl::Milliseconds(300));
  // Somebody between them restarts, and remembers nothing of the question.
  world.node(4).Kill();
  world.node(4).Boot();
  EXPECT_TRUE(world.RunUntil(absl::Seconds(15), [&] { return result.has_value(); }));
  EXPECT_EQ(result->outcome, Outcome::kAll);
}

TEST(Barrier, AnEvictedAgentThatStillAnswersElsewhereMakesNoAll) {
  SimWorld world({.seed = 45, .nodes = 4});
  world.Settle();
  world.Partition({3}, {0, 1, 2});
  world.RunFor(absl::Seconds(15));
  ASSERT_OK(world.Put(0, world.NewName(), "x"));
  const Asked asked = AskAndWait(world, 0, {.timeout = absl::Seconds(2)});
  EXPECT_EQ(asked.result->outcome, Outcome::kReachable);
  ASSERT_OK(world.Evict(0, 3));
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(AskAndWait(world, 0, {.timeout = absl::Seconds(2)}).result->outcome, Outcome::kAll);
}

TEST(Barrier, EndsUnderLossToo) {
  SimWorld world({.seed = 46, .nodes = 12, .max_neighbours = 4});
  world.Settle();
  world.network().set_faults({.reset = 0.002, .vanish = 0.05, .duplicate = 0.05});
  for (int round = 0; round < 10; ++round) {
    ASSERT_OK(world.Put(round, world.NewName(), "x"));
    const Asked asked = AskAndWait(world, round, {.timeout = absl::Seconds(30)});
    EXPECT_EQ(asked.result->outcome, Outcome::kAll) << round;
  }
}

TEST(Barrier, ACancelledOneAnswersNobody) {
  SimWorld world({.seed = 47, .nodes = 3});
  world.Settle();
  const uint64_t id = world.node(0).gossip().Barrier({.timeout = absl::Seconds(1)},
                                                     [](const BarrierResult&) { ADD_FAILURE(); });
  world.node(0).gossip().CancelQuery(id);
  world.node(0).gossip().CancelQuery(id);
  world.RunFor(absl::Seconds(3));
}

TEST(Survey, EachAgentSaysWhatItHoldsAndWhenAWriteCame) {
  SimWorld world({.seed = 48,
                  .nodes = 10,
                  .latency_most = absl::Milliseconds(2),
                  .clock_offset_most = absl::ZeroDuration(),
                  .max_neighbours = 4});
  world.Settle();
  const std::string name = world.NewName();
  ASSERT_OK(world.Put(2, name, "x"));
  ASSERT_TRUE(world.RunUntilConverged(absl::Seconds(5)));
  world.RunFor(absl::Milliseconds(50));
  const storage::Version version = world.node(2).catalog().FindRecord(name)->version;
  const SurveyRows rows = SurveyAndWait(
      world, 7,
      {.wanted = world.node(7).catalog().vector(), .trace = version, .timeout = absl::Seconds(1)});
  EXPECT_EQ(rows.size(), 10u);
  for (const auto& [node, row] : rows) {
    EXPECT_EQ(row.root(), world.node(0).catalog().root().ToBytes());
    EXPECT_EQ(row.missing(), 0u);
    EXPECT_TRUE(row.enforcing());
    EXPECT_EQ(row.program_version(), "sim");
    EXPECT_GT(row.received_micros(), 0);
    EXPECT_GE(row.enforced_micros(), row.received_micros() + 1000);
    EXPECT_EQ(row.received_from() == node, node == world.node(2).id());
  }
}

TEST(Survey, WhoIsAwayHasNoRowAndOthersAreNotKeptWaiting) {
  SimWorld world({.seed = 49, .nodes = 6});
  world.Settle();
  world.node(4).Kill();
  world.RunFor(absl::Seconds(1));
  const absl::Duration began = world.now();
  const SurveyRows rows = SurveyAndWait(world, 0, {.timeout = absl::Seconds(5)});
  EXPECT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows.count(world.node(4).id()), 0u);
  EXPECT_LT(world.now() - began, absl::Seconds(1));
}

}  // namespace
}  // namespace trellis::simulation
