#include "node/api/handlers/mesh_questions.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/settling.h"
#include "node/api/handlers/test_agent.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using absl::StatusCode;
using google::protobuf::util::TimeUtil;
using gossip::BarrierResult;
using testing::ElementsAre;
using testing::HasSubstr;

class MeshQuestionsTest : public testing::Test {
 protected:
  MeshQuestionsTest() {
    agent_.MakeWorld();
    agent_.gossip.members = {{.node = 1, .liveness = gossip::Liveness::kAlive},
                             {.node = 2, .liveness = gossip::Liveness::kAlive}};
  }

  std::string Write() {
    EXPECT_OK(agent_.Call(CreateService, "service { display_name: 'new' }"));
    return agent_.written->ToString();
  }
  // A row that holds and enforces all there is.
  peer::v1::Answer::Row Row(storage::NodeId node) const {
    peer::v1::Answer::Row row;
    row.set_node(node);
    row.set_program_version("0.1.0");
    row.set_root(agent_.catalog->root().ToBytes());
    row.set_enforcing(true);
    return row;
  }
  uint64_t Wait(const std::string& request_text) {
    v1::WaitForConvergenceRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(request_text, &request));
    return questions_.WaitForConvergence(
        request, [this](absl::StatusOr<v1::WaitForConvergenceResponse> answer) {
          ++answers_;
          waited_ = std::move(answer);
        });
  }
  v1::MeshState State() {
    v1::MeshState state;
    EXPECT_NE(questions_.GetMeshState({},
                                      [&](absl::StatusOr<v1::MeshState> answer) {
                                        EXPECT_OK(answer);
                                        state = *std::move(answer);
                                      }),
              0);
    agent_.gossip.Answer();
    return state;
  }
  absl::StatusOr<v1::TraceWriteResponse> Trace(const std::string& write) {
    absl::StatusOr<v1::TraceWriteResponse> traced = absl::UnknownError("not yet");
    v1::TraceWriteRequest request;
    request.set_write(write);
    questions_.TraceWrite(request, [&](auto answer) { traced = std::move(answer); });
    agent_.gossip.Answer();
    return traced;
  }

  TestAgent agent_;
  MeshQuestions questions_{agent_.context};
  absl::StatusOr<v1::WaitForConvergenceResponse> waited_ = absl::UnknownError("not yet");
  int answers_ = 0;
};

// --- WaitForConvergence --------------------------------------------------------------------------

TEST_F(MeshQuestionsTest, WaitsForTheTokensWriteAlone) {
  const std::string token = Write();
  EXPECT_NE(Wait(absl::StrCat("mesh_token: '", token, "' timeout { seconds: 3 }")), 0);
  ASSERT_EQ(agent_.gossip.barriers.size(), 1u);
  const gossip::BarrierRequest& asked = agent_.gossip.barriers[0];
  EXPECT_EQ(asked.wanted.heads().size(), 1u);
  EXPECT_EQ(asked.wanted.head(agent_.written->origin), agent_.written->sequence);
  EXPECT_EQ(asked.timeout, absl::Seconds(3));
  EXPECT_EQ(asked.minimum, 0u);

  agent_.sim.RunFor(absl::Seconds(2));
  agent_.gossip.result = {.outcome = BarrierResult::Outcome::kAll,
                          .agents = 2,
                          .answered = 2,
                          .holding = 2,
                          .enforcing = 2,
                          .p50 = absl::Milliseconds(4),
                          .p99 = absl::Milliseconds(8),
                          .max = absl::Milliseconds(8)};
  agent_.gossip.Answer();
  ASSERT_OK(waited_);
  EXPECT_TRUE(waited_->converged());
  EXPECT_EQ(waited_->outcome(), v1::WaitForConvergenceResponse::ALL);
  EXPECT_EQ(waited_->agents(), 2);
  EXPECT_EQ(waited_->enforcing(), 2);
  EXPECT_EQ(waited_->took().seconds(), 2);
  EXPECT_EQ(waited_->p99().nanos(), 8000000);
}

