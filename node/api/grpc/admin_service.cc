#include "node/api/grpc/admin_service.h"

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "gossip/membership/starting.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "node/api/handlers/account.h"
#include "node/api/handlers/agent.h"
#include "node/api/handlers/apply.h"
#include "node/api/handlers/conflict.h"
#include "node/api/handlers/listener.h"
#include "node/api/handlers/mesh.h"
#include "node/api/handlers/rule.h"
#include "node/api/handlers/sealing.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/service_association.h"
#include "node/api/handlers/service_network.h"
#include "node/api/handlers/target.h"
#include "node/api/handlers/target_group.h"
#include "node/api/handlers/vpc.h"
#include "node/api/handlers/vpc_association.h"

namespace trellis::api {
namespace {

using google::protobuf::Message;

// Status messages travel in the trailers, which peers bound at 8 KiB, percent-encoded.
constexpr size_t kMaxMessageBytes = 2048;

// The string field of that name, or nothing.
std::string FieldOf(const Message& message, const char* name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  const bool is_text = field != nullptr && !field->is_repeated() &&
                       field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING;
  return is_text ? message.GetReflection()->GetString(message, field) : "";
}

bool IsReading(absl::string_view method) {
  const absl::string_view verb = method.substr(method.find('/') + 1);
  return absl::StartsWith(verb, "Get") || absl::StartsWith(verb, "List") ||
         absl::StartsWith(verb, "Explain");
}

// The audit line. What a request carries beyond names may be secret, so nothing else is shown.
void LogCall(const Caller& caller, absl::string_view method, const Message& request,
             const Message& response, const absl::Status& outcome) {
  if (IsReading(method)) return;
  std::string resource = FieldOf(response, "name");
  for (const char* field : {"name", "parent"}) {
    if (resource.empty()) resource = FieldOf(request, field);
  }
  LOG(INFO) << "admin: " << (caller.kind == Caller::Kind::kOperator ? "operator " : "")
            << caller.name << " " << method << (resource.empty() ? "" : " ")
            << absl::CHexEscape(resource.substr(0, 256)) << ": "
            << (outcome.ok() ? "done" : outcome.ToString());
}

// Ends at once with an error.
grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace

absl::StatusOr<Caller> LocalCaller(const grpc::CallbackServerContext&) {
  return Caller{Caller::Kind::kLocal, "local"};
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  // The codes are the same numbers on both sides.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message().substr(0, kMaxMessageBytes)));
}

AdminService::AdminService(AgentContext& agent, MeshEvents& events, MeshQuestions& questions,
                           CallerOf caller_of)
    : agent_(agent), events_(events), questions_(questions), caller_of_(std::move(caller_of)) {
  Add("AccountAdmin/CreateAccount", &CreateAccount);
  Add("AccountAdmin/GetAccount", &GetAccount);
  Add("AccountAdmin/ListAccounts", &ListAccounts);
  Add("AccountAdmin/UpdateAccount", &UpdateAccount);
  Add("AccountAdmin/DeleteAccount", &DeleteAccount);
  Add("VpcAdmin/CreateVpc", &CreateVpc);
  Add("VpcAdmin/GetVpc", &GetVpc);
  Add("VpcAdmin/ListVpcs", &ListVpcs);
  Add("VpcAdmin/UpdateVpc", &UpdateVpc);
  Add("VpcAdmin/DeleteVpc", &DeleteVpc);
  Add("ServiceNetworkAdmin/CreateServiceNetwork", &CreateServiceNetwork);
  Add("ServiceNetworkAdmin/GetServiceNetwork", &GetServiceNetwork);
  Add("ServiceNetworkAdmin/ListServiceNetworks", &ListServiceNetworks);
  Add("ServiceNetworkAdmin/UpdateServiceNetwork", &UpdateServiceNetwork);
  Add("ServiceNetworkAdmin/DeleteServiceNetwork", &DeleteServiceNetwork);
  Add("ServiceAdmin/CreateService", &CreateService);
  Add("ServiceAdmin/GetService", &GetService);
  Add("ServiceAdmin/ListServices", &ListServices);
  Add("ServiceAdmin/UpdateService", &UpdateService);
  Add("ServiceAdmin/DeleteService", &DeleteService);
  Add("ListenerAdmin/CreateListener", &CreateListener);
  Add("ListenerAdmin/GetListener", &GetListener);
  Add("ListenerAdmin/ListListeners", &ListListeners);
  Add("ListenerAdmin/UpdateListener", &UpdateListener);
  Add("ListenerAdmin/DeleteListener", &DeleteListener);
  Add("RuleAdmin/CreateRule", &CreateRule);
  Add("RuleAdmin/GetRule", &GetRule);
  Add("RuleAdmin/ListRules", &ListRules);
  Add("RuleAdmin/UpdateRule", &UpdateRule);
  Add("RuleAdmin/DeleteRule", &DeleteRule);
  Add("TargetGroupAdmin/CreateTargetGroup", &CreateTargetGroup);
  Add("TargetGroupAdmin/GetTargetGroup", &GetTargetGroup);
  Add("TargetGroupAdmin/ListTargetGroups", &ListTargetGroups);
  Add("TargetGroupAdmin/UpdateTargetGroup", &UpdateTargetGroup);
  Add("TargetGroupAdmin/DeleteTargetGroup", &DeleteTargetGroup);
  Add("TargetAdmin/RegisterTargets", &RegisterTargets);
  Add("TargetAdmin/DeregisterTargets", &DeregisterTargets);
  Add("TargetAdmin/ListTargets", &ListTargets);
  Add("VpcAssociationAdmin/CreateVpcAssociation", &CreateVpcAssociation);
  Add("VpcAssociationAdmin/GetVpcAssociation", &GetVpcAssociation);
  Add("VpcAssociationAdmin/ListVpcAssociations", &ListVpcAssociations);
  Add("VpcAssociationAdmin/DeleteVpcAssociation", &DeleteVpcAssociation);
  Add("ServiceAssociationAdmin/CreateServiceAssociation", &CreateServiceAssociation);
  Add("ServiceAssociationAdmin/GetServiceAssociation", &GetServiceAssociation);
  Add("ServiceAssociationAdmin/ListServiceAssociations", &ListServiceAssociations);
  Add("ServiceAssociationAdmin/DeleteServiceAssociation", &DeleteServiceAssociation);
  Add("AgentAdmin/GetAgent", &GetAgent);
  Add("AgentAdmin/ListAgents", &ListAgents);
  Add("AgentAdmin/DeleteAgent", &DeleteAgent);
  Add("AgentAdmin/CreateJoinToken", &CreateJoinToken);
  Add("AgentAdmin/CreateOperatorCertificate", &CreateOperatorCertificate);
  Add("ApplyAdmin/Apply", &Apply);
  Add("ConflictAdmin/ListConflicts", &ListConflicts);
  Add("ConflictAdmin/GetConflict", &GetConflict);
  Add("ConflictAdmin/ResolveConflict", &ResolveConflict);
  Add("MeshAdmin/ExplainRequest", &ExplainRequest);
  Add("MeshAdmin/RotateSealingKeys", &RotateSealingKeys);
  AddQuestion("MeshAdmin/GetMeshState", &MeshQuestions::GetMeshState);
  AddQuestion("MeshAdmin/WaitForConvergence", &MeshQuestions::WaitForConvergence);
  AddQuestion("MeshAdmin/TraceWrite", &MeshQuestions::TraceWrite);
  AddWatchMesh();
}

AdminService::~AdminService() = default;

const char* AdminService::AddPath(absl::string_view method) {
  return paths_.emplace_back(absl::StrCat("/trellis.v1.", method)).c_str();
}

// Goes on with OK when this agent holds the write that the caller brings the token of, if any.
void AdminService::AwaitToken(const grpc::CallbackServerContext& context,
                              absl::AnyInvocable<void(absl::Status)> go_on) {
  const auto token = context.client_metadata().find(kMeshTokenMetadata);
  if (token == context.client_metadata().end()) return go_on(absl::OkStatus());
  // Only who may call may make the agent wait.
  const absl::StatusOr<Caller> caller = caller_of_(context);
  if (!caller.ok()) return go_on(caller.status());
  questions_.AwaitToken({token->second.data(), token->second.size()}, std::move(go_on));
}

// What runs on the control thread.
template <typename Request, typename Response>
grpc::Status AdminService::Run(grpc::CallbackServerContext& context, absl::string_view method,
                               Handler<Request, Response> handler, const Request& request,
                               Response* response) {
  // Nobody waits for the answer any more: then nothing is done either.
  if (context.IsCancelled()) return grpc::Status(grpc::StatusCode::CANCELLED, "cancelled in time");
  absl::StatusOr<Caller> caller = caller_of_(context);
  if (!caller.ok()) return ToGrpcStatus(caller.status());
  CallContext call{agent_, *std::move(caller), std::nullopt};
  absl::StatusOr<Response> answer = handler(call, request);
  if (answer.ok()) *response = *std::move(answer);
  LogCall(call.caller, method, request, *response, answer.status());
  if (call.written.has_value()) {
    context.AddTrailingMetadata(kMeshTokenMetadata, call.written->ToString());
  }
  if (gossip::IsStarting(answer.status())) context.AddTrailingMetadata(kStartingMetadata, "1");
  return ToGrpcStatus(answer.status());
}

template <typename Request, typename Response>
void AdminService::Add(absl::string_view method, Handler<Request, Response> handler) {
  const char* const path = AddPath(method);
  // This is what protoc's plugin generates for a callback method, less a class for each service.
  AddMethod(
      new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
  MarkMethodCallback(
      static_cast<int>(paths_.size()) - 1,
      new grpc::internal::CallbackUnaryHandler<Request, Response>(
          [this, method, handler](grpc::CallbackServerContext* context, const Request* request,
                                  Response* response) -> grpc::ServerUnaryReactor* {
            if (calls_in_flight_.fetch_add(1) >= kMaxCallsInFlight) {
              calls_in_flight_.fetch_sub(1);
              return Refuse(context, absl::ResourceExhaustedError(
                                         "too many calls wait for this agent; try again later"));
            }
            // The reactor, context, request and response live until Finish.
            grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
            agent_.runtime.scheduler.Post([=, this] {
              AwaitToken(*context, [=, this](const absl::Status& held) {
                const grpc::Status status = held.ok()
                                                ? Run(*context, method, handler, *request, response)
                                                : ToGrpcStatus(held);
                calls_in_flight_.fetch_sub(1);
                reactor->Finish(status);
              });
            });
            return reactor;
          }));
}

// --- Calls that last -----------------------------------------------------------------------------

namespace {

// A reactor dies when its call is done, which may be before a task about it runs. So tasks hold its
// State, and only the control thread looks into that.
template <typename Request, typename Response>
class QuestionCall final : public grpc::ServerUnaryReactor {
 public:
  using Ask = uint64_t (MeshQuestions::*)(const Request&, MeshQuestions::Answer<Response>);

  static QuestionCall* Start(Scheduler& scheduler, MeshQuestions& questions, Ask ask,
                             const Request& request, Response* response) {
    auto* const call = new QuestionCall(scheduler, questions);
    scheduler.Post([state = call->state_, ask, request, response] {
      if (state->call == nullptr) return;  // Cancelled already.
      state->asked =
          (state->questions.*ask)(request, [state, response](absl::StatusOr<Response> answer) {
            if (answer.ok()) *response = *std::move(answer);
            state->Finish(ToGrpcStatus(answer.status()));
          });
    });
    return call;
  }

  void OnCancel() override {
    scheduler_.Post([state = state_] {
      state->questions.Cancel(state->asked);
      state->Finish(grpc::Status::CANCELLED);
    });
  }
  void OnDone() override { delete this; }

 private:
  struct State {
    MeshQuestions& questions;
    QuestionCall* call;  // Null once finished.
    uint64_t asked = 0;

    void Finish(const grpc::Status& status) {
      if (call != nullptr) std::exchange(call, nullptr)->ServerUnaryReactor::Finish(status);
    }
  };

  QuestionCall(Scheduler& scheduler, MeshQuestions& questions)
      : scheduler_(scheduler), state_(std::make_shared<State>(State{questions, this})) {}

  Scheduler& scheduler_;
  const std::shared_ptr<State> state_;
};

class WatchCall final : public grpc::ServerWriteReactor<v1::WatchMeshResponse> {
 public:
  static WatchCall* Start(Scheduler& scheduler, MeshEvents& events,
                          const v1::WatchMeshRequest& request) {
    auto* const call = new WatchCall(scheduler);
    scheduler.Post([state = call->state_, &scheduler, &events, request] {
      if (state->call == nullptr) return;
      // Not from inside the commit that made something ready.
      const std::weak_ptr<State> weak = state;
      auto watcher = events.Watch(request, [&scheduler, weak] {
        scheduler.Post([weak] {
          if (const auto alive = weak.lock()) alive->WriteNext();
        });
      });
      if (!watcher.ok()) return state->Finish(ToGrpcStatus(watcher.status()));
      state->watcher = *std::move(watcher);
      state->WriteNext();
    });
    return call;
  }

  void OnWriteDone(bool ok) override {
    scheduler_.Post([state = state_, ok] {
      state->writing = false;
      if (!ok) return state->Finish(grpc::Status::CANCELLED);
      state->WriteNext();
    });
  }
  void OnCancel() override {
    scheduler_.Post([state = state_] { state->Finish(grpc::Status::CANCELLED); });
  }
  void OnDone() override { delete this; }

 private:
  struct State {
    WatchCall* call;  // Null once finished.
    std::unique_ptr<MeshEvents::Watcher> watcher = nullptr;
    v1::WatchMeshResponse event = {};  // Being written.
    bool writing = false;

    void WriteNext() {
      if (call == nullptr || writing) return;
      if (watcher->Next(&event)) {
        writing = true;
        call->StartWrite(&event);
      } else if (watcher->done()) {
        Finish(grpc::Status::OK);
      }
    }
    void Finish(const grpc::Status& status) {
      watcher.reset();
      if (call != nullptr) std::exchange(call, nullptr)->ServerWriteReactor::Finish(status);
    }
  };

  explicit WatchCall(Scheduler& scheduler)
      : scheduler_(scheduler), state_(std::make_shared<State>(State{this})) {}

  Scheduler& scheduler_;
  const std::shared_ptr<State> state_;
};

// For a stream that is refused at once.
class RefusedWatch final : public grpc::ServerWriteReactor<v1::WatchMeshResponse> {
 public:
  explicit RefusedWatch(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

// Waits and watches read the whole mesh.
absl::Status MayWatch(AgentContext& agent, const absl::StatusOr<Caller>& caller) {
  if (!caller.ok()) return caller.status();
  return Authorize(CallContext{agent, *caller, std::nullopt}, Action::kRead, "mesh");
}

}  // namespace

template <typename Request, typename Response>
void AdminService::AddQuestion(absl::string_view method,
                               uint64_t (MeshQuestions::*ask)(const Request&,
                                                              MeshQuestions::Answer<Response>)) {
  const char* const path = AddPath(method);
  AddMethod(
      new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
  MarkMethodCallback(static_cast<int>(paths_.size()) - 1,
                     new grpc::internal::CallbackUnaryHandler<Request, Response>(
                         [this, ask](grpc::CallbackServerContext* context, const Request* request,
                                     Response* response) -> grpc::ServerUnaryReactor* {
                           const absl::Status allowed = MayWatch(agent_, caller_of_(*context));
                           if (!allowed.ok()) return Refuse(context, allowed);
                           return QuestionCall<Request, Response>::Start(
                               agent_.runtime.scheduler, questions_, ask, *request, response);
                         }));
}

void AdminService::AddWatchMesh() {
  using Request = v1::WatchMeshRequest;
  using Response = v1::WatchMeshResponse;
  const char* const path = AddPath("MeshAdmin/WatchMesh");
  AddMethod(new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::SERVER_STREAMING,
                                                 nullptr));
  MarkMethodCallback(static_cast<int>(paths_.size()) - 1,
                     new grpc::internal::CallbackServerStreamingHandler<Request, Response>(
                         [this](grpc::CallbackServerContext* context,
                                const Request* request) -> grpc::ServerWriteReactor<Response>* {
                           const absl::Status allowed = MayWatch(agent_, caller_of_(*context));
                           if (!allowed.ok()) return new RefusedWatch(allowed);
                           return WatchCall::Start(agent_.runtime.scheduler, events_, *request);
                         }));
}

}  // namespace trellis::api
