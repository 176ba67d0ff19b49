// An agent's API without the agent: real catalog, simulated time, a gossip that says what it is
// told. Requests are text protos in which "{cart/http}" stands for a resource name of the world.
//
//   TestAgent agent;
//   agent.MakeWorld();
//   EXPECT_OK(agent.Call(GetRule, "name: '{cart/http/stock}'"));
#ifndef TRELLIS_NODE_API_HANDLERS_TEST_AGENT_H_
#define TRELLIS_NODE_API_HANDLERS_TEST_AGENT_H_

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "google/protobuf/text_format.h"
#include "gossip/gossip.h"
#include "node/api/handlers/context.h"
#include "node/api/handlers/mesh_events.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"

namespace trellis::api {

inline constexpr char kMesh[] = "0123456789abcdef";
inline constexpr char kAccount[] = "111122223333";
inline constexpr storage::NodeId kNode = 1;

// Keeps what it is asked until the test, or at once its scheduler, lets it answer.
class FakeGossip final : public gossip::Gossip {
 public:
  void Start() override {}
  void SetEnforced(const storage::VersionVector&) override {}
  absl::Status CheckWritable() const override { return writable; }
  std::vector<std::string> Alarms() const override { return alarms; }
  uint64_t Barrier(gossip::BarrierRequest request, gossip::Barriers::BarrierDone done) override {
    barriers.push_back(std::move(request));
    barriers_done_.emplace(++asked_, std::move(done));
    AnswerSoon();
    return asked_;
  }
  uint64_t Survey(const gossip::SurveyRequest& request,
                  gossip::Barriers::SurveyDone done) override {
    surveys.push_back(request);
    surveys_done_.emplace(++asked_, std::move(done));
    AnswerSoon();
    return asked_;
  }
  void CancelQuery(uint64_t id) override { barriers_done_.erase(id) || surveys_done_.erase(id); }
  gossip::HealthShards& health() override { std::abort(); }  // The data plane's; no handler asks.
  const gossip::ReplicationCounters& replication() const override { return counters_; }
  uint64_t down_verdicts() const override { return 0; }
  bool Leads(absl::FunctionRef<bool(gossip::NodeId)> may) override {
    return writable.ok() && may(kNode);
  }
  bool CatchingUp() const override { return false; }
  std::vector<gossip::MemberView> View() const override { return members; }

  // Answers all that was asked and not cancelled.
  void Answer() {
    for (auto& [id, done] : std::exchange(barriers_done_, {})) done(result);
    for (auto& [id, done] : std::exchange(surveys_done_, {})) done(rows);
  }

  std::vector<gossip::MemberView> members;
  absl::Status writable;
  std::vector<std::string> alarms;
  Scheduler* answers_on = nullptr;  // Null: the test calls Answer.
  gossip::BarrierResult result;     // What it answers.
  gossip::SurveyRows rows;
  std::vector<gossip::BarrierRequest> barriers;  // What it was asked.
  std::vector<gossip::SurveyRequest> surveys;

 private:
  void AnswerSoon() {
    if (answers_on != nullptr) answers_on->Post([this] { Answer(); });
  }

  gossip::ReplicationCounters counters_;
  uint64_t asked_ = 0;
  std::map<uint64_t, gossip::Barriers::BarrierDone> barriers_done_;
  std::map<uint64_t, gossip::Barriers::SurveyDone> surveys_done_;
};

// Says what it was asked.
class FakeIssuer final : public Issuer {
 public:
  absl::StatusOr<v1::CreateJoinTokenResponse> CreateJoinToken(
      const v1::CreateJoinTokenRequest& request) override;
  absl::StatusOr<v1::CreateOperatorCertificateResponse> CreateOperatorCertificate(
      const v1::CreateOperatorCertificateRequest& request) override;
};

class TestAgent {
 public:
  // With simulated time unless `scheduler` is given; then everything is for its thread.
  explicit TestAgent(Scheduler* scheduler = nullptr,
                     const storage::FakeAuthorship::Options& self = {.node = kNode});

  // Service "cart" of network "shop" for VPC "main", which has agents "alpha" (this one) and
  // "beta"; and "pay", "spare", account 444455556666 with nothing in them.
  void MakeWorld();

  // Takes what `other` has and this one lacks.
  void PullFrom(TestAgent& other);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(absl::StatusOr<Response> (*method)(CallContext&, const Request&),
                                const std::string& request_text, absl::string_view caller = "ann") {
    Request request;
    CHECK(google::protobuf::TextFormat::ParseFromString(Expand(request_text), &request))
        << request_text;
    return CallWith(method, request, caller);
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> CallWith(absl::StatusOr<Response> (*method)(CallContext&,
                                                                       const Request&),
                                    const Request& request, absl::string_view caller = "ann") {
    CallContext call{context, {Caller::Kind::kOperator, std::string(caller)}, std::nullopt};
    absl::StatusOr<Response> response = method(call, request);
    written = call.written;
    return response;
  }

  // "{cart/http}" to the resource name, and names and ids back to labels, so that messages can be
  // compared whole. Associations are "{shop~cart}"; accounts, VPCs and agents have fixed names.
  std::string Expand(std::string text) const;
  std::string Readable(std::string text) const;

  SimScheduler sim;
  SeededRandom random{7};
  storage::MemoryEngine engine;
  storage::FakeAuthorship authorship;
  std::unique_ptr<storage::Catalog> catalog;
  FakeGossip gossip;
  FakeIssuer issuer;
  std::map<std::string, health::Verdict> verdicts;  // By target name.
  AgentContext context;
  std::optional<storage::MeshToken> written;  // By the latest call.

 private:
  std::vector<std::pair<std::string, std::string>> Labels() const;
};

// A call to be made later, for tables: gives the answer as a message.
using Answer = absl::StatusOr<std::shared_ptr<const google::protobuf::Message>>;
using Step = std::function<Answer(TestAgent&)>;

template <typename Request, typename Response>
Step Calling(absl::StatusOr<Response> (*method)(CallContext&, const Request&),
             const std::string& request_text) {
  return [=](TestAgent& agent) -> Answer {
    absl::StatusOr<Response> response = agent.Call(method, request_text);
    if (!response.ok()) return response.status();
    return std::make_shared<const Response>(*std::move(response));
  };
}

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_TEST_AGENT_H_
