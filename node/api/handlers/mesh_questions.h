// What an agent cannot know alone: who enforces a write, what each agent holds, when a write came
// to each. Asked of the whole mesh when somebody asks here; nothing is kept.
//
// Also the wait of a caller that must find its earlier write here (its mesh token).
#ifndef TRELLIS_NODE_API_HANDLERS_MESH_QUESTIONS_H_
#define TRELLIS_NODE_API_HANDLERS_MESH_QUESTIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gossip/gossip.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/mesh_api.pb.h"
#include "storage/catalog/version.h"

namespace trellis::api {

// Destroyed before what `agent` names. Thread-safety: none; control thread.
class MeshQuestions {
 public:
  // Callers that wait, of all kinds together; past it RESOURCE_EXHAUSTED.
  static constexpr size_t kMaxWaiting = 256;
  static constexpr absl::Duration kSurveyTime = absl::Seconds(1);
  static constexpr absl::Duration kTokenPatience = absl::Seconds(2);

  template <typename Response>
  using Answer = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

  explicit MeshQuestions(AgentContext& agent);
  ~MeshQuestions();
  MeshQuestions(const MeshQuestions&) = delete;
  MeshQuestions& operator=(const MeshQuestions&) = delete;

  // Each calls `answer` once: before it returns (0) when it refuses, later otherwise (a number for
  // Cancel).
  //   INVALID_ARGUMENT    a field of the request; the message names it
  //   NOT_FOUND           vpc
  //   RESOURCE_EXHAUSTED  kMaxWaiting wait already
  uint64_t WaitForConvergence(const v1::WaitForConvergenceRequest& request,
                              Answer<v1::WaitForConvergenceResponse> answer);
  uint64_t GetMeshState(const v1::GetMeshStateRequest& request, Answer<v1::MeshState> answer);
  uint64_t TraceWrite(const v1::TraceWriteRequest& request, Answer<v1::TraceWriteResponse> answer);

  // Calls `done` when this agent holds the write of `mesh_token`; maybe before it returns (0).
  //   FAILED_PRECONDITION  not within kTokenPatience; the message says how far behind it is
  //   INVALID_ARGUMENT, RESOURCE_EXHAUSTED  as above
  uint64_t AwaitToken(absl::string_view mesh_token, absl::AnyInvocable<void(absl::Status)> done);

  // The answer is dropped uncalled.
  void Cancel(uint64_t id);

 private:
  struct Awaited {
    storage::MeshToken token;
    Scheduler::TimerId timer = Scheduler::TimerId::kNone;
    absl::AnyInvocable<void(absl::Status)> done;
  };

  absl::Status CheckRoom() const;
  absl::StatusOr<gossip::BarrierRequest> BarrierOf(
      const v1::WaitForConvergenceRequest& request) const;
  uint64_t Survey(const gossip::SurveyRequest& request,
                  absl::AnyInvocable<void(const gossip::SurveyRows&)> done);
  v1::MeshState StateOf(const gossip::SurveyRows& rows) const;
  void OnCatalogChanged();
  void EndAwaiting(uint64_t id, const absl::Status& status);

  AgentContext& agent_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, uint64_t> asked_;  // And the gossip's number for it.
  std::map<uint64_t, Awaited> awaited_;
  // The catalog keeps its listeners for longer than this object lives.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_MESH_QUESTIONS_H_