TEST_F(MeshQuestionsTest, WhoWaitedForAllSeesWhatWasCreatedActive) {
  Settling settling(*agent_.catalog, agent_.gossip, agent_.context.runtime);
  agent_.context.settling = &settling;
  const std::string token = Write();
  const auto status = [&] {
    const auto service = agent_.Call(GetService, "name: 'new'");
    EXPECT_OK(service);
    return service->status();
  };
  agent_.gossip.result = {.outcome = BarrierResult::Outcome::kAll, .agents = 1, .enforcing = 1};
  for (const char* of_some : {"answering_agent_only: true", "vpc: 'main'"}) {
    Wait(of_some);
    agent_.gossip.Answer();
    EXPECT_EQ(status(), v1::CREATE_IN_PROGRESS) << of_some;
  }
  Wait(absl::StrCat("mesh_token: '", token, "'"));
  agent_.gossip.Answer();
  EXPECT_EQ(answers_, 3);
  EXPECT_EQ(status(), v1::ACTIVE);
  agent_.context.settling = nullptr;
}

TEST_F(MeshQuestionsTest, NamesStragglersAndTheUnreachable) {
  Wait("");
  EXPECT_EQ(agent_.gossip.barriers[0].wanted, agent_.catalog->vector());
  EXPECT_EQ(agent_.gossip.barriers[0].timeout, absl::Seconds(10));
  agent_.gossip.result = {.outcome = BarrierResult::Outcome::kIncomplete,
                          .agents = 3,
                          .answered = 2,
                          .holding = 2,
                          .enforcing = 1,
                          .stragglers = {2},
                          .unreachable = {3}};
  agent_.gossip.Answer();
  ASSERT_OK(waited_);
  EXPECT_FALSE(waited_->converged());
  EXPECT_EQ(waited_->outcome(), v1::WaitForConvergenceResponse::INCOMPLETE);
  EXPECT_THAT(waited_->stragglers(), ElementsAre("beta"));
  EXPECT_THAT(waited_->unreachable(), ElementsAre("agents/0000000000000003"));
  EXPECT_FALSE(waited_->has_p99());
}

TEST_F(MeshQuestionsTest, ScopeAndMinimumAreHandedOn) {
  Wait("vpc: 'main' minimum_percent: 51");
  EXPECT_EQ(agent_.gossip.barriers[0].vpc, "vpcs/vpc-11111111");
  EXPECT_EQ(agent_.gossip.barriers[0].minimum, 2u) << "51 % of two, rounded up";
  Wait("minimum_agents: 1");
  EXPECT_EQ(agent_.gossip.barriers[1].minimum, 1u);
  Wait("minimum_percent: 100 answering_agent_only: true");
  EXPECT_EQ(agent_.gossip.barriers[2].minimum, 0u) << "all, also of those that join meanwhile";
  EXPECT_TRUE(agent_.gossip.barriers[2].only_self);
}

TEST_F(MeshQuestionsTest, AfterACancelThereIsNoAnswer) {
  const uint64_t id = Wait("");
  questions_.Cancel(id);
  questions_.Cancel(id);
  agent_.gossip.Answer();
  EXPECT_EQ(answers_, 0);
}

