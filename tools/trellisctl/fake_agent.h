// An agent's admin services without an agent: answers that tests choose, and what was asked.
#ifndef TRELLIS_TOOLS_TRELLISCTL_FAKE_AGENT_H_
#define TRELLIS_TOOLS_TRELLISCTL_FAKE_AGENT_H_

#include <grpcpp/server_context.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/sync/mutex.h"
#include "proto/trellis/v1/admin.grpc.pb.h"

namespace trellis::ctl {

// An agent that holds one of each: service inventory, its listener http with rule stock, target
// group blue with two targets, VPC warehouse, network shop.
class FakeAgent final : public v1::ApplyAdmin::Service,
                        public v1::MeshAdmin::Service,
                        public v1::ServiceAdmin::Service,
                        public v1::ListenerAdmin::Service,
                        public v1::RuleAdmin::Service,
                        public v1::TargetGroupAdmin::Service,
                        public v1::TargetAdmin::Service,
                        public v1::VpcAdmin::Service,
                        public v1::ServiceAssociationAdmin::Service,
                        public v1::AgentAdmin::Service,
                        public v1::ConflictAdmin::Service {
 public:
  // What the next calls answer, and what the last one asked. Set before the call, read after it,
  // with Settle between the two and the call.
  grpc::Status apply_status;
  int starting = 0;  // So many calls of Apply are refused by an agent that has just started.
  int applies = 0;   // Calls of Apply.
  bool converged = true;
  bool timed = false;  // Latencies are known.
  std::string token;   // That the last call brought.
  bool resync = false;
  bool twin = false;  // Another service inventory.
  v1::ApplyRequest applied;
  v1::WaitForConvergenceRequest waited;
  v1::ExplainRequestRequest explained;
  v1::RegisterTargetsRequest registered;
  v1::DeregisterTargetsRequest deregistered;
  v1::CreateJoinTokenRequest token_asked;
  v1::CreateOperatorCertificateRequest operator_asked;
  std::vector<std::string> deleted;
  std::string deleted_etag;  // That the last deletion of a service brought.
  v1::ResolveConflictRequest resolved;
  bool no_conflicts = false;
  int conflicts = 0;
  bool bootstrapping = false;  // Agent 2 is; else it is down.
  int agreed_seconds_ago = 0;  // Agent 1, with anybody.
  int lost_claims = 0;
  v1::RotateSealingKeysRequest rotated;
  int lacking = -1;  // Members without a share; negative: an agent that knows no groups.
  grpc::Status operator_status;

  // Orders what the test did with the fields with what calls do with them, on gRPC's threads.
  void Settle() { MutexLock lock(mutex_); }

  grpc::Status Apply(grpc::ServerContext* context, const v1::ApplyRequest* request,
                     v1::ApplyResponse* response) override {
    MutexLock lock(mutex_);
    applied = *request;
    if (++applies <= starting) {
      context->AddTrailingMetadata("x-trellis-starting", "1");
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "this agent has just started");
    }
    if (!apply_status.ok()) return apply_status;
    for (const auto& manifest : request->manifests()) {
      auto* result = response->add_results();
      *result->mutable_resource() = manifest.resource();
      result->set_outcome(v1::ApplyResponse::CREATED);
    }
    if (!request->validate_only()) response->set_mesh_token("token-1");
    return grpc::Status::OK;
  }
  grpc::Status WaitForConvergence(grpc::ServerContext*,
                                  const v1::WaitForConvergenceRequest* request,
                                  v1::WaitForConvergenceResponse* response) override {
    MutexLock lock(mutex_);
    waited = *request;
    response->set_converged(converged);
    response->set_agents(3);
    response->set_enforcing(converged ? 3 : 2);
    if (!converged) response->add_stragglers("agent-c");
    if (!converged) response->add_unreachable("agent-d");
    response->mutable_took()->set_nanos(12'345'678);
    if (timed) {
      response->mutable_p50()->set_nanos(4'000'000);
      response->mutable_p99()->set_nanos(9'000'000);
      response->mutable_max()->set_nanos(11'000'000);
    }
    return grpc::Status::OK;
  }
  grpc::Status TraceWrite(grpc::ServerContext*, const v1::TraceWriteRequest* request,
                          v1::TraceWriteResponse* response) override {
    MutexLock lock(mutex_);
    if (request->write() != "token-1")
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "write: garbage");
    response->set_author("agents/0000000000000001");
    response->mutable_commit_time()->set_seconds(1'700'000'000);
    for (int i = 3; i >= 1; --i) {
      auto* one = response->add_agents();
      one->mutable_agent()->set_name(absl::StrCat("agents/000000000000000", i));
      one->mutable_agent()->set_display_name(absl::StrCat("agent-", i));
      one->set_liveness(i == 3 ? v1::DOWN : v1::ALIVE);
      if (i == 3) continue;
      one->set_answered(true);
      one->set_received_from("agents/0000000000000001");
      one->mutable_receive_time()->set_seconds(1'700'000'000);
      one->mutable_receive_time()->set_nanos((i - 1) * 1'500'000);
      if (i == 1) one->mutable_enforce_time()->set_seconds(1'700'000'001);
    }
    return grpc::Status::OK;
  }
  grpc::Status GetMeshState(grpc::ServerContext* context, const v1::GetMeshStateRequest*,
                            v1::MeshState* state) override {
    MutexLock lock(mutex_);
    token.clear();
    const auto brought = context->client_metadata().find("x-mesh-token");
    if (brought != context->client_metadata().end()) {
      token.assign(brought->second.data(), brought->second.size());
    }
    if (token == "garbage") {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                          "mesh_token: not one; use the mesh_token of an answer");
    }
    state->set_mesh_id("0123456789abcdef");
    state->set_answered_by("agents/0000000000000001");
    state->set_resources(12);
    state->set_conflicts(conflicts);
    state->set_lost_claims(lost_claims);
    for (const char* group : {"admins", "vpcs/vpc-1"}) {
      if (lacking < 0) break;
      auto* one = state->add_sealing_groups();
      one->set_group(group);
      one->set_generation(group[0] == 'a' ? 3 : lacking > 0 ? 0 : 1);
      one->set_members(lacking + 1);
      one->set_lacking(lacking);
      if (lacking > 0) one->add_lacking_agents("agents/0000000000000001");
    }
    for (int i = 1; i <= 2; ++i) {
      auto* one = state->add_agents();
      one->mutable_agent()->set_name(absl::StrCat("agents/000000000000000", i));
      one->mutable_agent()->set_display_name(absl::StrCat("agent-", i));
      one->mutable_agent()->set_vpc("vpcs/vpc-1");
      one->mutable_agent()->set_role(i == 1 ? v1::ADMIN : v1::WORKER);
      one->mutable_agent()->set_mesh_address(absl::StrCat("192.0.2.", i, ":7950"));
      one->set_liveness(i == 1 ? v1::ALIVE : v1::DOWN);
      if (i == 2) one->mutable_last_heard()->set_seconds(75);
      if (i == 2 && !bootstrapping) continue;
      one->set_answered(true);
      if (i == 2) {
        one->mutable_bootstrap()->set_entries(120);
        one->mutable_bootstrap()->set_entries_expected(3000);
        one->mutable_bootstrap()->set_peers(2);
        continue;
      }
      one->mutable_last_agreed()->set_seconds(agreed_seconds_ago);
      one->set_version("0.1.0");
      one->set_root("00112233445566778899aabbccddeeff");
      one->set_enforcing_all(true);
    }
    return grpc::Status::OK;
  }
  grpc::Status RotateSealingKeys(grpc::ServerContext* context,
                                 const v1::RotateSealingKeysRequest* request,
                                 v1::RotateSealingKeysResponse* response) override {
    MutexLock lock(mutex_);
    rotated = *request;
    context->AddTrailingMetadata("x-mesh-token", "token-1");
    for (const char* group : {"admins", "vpcs/vpc-1"}) {
      auto* one = response->add_sealing_groups();
      one->set_group(group);
      one->set_generation(2);
    }
    return grpc::Status::OK;
  }
  grpc::Status WatchMesh(grpc::ServerContext*, const v1::WatchMeshRequest* request,
                         grpc::ServerWriter<v1::WatchMeshResponse>* writer) override {
    MutexLock lock(mutex_);
    v1::WatchMeshResponse event;
    FillVpc(event.mutable_put()->mutable_vpc());
    writer->Write(event);
    event.mutable_synced();
    writer->Write(event);
    event.mutable_deleted()->set_name(request->name_prefix() + "x");
    writer->Write(event);
    if (resync) {
      event.mutable_resync();
      writer->Write(event);
    }
    return grpc::Status::OK;
  }
  grpc::Status ExplainRequest(grpc::ServerContext*, const v1::ExplainRequestRequest* request,
                              v1::ExplainRequestResponse* response) override {
    MutexLock lock(mutex_);
    explained = *request;
    response->set_reason("forward");
    response->set_service("services/svc-1");
    response->set_rule("stock");
    response->add_steps("rule stock matches");
    auto* share = response->add_target_groups();
    share->set_target_group("targetGroups/tg-1");
    share->set_share(0.9);
    auto* candidate = share->add_targets();
    candidate->set_target("10.1.0.11:8080");
    candidate->set_status("HEALTHY");
    return grpc::Status::OK;
  }

  grpc::Status GetService(grpc::ServerContext*, const v1::GetServiceRequest* request,
                          v1::Service* service) override {
    if (request->name() != "inventory" && request->name() != "services/svc-1") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND,
                          absl::StrCat("service \"", request->name(), "\": not found"));
    }
    FillService(service);
    return grpc::Status::OK;
  }
  grpc::Status ListServices(grpc::ServerContext*, const v1::ListServicesRequest* request,
                            v1::ListServicesResponse* response) override {
    MutexLock lock(mutex_);
    // Two pages, the first of them empty, as a filter may leave it.
    if (request->page_token().empty()) {
      response->set_next_page_token("two");
    } else {
      FillService(response->add_services());
      if (twin) {
        FillService(response->add_services());
        response->mutable_services(1)->set_name("services/svc-2");
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status DeleteService(grpc::ServerContext* context, const v1::DeleteServiceRequest* request,
                             google::protobuf::Empty*) override {
    MutexLock lock(mutex_);
    deleted.push_back(request->name());
    deleted_etag = request->etag();
    Wrote(context);
    return grpc::Status::OK;
  }
  grpc::Status ListListeners(grpc::ServerContext*, const v1::ListListenersRequest* request,
                             v1::ListListenersResponse* response) override {
    if (request->parent() != "services/svc-1")
      return grpc::Status(grpc::StatusCode::NOT_FOUND, request->parent());
    auto* listener = response->add_listeners();
    listener->set_name("services/svc-1/listeners/listener-1");
    listener->set_display_name("http");
    listener->set_protocol(v1::LISTENER_HTTP);
    listener->set_port(80);
    listener->mutable_default_action()->mutable_fixed_response()->set_status_code(404);
    return grpc::Status::OK;
  }
  grpc::Status ListRules(grpc::ServerContext*, const v1::ListRulesRequest* request,
                         v1::ListRulesResponse* response) override {
    if (request->parent() != "services/svc-1/listeners/listener-1") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, request->parent());
    }
    auto* rule = response->add_rules();
    rule->set_name("services/svc-1/listeners/listener-1/rules/rule-1");
    rule->set_display_name("stock");
    rule->set_priority(10);
    rule->mutable_match()->mutable_http_match()->set_method("GET");
    auto* group = rule->mutable_action()->mutable_forward()->add_target_groups();
    group->set_target_group("targetGroups/tg-1");
    return grpc::Status::OK;
  }
  grpc::Status DeleteRule(grpc::ServerContext* context, const v1::DeleteRuleRequest* request,
                          google::protobuf::Empty*) override {
    MutexLock lock(mutex_);
    Wrote(context);
    deleted.push_back(request->name());
    return grpc::Status::OK;
  }
  grpc::Status GetTargetGroup(grpc::ServerContext*, const v1::GetTargetGroupRequest* request,
                              v1::TargetGroup* group) override {
    if (request->name() != "blue" && request->name() != "targetGroups/tg-1") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND,
                          absl::StrCat("target group \"", request->name(), "\": not found"));
    }
    FillGroup(group);
    return grpc::Status::OK;
  }
  grpc::Status ListTargetGroups(grpc::ServerContext*, const v1::ListTargetGroupsRequest*,
                                v1::ListTargetGroupsResponse* response) override {
    FillGroup(response->add_target_groups());
    return grpc::Status::OK;
  }
  grpc::Status ListTargets(grpc::ServerContext*, const v1::ListTargetsRequest*,
                           v1::ListTargetsResponse* response) override {
    for (const char* id : {"10.1.0.11", "10.1.0.12"}) {
      auto* target = response->add_targets();
      target->set_name(absl::StrCat("targetGroups/tg-1/targets/", id, ":8080"));
      target->set_id(id);
      target->set_port(8080);
      target->set_status(v1::HEALTHY);
    }
    auto* target = response->add_targets();
    target->set_name("targetGroups/tg-1/targets/[fd00::1]:8080");
    target->set_id("fd00::1");
    target->set_port(8080);
    target->set_status(v1::HEALTHY);
    return grpc::Status::OK;
  }
  grpc::Status RegisterTargets(grpc::ServerContext* context,
                               const v1::RegisterTargetsRequest* request,
                               v1::RegisterTargetsResponse* response) override {
    MutexLock lock(mutex_);
    Wrote(context);
    registered = *request;
    for (const v1::Target& target : request->targets()) {
      if (target.id() != "bad") {
        *response->add_successful() = target;
        continue;
      }
      auto* failure = response->add_unsuccessful();
      failure->set_id(target.id());
      failure->set_failure_code("InvalidTarget");
      failure->set_failure_message("not an address");
    }
    return grpc::Status::OK;
  }
  grpc::Status DeregisterTargets(grpc::ServerContext* context,
                                 const v1::DeregisterTargetsRequest* request,
                                 v1::DeregisterTargetsResponse* response) override {
    MutexLock lock(mutex_);
    Wrote(context);
    deregistered = *request;
    for (const v1::Target& target : request->targets()) *response->add_successful() = target;
    return grpc::Status::OK;
  }
  grpc::Status GetVpc(grpc::ServerContext*, const v1::GetVpcRequest*, v1::Vpc* vpc) override {
    FillVpc(vpc);
    return grpc::Status::OK;
  }
  grpc::Status ListVpcs(grpc::ServerContext*, const v1::ListVpcsRequest*,
                        v1::ListVpcsResponse* response) override {
    FillVpc(response->add_vpcs());
    return grpc::Status::OK;
  }
  grpc::Status DeleteVpc(grpc::ServerContext*, const v1::DeleteVpcRequest*,
                         google::protobuf::Empty*) override {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                        "vpc \"warehouse\": has target groups: blue");
  }
  grpc::Status ListServiceAssociations(grpc::ServerContext*,
                                       const v1::ListServiceAssociationsRequest*,
                                       v1::ListServiceAssociationsResponse* response) override {
    auto* association = response->add_service_associations();
    association->set_name("serviceAssociations/snsa-1");
    association->set_service("services/svc-1");
    association->set_service_network("serviceNetworks/sn-1");
    association->set_status(v1::ACTIVE);
    return grpc::Status::OK;
  }
  grpc::Status ListAgents(grpc::ServerContext*, const v1::ListAgentsRequest*,
                          v1::ListAgentsResponse* response) override {
    auto* agent = response->add_agents();
    agent->set_name("agents/0000000000000001");
    agent->set_display_name("agent-1");
    agent->set_vpc("vpcs/vpc-1");
    return grpc::Status::OK;
  }
  grpc::Status DeleteAgent(grpc::ServerContext* context, const v1::DeleteAgentRequest* request,
                           google::protobuf::Empty*) override {
    MutexLock lock(mutex_);
    Wrote(context);
    deleted.push_back(request->name());
    return grpc::Status::OK;
  }
  grpc::Status CreateJoinToken(grpc::ServerContext*, const v1::CreateJoinTokenRequest* request,
                               v1::CreateJoinTokenResponse* response) override {
    MutexLock lock(mutex_);
    token_asked = *request;
    response->set_token("trellis-join-1");
    return grpc::Status::OK;
  }
  grpc::Status CreateOperatorCertificate(grpc::ServerContext*,
                                         const v1::CreateOperatorCertificateRequest* request,
                                         v1::CreateOperatorCertificateResponse* response) override {
    MutexLock lock(mutex_);
    operator_asked = *request;
    response->set_certificate_pem("CERTIFICATE\n");
    response->set_root_pem("ROOT\n");
    response->add_mesh_addresses("192.0.2.1:7950");
    return operator_status;
  }
  grpc::Status ListConflicts(grpc::ServerContext*, const v1::ListConflictsRequest* request,
                             v1::ListConflictsResponse* response) override {
    MutexLock lock(mutex_);
    if (lost_claims > 0 && request->page_token().empty()) {
      v1::LostClaim& lost = *response->add_lost_claims();
      lost.set_name("services/svc-3");
      lost.set_claim("custom_domain");
      lost.set_value("inventory.example");
      lost.set_service_network("serviceNetworks/sn-1");
      lost.set_holder("services/svc-1");
      lost.set_settled(true);
    }
    if (no_conflicts) return grpc::Status::OK;
    FillConflict(response->add_conflicts());
    if (request->page_token().empty()) {
      response->set_next_page_token("2");
    } else {
      response->mutable_conflicts(0)->set_name("services/svc-2");
      response->mutable_conflicts(0)->mutable_won()->clear_resource();
    }
    return grpc::Status::OK;
  }
  grpc::Status GetConflict(grpc::ServerContext*, const v1::GetConflictRequest* request,
                           v1::Conflict* conflict) override {
    if (request->name() != "services/svc-1") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "name: has no conflict");
    }
    FillConflict(conflict);
    return grpc::Status::OK;
  }
  grpc::Status ResolveConflict(grpc::ServerContext* context,
                               const v1::ResolveConflictRequest* request,
                               v1::ResolveConflictResponse* response) override {
    MutexLock lock(mutex_);
    Wrote(context);
    resolved = *request;
    FillService(response->mutable_resource()->mutable_service());
    return grpc::Status::OK;
  }

 private:
  static void Wrote(grpc::ServerContext* context) {
    context->AddTrailingMetadata("x-mesh-token", "token-1");
  }
  static void FillConflict(v1::Conflict* conflict) {
    conflict->set_name("services/svc-1");
    conflict->set_version("0a");
    conflict->set_etag("0b");
    FillService(conflict->mutable_won()->mutable_resource()->mutable_service());
    conflict->mutable_won()->set_author("agents/0000000000000001");
    conflict->mutable_won()->mutable_write_time()->set_seconds(1700000060);
    FillService(conflict->mutable_lost()->mutable_resource()->mutable_service());
    conflict->mutable_lost()->mutable_resource()->mutable_service()->set_custom_domain(
        "other.example");
    conflict->mutable_lost()->set_author("agents/0000000000000002");
    conflict->mutable_lost()->mutable_write_time()->set_seconds(1700000000);
  }
  static void FillService(v1::Service* service) {
    service->set_name("services/svc-1");
    service->set_display_name("inventory");
    service->set_custom_domain("inventory.example");
    service->set_status(v1::ACTIVE);
    service->set_etag("0e");
  }
  static void FillGroup(v1::TargetGroup* group) {
    group->set_name("targetGroups/tg-1");
    group->set_display_name("blue");
    group->set_type(v1::IP);
    group->set_port(8080);
    group->set_vpc("vpcs/vpc-1");
  }
  static void FillVpc(v1::Vpc* vpc) {
    vpc->set_name("vpcs/vpc-1");
    vpc->set_display_name("warehouse");
  }

  Mutex mutex_;
};

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_FAKE_AGENT_H_
