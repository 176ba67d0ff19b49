// The admin services of proto/trellis/v1/admin.proto over gRPC: each method forwards to its handler
// on the control thread. No call holds a thread while it waits.
//
// Errors become gRPC statuses of the same code. Every call that changes something leaves one log
// line: who, method, resource, outcome.
#ifndef TRELLIS_NODE_API_GRPC_ADMIN_SERVICE_H_
#define TRELLIS_NODE_API_GRPC_ADMIN_SERVICE_H_

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/service_type.h"
#include "node/api/handlers/context.h"
#include "node/api/handlers/mesh_events.h"
#include "node/api/handlers/mesh_questions.h"

namespace trellis::api {

// For the builder of a server that carries these services. An Apply of a thousand manifests is well
// within.
inline constexpr int kMaxRequestBytes = 16 << 20;
// Calls waiting for the control thread; past it RESOURCE_EXHAUSTED.
inline constexpr int kMaxCallsInFlight = 512;
// Trailing metadata of a call that wrote: what to give to WaitForConvergence. A call that brings it
// along is answered once this agent holds that write, or refused (MeshQuestions::AwaitToken): so a
// caller finds what it wrote elsewhere. Waits, watches and questions to the mesh ignore it.
inline constexpr char kMeshTokenMetadata[] = "x-mesh-token";
// Trailing metadata of a call that was refused because this agent has just started
// (gossip/membership/starting.h): nothing was done, and the same call will be taken soon.
inline constexpr char kStartingMetadata[] = "x-trellis-starting";

// Who calls, from what the edge verified about the connection.
//   PERMISSION_DENIED, UNAUTHENTICATED  the call is answered with it
// Called on gRPC's threads.
using CallerOf = std::function<absl::StatusOr<Caller>(const grpc::CallbackServerContext& context)>;

// For the admin socket: its file permissions have decided who may open it.
absl::StatusOr<Caller> LocalCaller(const grpc::CallbackServerContext& context);

// The same code and message; a message longer than metadata may carry is cut.
grpc::Status ToGrpcStatus(const absl::Status& status);

// All admin services at once. Register one with each server: who its callers are differs.
//
// `agent`, `events` and `questions` are borrowed and outlive the server, and the control thread
// (agent.runtime.scheduler) must run until the server has shut down.
class AdminService final : public grpc::Service {
 public:
  AdminService(AgentContext& agent, MeshEvents& events, MeshQuestions& questions,
               CallerOf caller_of);
  ~AdminService() override;

  // "/trellis.v1.RuleAdmin/CreateRule" and so on.
  const std::deque<std::string>& paths() const { return paths_; }

 private:
  template <typename Request, typename Response>
  using Handler = absl::StatusOr<Response> (*)(CallContext&, const Request&);

  template <typename Request, typename Response>
  void Add(absl::string_view method, Handler<Request, Response> handler);
  template <typename Request, typename Response>
  void AddQuestion(absl::string_view method,
                   uint64_t (MeshQuestions::*ask)(const Request&, MeshQuestions::Answer<Response>));
  void AddWatchMesh();
  const char* AddPath(absl::string_view method);

  void AwaitToken(const grpc::CallbackServerContext& context,
                  absl::AnyInvocable<void(absl::Status)> go_on);
  template <typename Request, typename Response>
  grpc::Status Run(grpc::CallbackServerContext& context, absl::string_view method,
                   Handler<Request, Response> handler, const Request& request, Response* response);

  AgentContext& agent_;
  MeshEvents& events_;
  MeshQuestions& questions_;
  const CallerOf caller_of_;
  std::deque<std::string> paths_;  // gRPC keeps pointers to these.
  std::atomic<int> calls_in_flight_{0};
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_GRPC_ADMIN_SERVICE_H_