TEST_F(MeshQuestionsTest, BadRequestsAndTooManyAreRefused) {
  struct Case {
    const char* request;
    StatusCode code;
    const char* message;
  };
  for (const Case& refused :
       {Case{"mesh_token: 'garbage'", StatusCode::kInvalidArgument, "mesh_token"},
        Case{"timeout { seconds: 301 }", StatusCode::kInvalidArgument,
             "timeout: 5m1s is out of range; give 200ms to 5m"},
        Case{"timeout { nanos: 199999999 }", StatusCode::kInvalidArgument,
             "timeout: 199.999999ms is out of range"},
        Case{"timeout { seconds: -1 }", StatusCode::kInvalidArgument, "timeout"},
        Case{"vpc: 'nowhere'", StatusCode::kNotFound, "vpc: there is no VPC \"nowhere\""},
        Case{"vpc: 'main' answering_agent_only: true", StatusCode::kInvalidArgument, "vpc"},
        Case{"minimum_agents: 3", StatusCode::kInvalidArgument,
             "minimum_agents: 3 is not 1 to 2, the agents there are"},
        Case{"minimum_percent: 101", StatusCode::kInvalidArgument, "minimum_percent"},
        Case{"minimum_percent: 1 minimum_agents: 1", StatusCode::kInvalidArgument,
             "minimum_percent: given together with minimum_agents"}}) {
    EXPECT_EQ(Wait(refused.request), 0);
    EXPECT_THAT(waited_, StatusIs(refused.code, HasSubstr(refused.message)));
  }
  for (size_t i = 0; i < MeshQuestions::kMaxWaiting; ++i) EXPECT_NE(Wait(""), 0);
  EXPECT_EQ(Wait(""), 0);
  EXPECT_THAT(waited_, StatusIs(StatusCode::kResourceExhausted,
                                "already 256 calls wait for the mesh; try again later"));
}

// --- GetMeshState --------------------------------------------------------------------------------

TEST_F(MeshQuestionsTest, StateTellsOfEachAgentWhatItSays) {
  agent_.gossip.rows = {{1, Row(1)}, {2, Row(2)}};
  agent_.gossip.rows[2].set_missing(4);
  agent_.gossip.rows[2].set_enforcing(false);
  agent_.gossip.rows[2].set_root(std::string(16, 'x'));
  agent_.gossip.members[1].liveness = gossip::Liveness::kSuspect;
  agent_.gossip.alarms = {"agents/0000000000000002 runs twice"};
  const v1::MeshState state = State();
  EXPECT_THAT(state.alarms(), ElementsAre("agents/0000000000000002 runs twice"));
  EXPECT_EQ(agent_.gossip.surveys[0].wanted, agent_.catalog->vector());
  EXPECT_EQ(state.answered_by(), "agents/0000000000000001");
  EXPECT_EQ(state.account(), kAccount);
  EXPECT_FALSE(state.converged());
  ASSERT_EQ(state.agents_size(), 2);
  EXPECT_EQ(state.agents(0).agent().display_name(), "alpha");
  EXPECT_EQ(state.agents(0).version(), "0.1.0");
  EXPECT_TRUE(state.agents(0).enforcing_all());
  EXPECT_EQ(state.agents(1).liveness(), v1::SUSPECT);
  EXPECT_EQ(state.agents(1).missing_transactions(), 4);
  EXPECT_FALSE(state.agents(1).enforcing_all());
  EXPECT_FALSE(state.agents(1).has_last_agreed());
  EXPECT_FALSE(state.agents(1).has_bootstrap());
}

TEST_F(MeshQuestionsTest, StateTellsHowOldAnAgentsCopyMayBeAndHowFarItsFirstOneIs) {
  agent_.gossip.rows = {{1, Row(1)}, {2, Row(2)}};
  agent_.gossip.rows[1].set_agreed_millis_ago(90'500);
  auto& bootstrap = *agent_.gossip.rows[2].mutable_bootstrap();
  bootstrap.set_entries(120);
  bootstrap.set_entries_expected(3000);
  bootstrap.set_peers(2);
  const v1::MeshState state = State();
  EXPECT_EQ(state.agents(0).last_agreed().seconds(), 90);
  EXPECT_EQ(state.agents(0).last_agreed().nanos(), 500'000'000);
  EXPECT_EQ(state.agents(1).bootstrap().entries(), 120);
  EXPECT_EQ(state.agents(1).bootstrap().entries_expected(), 3000);
  EXPECT_EQ(state.agents(1).bootstrap().peers(), 2);
}

TEST_F(MeshQuestionsTest, WhoDoesNotAnswerIsShownAsTheRosterHasIt) {
  agent_.gossip.rows = {{1, Row(1)}};
  agent_.gossip.members[1].liveness = gossip::Liveness::kDown;
  v1::MeshState state = State();
  EXPECT_TRUE(state.converged()) << "who is down keeps nobody from it";
  EXPECT_TRUE(state.agents(0).answered());
  EXPECT_FALSE(state.agents(1).answered());
  EXPECT_EQ(state.agents(1).agent().display_name(), "beta");
  EXPECT_EQ(state.agents(1).root(), "");
  agent_.gossip.members[1].liveness = gossip::Liveness::kAlive;
  EXPECT_FALSE(State().converged()) << "silence is not agreement";
}

// --- TraceWrite ----------------------------------------------------------------------------------

TEST_F(MeshQuestionsTest, ATraceTellsWhenAWriteCameToEachAgent) {
  const std::string token = Write();
  agent_.gossip.rows = {{1, Row(1)}, {2, Row(2)}};
  agent_.gossip.rows[1].set_received_from(1);
  agent_.gossip.rows[1].set_received_micros(1000000);
  agent_.gossip.rows[1].set_enforced_micros(1003000);
  agent_.gossip.rows[2].set_received_from(1);
  agent_.gossip.rows[2].set_received_micros(1005000);
  ASSERT_OK_AND_ASSIGN(v1::TraceWriteResponse traced, Trace(token));
  EXPECT_EQ(agent_.gossip.surveys[0].wanted.head(agent_.written->origin), agent_.written->sequence);
  EXPECT_EQ(traced.author(), "agents/0000000000000001");
  EXPECT_EQ(TimeUtil::TimestampToMicroseconds(traced.commit_time()), 1000000);
  ASSERT_EQ(traced.agents_size(), 2);
  EXPECT_EQ(TimeUtil::TimestampToMicroseconds(traced.agents(0).enforce_time()), 1003000);
  EXPECT_EQ(traced.agents(1).received_from(), "agents/0000000000000001");
  EXPECT_FALSE(traced.agents(1).has_enforce_time());

  const storage::Version version = agent_.catalog->FindRecord(agent_.Expand("{cart}"))->version;
  agent_.gossip.rows.erase(2);
  ASSERT_OK_AND_ASSIGN(traced, Trace(version.ToEtag()));
  EXPECT_EQ(agent_.gossip.surveys[1].trace, version);
  EXPECT_EQ(TimeUtil::TimestampToMicroseconds(traced.commit_time()),
            absl::ToUnixMicros(version.time()));
  EXPECT_FALSE(traced.agents(1).answered());
  EXPECT_THAT(Trace("garbage"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("write: neither a mesh token")));
}

// --- AwaitToken ----------------------------------------------------------------------------------

TEST_F(MeshQuestionsTest, ATokenIsAwaitedUntilItsWriteIsHeld) {
  absl::Status held = absl::UnknownError("not yet");
  const auto done = [&](const absl::Status& status) { held = status; };
  EXPECT_EQ(questions_.AwaitToken(Write(), done), 0);
  EXPECT_OK(held);

  held = absl::UnknownError("not yet");
  storage::MeshToken next = *agent_.written;
  ++next.sequence;
  EXPECT_NE(questions_.AwaitToken(next.ToString(), done), 0);
  agent_.sim.RunFor(absl::Seconds(1));
  ASSERT_OK(agent_.Call(CreateService, "service { display_name: 'newer' }"));
  EXPECT_THAT(held, StatusIs(StatusCode::kUnknown)) << "never inside a commit";
  agent_.sim.RunFor(absl::ZeroDuration());
  EXPECT_OK(held);
}

TEST_F(MeshQuestionsTest, AWriteThatDoesNotComeIsRefusedWithItsDistance) {
  absl::Status held;
  Write();
  storage::MeshToken later = *agent_.written;
  later.sequence += 7;
  questions_.AwaitToken(later.ToString(), [&](const absl::Status& status) { held = status; });
  agent_.sim.RunFor(absl::Seconds(2));
  EXPECT_THAT(held,
              StatusIs(StatusCode::kFailedPrecondition,
                       "mesh token: after 2s this agent still lacks 7 transactions of alpha, that "
                       "write among them; try again, or ask another agent"));
  questions_.AwaitToken("garbage", [&](const absl::Status& status) { held = status; });
  EXPECT_THAT(held, StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace trellis::api
