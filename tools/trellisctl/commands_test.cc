// The whole program against an agent's admin services, faked in this process behind a Unix socket.
#include "tools/trellisctl/commands.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/trellis/v1/admin.grpc.pb.h"

namespace trellis::ctl {
namespace {

using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
  // What the next calls answer, and what the last one asked. Set before the call, read after it.
  Status apply_status;
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
  v1::ResolveConflictRequest resolved;
  bool no_conflicts = false;
  int conflicts = 0;
  Status operator_status;

  Status Apply(ServerContext*, const v1::ApplyRequest* request,
               v1::ApplyResponse* response) override {
    applied = *request;
    if (!apply_status.ok()) return apply_status;
    for (const auto& manifest : request->manifests()) {
      auto* result = response->add_results();
      *result->mutable_resource() = manifest.resource();
      result->set_outcome(v1::ApplyResponse::CREATED);
    }
    response->set_mesh_token("token-1");
    return Status::OK;
  }
  Status WaitForConvergence(ServerContext*, const v1::WaitForConvergenceRequest* request,
                            v1::WaitForConvergenceResponse* response) override {
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
    return Status::OK;
  }
  Status TraceWrite(ServerContext*, const v1::TraceWriteRequest* request,
                    v1::TraceWriteResponse* response) override {
    if (request->write() != "token-1")
      return Status(StatusCode::INVALID_ARGUMENT, "write: garbage");
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
    return Status::OK;
  }
  Status GetMeshState(ServerContext* context, const v1::GetMeshStateRequest*,
                      v1::MeshState* state) override {
    const auto brought = context->client_metadata().find("x-mesh-token");
    if (brought != context->client_metadata().end()) {
      token.assign(brought->second.data(), brought->second.size());
    }
    state->set_mesh_id("0123456789abcdef");
    state->set_answered_by("agents/0000000000000001");
    state->set_resources(12);
    state->set_conflicts(conflicts);
    for (int i = 1; i <= 2; ++i) {
      auto* one = state->add_agents();
      one->mutable_agent()->set_name(absl::StrCat("agents/000000000000000", i));
      one->mutable_agent()->set_display_name(absl::StrCat("agent-", i));
      one->mutable_agent()->set_vpc("vpcs/vpc-1");
      one->mutable_agent()->set_role(i == 1 ? v1::ADMIN : v1::WORKER);
      one->mutable_agent()->set_mesh_address(absl::StrCat("192.0.2.", i, ":7950"));
      one->set_liveness(i == 1 ? v1::ALIVE : v1::DOWN);
      if (i == 2) one->mutable_last_heard()->set_seconds(75);
      if (i == 2) continue;
      one->set_answered(true);
      one->set_version("0.1.0");
      one->set_root("00112233445566778899aabbccddeeff");
      one->set_enforcing_all(true);
    }
    return Status::OK;
  }
  Status WatchMesh(ServerContext*, const v1::WatchMeshRequest* request,
                   grpc::ServerWriter<v1::WatchMeshResponse>* writer) override {
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
    return Status::OK;
  }
  Status ExplainRequest(ServerContext*, const v1::ExplainRequestRequest* request,
                        v1::ExplainRequestResponse* response) override {
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
    return Status::OK;
  }

  Status GetService(ServerContext*, const v1::GetServiceRequest* request,
                    v1::Service* service) override {
    if (request->name() != "inventory" && request->name() != "services/svc-1") {
      return Status(StatusCode::NOT_FOUND,
                    absl::StrCat("service \"", request->name(), "\": not found"));
    }
    FillService(service);
    return Status::OK;
  }
  Status ListServices(ServerContext*, const v1::ListServicesRequest* request,
                      v1::ListServicesResponse* response) override {
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
    return Status::OK;
  }
  Status DeleteService(ServerContext*, const v1::DeleteServiceRequest* request,
                       google::protobuf::Empty*) override {
    deleted.push_back(request->name());
    return Status::OK;
  }
  Status ListListeners(ServerContext*, const v1::ListListenersRequest* request,
                       v1::ListListenersResponse* response) override {
    if (request->parent() != "services/svc-1")
      return Status(StatusCode::NOT_FOUND, request->parent());
    auto* listener = response->add_listeners();
    listener->set_name("services/svc-1/listeners/listener-1");
    listener->set_display_name("http");
    listener->set_protocol(v1::LISTENER_HTTP);
    listener->set_port(80);
    listener->mutable_default_action()->mutable_fixed_response()->set_status_code(404);
    return Status::OK;
  }
  Status ListRules(ServerContext*, const v1::ListRulesRequest* request,
                   v1::ListRulesResponse* response) override {
    if (request->parent() != "services/svc-1/listeners/listener-1") {
      return Status(StatusCode::NOT_FOUND, request->parent());
    }
    auto* rule = response->add_rules();
    rule->set_name("services/svc-1/listeners/listener-1/rules/rule-1");
    rule->set_display_name("stock");
    rule->set_priority(10);
    rule->mutable_match()->mutable_http_match()->set_method("GET");
    auto* group = rule->mutable_action()->mutable_forward()->add_target_groups();
    group->set_target_group("targetGroups/tg-1");
    return Status::OK;
  }
  Status DeleteRule(ServerContext*, const v1::DeleteRuleRequest* request,
                    google::protobuf::Empty*) override {
    deleted.push_back(request->name());
    return Status::OK;
  }
  Status GetTargetGroup(ServerContext*, const v1::GetTargetGroupRequest* request,
                        v1::TargetGroup* group) override {
    if (request->name() != "blue" && request->name() != "targetGroups/tg-1") {
      return Status(StatusCode::NOT_FOUND,
                    absl::StrCat("target group \"", request->name(), "\": not found"));
    }
    FillGroup(group);
    return Status::OK;
  }
  Status ListTargetGroups(ServerContext*, const v1::ListTargetGroupsRequest*,
                          v1::ListTargetGroupsResponse* response) override {
    FillGroup(response->add_target_groups());
    return Status::OK;
  }
  Status ListTargets(ServerContext*, const v1::ListTargetsRequest*,
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
    return Status::OK;
  }
  Status RegisterTargets(ServerContext*, const v1::RegisterTargetsRequest* request,
                         v1::RegisterTargetsResponse* response) override {
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
    return Status::OK;
  }
  Status DeregisterTargets(ServerContext*, const v1::DeregisterTargetsRequest* request,
                           v1::DeregisterTargetsResponse* response) override {
    deregistered = *request;
    for (const v1::Target& target : request->targets()) *response->add_successful() = target;
    return Status::OK;
  }
  Status GetVpc(ServerContext*, const v1::GetVpcRequest*, v1::Vpc* vpc) override {
    FillVpc(vpc);
    return Status::OK;
  }
  Status ListVpcs(ServerContext*, const v1::ListVpcsRequest*,
                  v1::ListVpcsResponse* response) override {
    FillVpc(response->add_vpcs());
    return Status::OK;
  }
  Status DeleteVpc(ServerContext*, const v1::DeleteVpcRequest*, google::protobuf::Empty*) override {
    return Status(StatusCode::FAILED_PRECONDITION, "vpc \"warehouse\": has target groups: blue");
  }
  Status ListServiceAssociations(ServerContext*, const v1::ListServiceAssociationsRequest*,
                                 v1::ListServiceAssociationsResponse* response) override {
    auto* association = response->add_service_associations();
    association->set_name("serviceAssociations/snsa-1");
    association->set_service("services/svc-1");
    association->set_service_network("serviceNetworks/sn-1");
    association->set_status(v1::ACTIVE);
    return Status::OK;
  }
  Status ListAgents(ServerContext*, const v1::ListAgentsRequest*,
                    v1::ListAgentsResponse* response) override {
    auto* agent = response->add_agents();
    agent->set_name("agents/0000000000000001");
    agent->set_display_name("agent-1");
    agent->set_vpc("vpcs/vpc-1");
    return Status::OK;
  }
  Status DeleteAgent(ServerContext*, const v1::DeleteAgentRequest* request,
                     google::protobuf::Empty*) override {
    deleted.push_back(request->name());
    return Status::OK;
  }
  Status CreateJoinToken(ServerContext*, const v1::CreateJoinTokenRequest* request,
                         v1::CreateJoinTokenResponse* response) override {
    token_asked = *request;
    response->set_token("trellis-join-1");
    return Status::OK;
  }
  Status CreateOperatorCertificate(ServerContext*,
                                   const v1::CreateOperatorCertificateRequest* request,
                                   v1::CreateOperatorCertificateResponse* response) override {
    operator_asked = *request;
    response->set_certificate_pem("CERTIFICATE\n");
    response->set_root_pem("ROOT\n");
    response->add_mesh_addresses("192.0.2.1:7950");
    return operator_status;
  }
  Status ListConflicts(ServerContext*, const v1::ListConflictsRequest* request,
                       v1::ListConflictsResponse* response) override {
    if (no_conflicts) return Status::OK;
    FillConflict(response->add_conflicts());
    if (request->page_token().empty()) {
      response->set_next_page_token("2");
    } else {
      response->mutable_conflicts(0)->set_name("services/svc-2");
      response->mutable_conflicts(0)->mutable_won()->clear_resource();
    }
    return Status::OK;
  }
  Status GetConflict(ServerContext*, const v1::GetConflictRequest* request,
                     v1::Conflict* conflict) override {
    if (request->name() != "services/svc-1") {
      return Status(StatusCode::NOT_FOUND, "name: has no conflict");
    }
    FillConflict(conflict);
    return Status::OK;
  }
  Status ResolveConflict(ServerContext*, const v1::ResolveConflictRequest* request,
                         v1::ResolveConflictResponse* response) override {
    resolved = *request;
    FillService(response->mutable_resource()->mutable_service());
    return Status::OK;
  }

 private:
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
};

class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    // Short: a socket's path has 107 bytes at most.
    char folder[] = "/tmp/ctl.XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    socket_ = folder_ + "/admin.sock";
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(static_cast<v1::ApplyAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::MeshAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::ServiceAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::ListenerAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::RuleAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::TargetGroupAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::TargetAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::VpcAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::ServiceAssociationAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::AgentAdmin::Service*>(&agent_));
    builder.RegisterService(static_cast<v1::ConflictAdmin::Service*>(&agent_));
    server_ = builder.BuildAndStart();
  }
  ~CommandsTest() override {
    if (server_ != nullptr) server_->Shutdown();
    for (const char* file : {"admin.sock", "f.yaml", "id.pem"})
      unlink((folder_ + "/" + file).c_str());
    rmdir(folder_.c_str());
  }

  // Runs a command line; what it printed is in out_ and err_.
  int Run(const std::vector<std::string>& words, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = RunProgram(words, socket_, in, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  std::string folder_;
  std::string socket_;
  FakeAgent agent_;
  std::unique_ptr<grpc::Server> server_;
  std::string out_;
  std::string err_;
};

constexpr char kVpcYaml[] =
    "kind: Vpc\nname: warehouse\n---\nkind: Target\ntargetGroup: blue\nid: 10.1.0.1\n";

TEST_F(CommandsTest, ApplySendsOneTransactionAndWaitsForItsToken) {
  EXPECT_EQ(
      Run({"apply", "-f", "-", "--account=111122223333", "--wait", "--timeout=30s"}, kVpcYaml), 0)
      << err_;
  EXPECT_EQ(out_,
            "KIND    NAME           OUTCOME\n"
            "vpc     warehouse      created\n"
            "target  blue/10.1.0.1  created\n"
            "Enforced by 3 of 3 agents after 12ms\n");
  EXPECT_EQ(agent_.applied.manifests_size(), 2);
  EXPECT_EQ(agent_.applied.manifests(1).source(), "<stdin>:4:1");
  EXPECT_EQ(agent_.applied.account(), "111122223333");
  EXPECT_EQ(agent_.waited.mesh_token(), "token-1");
  EXPECT_EQ(agent_.waited.timeout().seconds(), 30);
}

TEST_F(CommandsTest, ApplyDryRunOnlyAsks) {
  EXPECT_EQ(Run({"apply", "-f", "-", "--dry-run", "--wait"}, kVpcYaml), 0);
  EXPECT_TRUE(agent_.applied.validate_only());
  EXPECT_THAT(out_, HasSubstr("would be created"));
  EXPECT_THAT(out_, Not(HasSubstr("Enforced")));
}

TEST_F(CommandsTest, ApplyThatIsNotEnforcedInTimeNamesWhoLags) {
  agent_.converged = false;
  EXPECT_EQ(Run({"apply", "-f", "-", "--wait=all", "--timeout=1s"}, kVpcYaml), 3);
  EXPECT_EQ(err_,
            "error: not enforced everywhere after 1s: by 2 of 3 agents; waiting for agent-c; not "
            "reached: agent-d\n");
}

TEST_F(CommandsTest, ApplyRefusedByTheServerNamesTheFieldAndLineOfTheFile) {
  agent_.apply_status =
      Status(StatusCode::INVALID_ARGUMENT, "<stdin>:4:1: target.id: \"10.1.0.1\" is no target");
  EXPECT_EQ(Run({"apply", "-f", "-"}, kVpcYaml), 1);
  EXPECT_EQ(err_, "error: <stdin>:6:5: id: \"10.1.0.1\" is no target\n");
}

TEST_F(CommandsTest, ApplyShowsDisplayNamesForTheIdsAManifestHas) {
  const std::string yaml =
      "kind: Rule\nservice: svc-1\nlistener: listener-1\nname: stock\npriority: 1\n"
      "resourceName: services/svc-1/listeners/listener-1/rules/rule-1\n"
      "match: {method: GET}\naction: {fixedResponse: {statusCode: 404}}\n---\n"
      "kind: ServiceAssociation\nserviceNetwork: shop\nservice: services/svc-1\n";
  EXPECT_EQ(Run({"apply", "-f", "-"}, yaml), 0) << err_;
  EXPECT_EQ(out_,
            "KIND                 NAME                  OUTCOME\n"
            "rule                 inventory/http/stock  created\n"
            "service-association  shop/inventory        created\n");
}

TEST_F(CommandsTest, YamlNamesParentsAndReferencesAndIsAppliedAgain) {
  EXPECT_EQ(Run({"get", "rule", "inventory/http/stock", "-o", "yaml"}), 0);
  EXPECT_THAT(out_, testing::StartsWith("kind: Rule\nservice: inventory\nlistener: http\n"));
  EXPECT_THAT(out_, HasSubstr("- targetGroup: blue\n"));
  EXPECT_EQ(Run({"apply", "-f", "-"}, out_), 0) << err_;
  EXPECT_EQ(agent_.applied.manifests(0).parent(), "inventory/http");
}

TEST_F(CommandsTest, YamlKeepsIdsWhereTwoHaveTheName) {
  agent_.twin = true;
  EXPECT_EQ(Run({"list", "service-associations", "-o", "yaml"}), 0);
  EXPECT_THAT(out_, HasSubstr("service: svc-1\n"));
}

TEST_F(CommandsTest, DeleteOfANameThatTwoHaveAsksWhich) {
  agent_.twin = true;
  EXPECT_EQ(Run({"delete", "service", "inventory"}), 2);
  EXPECT_EQ(err_,
            "error: service \"inventory\": means several; give one of services/svc-1, "
            "services/svc-2\n");
  EXPECT_EQ(Run({"delete", "-f", "-"}, "kind: Service\nname: inventory\n"), 2);
  EXPECT_THAT(agent_.deleted, IsEmpty());
  EXPECT_EQ(Run({"delete", "service", "services/svc-1"}), 0);
}

TEST_F(CommandsTest, AgentsAreListedByTheNameThatEvictTakes) {
  EXPECT_EQ(Run({"agent", "list"}), 0);
  EXPECT_EQ(out_,
            "NAME     ID                ROLE  VPC        MESH ADDRESS\n"
            "agent-1  0000000000000001  -     warehouse  -\n");
}

TEST_F(CommandsTest, ApplyRefusedByTheServerSaysWhere) {
  agent_.apply_status =
      Status(StatusCode::INVALID_ARGUMENT, "f.yaml:3: port: 99999; expected 1-65535");
  EXPECT_EQ(Run({"apply", "-f", "-"}, kVpcYaml), 1);
  EXPECT_EQ(err_, "error: f.yaml:3: port: 99999; expected 1-65535\n");
}

TEST_F(CommandsTest, AWrongManifestIsNotSent) {
  std::ofstream(folder_ + "/f.yaml") << "kind: Vpc\nnmae: a\n";
  EXPECT_EQ(Run({"apply", "-f", folder_}), 2);
  EXPECT_THAT(err_, HasSubstr("/f.yaml:2:1: nmae: unknown field; did you mean \"name\"?"));
  EXPECT_EQ(agent_.applied.manifests_size(), 0);
}

TEST_F(CommandsTest, GetFindsByDisplayNameIdAndPath) {
  for (const char* name : {"inventory/http/stock", "inventory/listener-1/rule-1"}) {
    EXPECT_EQ(Run({"get", "rule", name}), 0) << err_;
    EXPECT_EQ(out_,
              "SERVICE    LISTENER  PRIORITY  NAME   ID      MATCH  ACTION\n"
              "inventory  http      10        stock  rule-1  GET    blue 100%\n");
  }
  EXPECT_EQ(Run({"get", "rule", "stock", "--service=inventory", "--listener=http", "-o", "name"}),
            0);
  EXPECT_EQ(out_, "services/svc-1/listeners/listener-1/rules/rule-1\n");
  EXPECT_EQ(Run({"get", "target", "blue/10.1.0.12", "-o", "name"}), 0);
  EXPECT_EQ(out_, "targetGroups/tg-1/targets/10.1.0.12:8080\n");
}

TEST_F(CommandsTest, GetOfWhatIsNotThereListsWhatIs) {
  EXPECT_EQ(Run({"get", "rule", "inventory/http/stok"}), 1);
  EXPECT_EQ(err_, "error: rule \"stok\": not found in inventory/http; there are: stock\n");
  EXPECT_EQ(Run({"get", "service", "order"}), 1);
  EXPECT_EQ(err_, "error: service \"order\": not found\n");
  EXPECT_EQ(Run({"get", "rule", "stock"}), 2);
  EXPECT_THAT(err_, HasSubstr("say also which service and listener, as service/listener/rule"));
  EXPECT_EQ(Run({"get", "ruel", "stock"}), 2);
  EXPECT_THAT(err_, HasSubstr("\"ruel\" is not a kind of resource; did you mean \"rule\"?"));
}

TEST_F(CommandsTest, ListReadsEveryPageAndEveryParent) {
  EXPECT_EQ(Run({"list", "services"}), 0);
  EXPECT_EQ(out_,
            "NAME       ID     CUSTOM DOMAIN      DOMAIN  AUTH  STATUS\n"
            "inventory  svc-1  inventory.example  -       -     ACTIVE\n");
  EXPECT_EQ(Run({"list", "rules", "--service", "inventory", "-o", "name"}), 0);
  EXPECT_EQ(out_, "services/svc-1/listeners/listener-1/rules/rule-1\n");
  EXPECT_EQ(Run({"list", "targets", "-o", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"status\": \"HEALTHY\""));
  EXPECT_EQ(out_[0], '[');
}

TEST_F(CommandsTest, DescribeServiceShowsListenersRulesSharesAndTargets) {
  EXPECT_EQ(Run({"describe", "service", "inventory"}), 0) << err_;
  EXPECT_EQ(out_, R"(Service inventory
  customDomain: inventory.example
  status: ACTIVE
  resourceName: services/svc-1

Service networks
  SERVICE NETWORK  STATUS
  sn-1             ACTIVE

Listener http (HTTP port 80)
  PRIORITY  RULE   MATCH            ACTION
  10        stock  GET              blue 100%
  default   -      everything else  answer 404

Target group blue (VPC warehouse, port 8080)
  TARGET          STATUS   REASON
  10.1.0.11:8080  HEALTHY  -
  10.1.0.12:8080  HEALTHY  -
  [fd00::1]:8080  HEALTHY  -
)");
}

TEST_F(CommandsTest, DeleteOfFilesGoesLastFirstAndSkipsWhatIsGone) {
  constexpr char kYaml[] =
      "kind: Rule\nservice: inventory\nlistener: http\nname: stock\npriority: 1\n"
      "match: {method: GET}\naction: {fixedResponse: {statusCode: 404}}\n---\n"
      "kind: Service\nname: inventory\n---\nkind: TargetGroup\nname: gone\ntype: IP\n---\n"
      "kind: TargetGroup\nname: blue\ntype: IP\ntargets: [{id: 10.1.0.11, port: 8080},\n"
      "  {id: \"fd00::1\", port: 8080}]\n";
  EXPECT_EQ(Run({"delete", "-f", "-"}, kYaml), 1) << "DeleteTargetGroup is not faked";
  EXPECT_EQ(out_,
            "target-group gone is not there\n"
            "rule inventory/http/stock deleted\n"
            "service inventory deleted\n"
            "target blue/[fd00::1]:8080 deleted\n"
            "target blue/10.1.0.11:8080 deleted\n");
  EXPECT_THAT(
      agent_.deleted,
      testing::ElementsAre("services/svc-1/listeners/listener-1/rules/rule-1", "services/svc-1"));
  EXPECT_EQ(agent_.deregistered.parent(), "targetGroups/tg-1");
}

TEST_F(CommandsTest, DeleteTellsTheServersPreconditions) {
  EXPECT_EQ(Run({"delete", "vpc", "warehouse"}), 1);
  EXPECT_EQ(err_, "error: vpc \"warehouse\": has target groups: blue\n");
}

TEST_F(CommandsTest, RegisterReadsEveryFormOfTarget) {
  EXPECT_EQ(Run({"register", "blue", "10.1.0.13:8080", "[fd00::1]:80", "fd00::2", "i-0abc"}), 0);
  EXPECT_EQ(agent_.registered.parent(), "targetGroups/tg-1");
  std::string targets;
  for (const auto& target : agent_.registered.targets()) {
    absl::StrAppend(&targets, target.id(), "|", target.port(), " ");
  }
  EXPECT_EQ(targets, "10.1.0.13|8080 fd00::1|80 fd00::2|0 i-0abc|0 ");
  for (const char* text :
       {"10.1.0.1:", "10.1.0.1:0", "10.1.0.1:65536", "[fd00::1]x", "[]:80", "a:b"}) {
    EXPECT_EQ(Run({"register", "blue", text}), 2) << text;
    EXPECT_THAT(err_, HasSubstr("expected ID or ID:PORT"));
  }
}

TEST_F(CommandsTest, RegisterWithRefusedTargetsSaysWhichAndFails) {
  EXPECT_EQ(Run({"register", "blue", "bad", "10.1.0.13"}), 1);
  EXPECT_THAT(out_, HasSubstr("refused: not an address (InvalidTarget)"));
  EXPECT_EQ(err_, "error: 1 of 2 targets were refused\n");
}

TEST_F(CommandsTest, MeshStatusIsATable) {
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_EQ(out_,
            "Mesh 0123456789abcdef as agent-1 sees it: 2 agents, 12 resources, not converged\n\n"
            "AGENT    VPC        ROLE    ADDRESS         LIVENESS  LAST HEARD  VERSION  ROOT      "
            "BEHIND  ENFORCING\n"
            "agent-1  warehouse  admin   192.0.2.1:7950  alive     now         0.1.0    00112233  "
            "0       all\n"
            "agent-2  warehouse  worker  192.0.2.2:7950  down      1m15s ago   -        -         "
            "-       no answer\n");
}

TEST_F(CommandsTest, MeshWaitSaysForWhomAndHowLongItTook) {
  agent_.timed = true;
  EXPECT_EQ(Run({"mesh", "wait", "--token=token-1", "--min=99%", "--vpc=warehouse"}), 0) << err_;
  EXPECT_EQ(agent_.waited.mesh_token(), "token-1");
  EXPECT_EQ(agent_.waited.minimum_percent(), 99);
  EXPECT_EQ(agent_.waited.vpc(), "warehouse");
  EXPECT_EQ(
      out_,
      "Enforced by 3 of 3 agents after 12ms; commit to enforced p50 4ms, p99 9ms, max 11ms\n");
  EXPECT_EQ(Run({"mesh", "wait", "--min=2"}), 0);
  EXPECT_EQ(agent_.waited.minimum_agents(), 2);
  EXPECT_EQ(Run({"mesh", "wait", "--min=101%"}), 2);
  EXPECT_EQ(err_, "error: --min: \"101%\"; expected a number of agents, or 1% to 100%\n");
}

TEST_F(CommandsTest, ApplyMayWaitForItsOwnAgentAlone) {
  EXPECT_EQ(Run({"apply", "-f", "-", "--wait=local"}, kVpcYaml), 0);
  EXPECT_TRUE(agent_.waited.answering_agent_only());
}

TEST_F(CommandsTest, ATokenTravelsWithTheCall) {
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_EQ(agent_.token, "");
  EXPECT_EQ(Run({"--token=token-1", "mesh", "status"}), 0);
  EXPECT_EQ(agent_.token, "token-1");
}

TEST_F(CommandsTest, TraceShowsTheWayOfAWrite) {
  EXPECT_EQ(Run({"trace", "token-1"}), 0) << err_;
  EXPECT_EQ(out_,
            "Written by agent-1 at 2023-11-14T22:13:20.000Z. Times are by each agent's own clock, "
            "from then on.\n\n"
            "AGENT    LIVENESS  RECEIVED   FROM     ENFORCED\n"
            "agent-1  alive     +0.0ms     its own  +1000.0ms\n"
            "agent-2  alive     +1.5ms     agent-1  not yet\n"
            "agent-3  down      no answer  -        -\n");
  EXPECT_EQ(Run({"trace", "garbage"}), 1);
}

TEST_F(CommandsTest, MeshStatusPointsToConflicts) {
  agent_.conflicts = 2;
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("12 resources, 2 conflicts (see trellisctl conflicts list), not "));
}

TEST_F(CommandsTest, ConflictsAreListedOverAllPages) {
  EXPECT_EQ(Run({"conflicts", "list"}), 0);
  EXPECT_THAT(out_, HasSubstr("services/svc-1  inventory  changed"));
  EXPECT_THAT(out_, HasSubstr("2023-11-14T22:13:20+00:00"));
  EXPECT_THAT(out_, HasSubstr("services/svc-2"));
  EXPECT_THAT(out_, HasSubstr("deleted"));
  EXPECT_EQ(Run({"conflicts", "list", "-o", "name"}), 0);
  EXPECT_EQ(out_, "services/svc-1 0a\nservices/svc-2 0a\n");
  EXPECT_EQ(Run({"conflicts", "list", "-o", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"version\": \"0a\""));
  agent_.no_conflicts = true;
  EXPECT_EQ(Run({"conflicts", "list"}), 0);
  EXPECT_EQ(out_, "No conflicts\n");
}

TEST_F(CommandsTest, ConflictIsShownWithBothWrites) {
  EXPECT_EQ(Run({"conflicts", "show", "services/svc-1"}), 0);
  EXPECT_THAT(out_, HasSubstr("Won, changed by"));
  EXPECT_THAT(out_, HasSubstr("customDomain: inventory.example"));
  EXPECT_THAT(out_, HasSubstr("Lost, changed by"));
  EXPECT_THAT(out_, HasSubstr("customDomain: other.example"));
  EXPECT_EQ(Run({"conflicts", "show", "services/svc-1", "0a", "-o", "yaml"}), 0);
  EXPECT_THAT(out_, HasSubstr("etag: \"0b\""));
  EXPECT_EQ(Run({"conflicts", "show", "services/none"}), 1);
}

TEST_F(CommandsTest, ConflictIsResolvedAsItWasSeen) {
  EXPECT_EQ(Run({"conflicts", "apply", "services/svc-1"}), 0);
  EXPECT_EQ(agent_.resolved.resolution(), v1::APPLY);
  EXPECT_EQ(agent_.resolved.version(), "0a");
  EXPECT_EQ(agent_.resolved.etag(), "0b");
  EXPECT_EQ(out_, "services/svc-1 (inventory): applied what was lost\n");
  EXPECT_EQ(Run({"conflicts", "drop", "services/svc-1", "0a"}), 0);
  EXPECT_EQ(agent_.resolved.resolution(), v1::DROP);
}

TEST_F(CommandsTest, MeshStatusAsJsonShowsZeroesToo) {
  EXPECT_EQ(Run({"mesh", "status", "-o", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"converged\": false"));
  EXPECT_THAT(out_, HasSubstr("\"displayName\": \"agent-1\""));
  EXPECT_THAT(out_, HasSubstr("\"liveness\": \"ALIVE\""));
}

TEST_F(CommandsTest, MeshWatchPrintsEventsUntilTheEnd) {
  EXPECT_EQ(Run({"mesh", "watch", "--prefix=vpcs/"}), 0);
  EXPECT_EQ(out_, "put vpcs/vpc-1 warehouse\nsynced: changes follow\ndeleted vpcs/x\n");
  agent_.resync = true;
  EXPECT_EQ(Run({"mesh", "watch"}), 1);
  EXPECT_THAT(err_, HasSubstr("watch again"));
}

TEST_F(CommandsTest, ExplainTakesAUrlApartAndShowsTheDecision) {
  EXPECT_EQ(
      Run({"explain", "GET", "http://inventory.example:8080/stock?q=1#f", "-H", "x-tier: gold:1"}),
      0);
  EXPECT_EQ(agent_.explained.authority(), "inventory.example:8080");
  EXPECT_EQ(agent_.explained.path(), "/stock?q=1");
  EXPECT_EQ(agent_.explained.port(), 0);
  EXPECT_EQ(agent_.explained.headers(0).name(), "x-tier");
  EXPECT_EQ(agent_.explained.headers(0).value(), "gold:1");
  EXPECT_EQ(out_,
            " 1. rule stock matches\n\nForwards, by rule stock of service inventory\n\n"
            "TARGET GROUP  SHARE  TARGET          STATUS\n"
            "blue          90.0%  10.1.0.11:8080  HEALTHY\n");
  EXPECT_EQ(Run({"explain", "GET", "HTTPS://inventory.example"}), 0);
  EXPECT_EQ(agent_.explained.port(), 443);
  EXPECT_EQ(agent_.explained.path(), "/");
  for (const char* url : {"", "/stock", "ftp://a/", "http://user@a/"}) {
    EXPECT_EQ(Run({"explain", "GET", url}), 2) << url;
  }
}

TEST_F(CommandsTest, TokenIsAllThatGoesToStandardOutput) {
  EXPECT_EQ(Run({"token", "create", "--vpc", "warehouse", "--role", "worker", "--ttl", "2h"}), 0);
  EXPECT_EQ(out_, "trellis-join-1\n");
  EXPECT_EQ(agent_.token_asked.vpc(), "vpcs/vpc-1");
  EXPECT_EQ(agent_.token_asked.role(), v1::WORKER);
  EXPECT_EQ(agent_.token_asked.time_to_live().seconds(), 7200);
  EXPECT_EQ(Run({"token", "create", "--vpc", "warehouse"}), 2);
  EXPECT_EQ(err_, "error: --role: missing; it is required\n");
}

TEST_F(CommandsTest, OperatorKeyStaysOnThisHostInAFileOfItsOwner) {
  const std::string path = folder_ + "/id.pem";
  EXPECT_EQ(Run({"operator", "create", "alice", "--out", path}), 0) << err_;
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
  EXPECT_THAT(text, testing::EndsWith("CERTIFICATE\nROOT\n"));
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(agent_.operator_asked.operator_(), "alice");
  EXPECT_THAT(agent_.operator_asked.public_key_der(), Not(IsEmpty()));
  // An identity in use is not overwritten, and a refusal leaves no file.
  EXPECT_EQ(Run({"operator", "create", "alice", "--out", path}), 2);
  EXPECT_THAT(err_, HasSubstr("File exists"));
  unlink(path.c_str());
  agent_.operator_status = Status(StatusCode::FAILED_PRECONDITION, "agent-1 holds the key");
  EXPECT_EQ(Run({"operator", "create", "alice", "--out", path}), 1);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST_F(CommandsTest, EvictFindsTheAgentByItsDisplayName) {
  EXPECT_EQ(Run({"agent", "evict", "agent-1"}), 0);
  EXPECT_THAT(agent_.deleted, testing::ElementsAre("agents/0000000000000001"));
  EXPECT_EQ(Run({"delete", "agent", "agent-1"}), 2);
}

TEST_F(CommandsTest, UnknownMethodsAndAbsentAgentsHaveTheirOwnExitCodes) {
  EXPECT_EQ(Run({"list", "accounts"}), 1);  // Not faked: UNIMPLEMENTED.
  EXPECT_EQ(Run({"mesh", "status", "--socket", folder_ + "/none.sock"}), 4);
  EXPECT_EQ(err_, absl::StrCat("error: cannot reach the agent at ", folder_,
                               "/none.sock: no such socket; is trellisd running on this host? "
                               "Another path: --socket or TRELLIS_ADMIN\n"));
  EXPECT_EQ(Run({"mesh", "status", "--socket=" + std::string(200, 'x')}), 2);
}

TEST_F(CommandsTest, AnAgentThatStoppedIsUnreachable) {
  // Its socket is still there, but nobody listens.
  server_->Shutdown();
  server_.reset();
  unlink(socket_.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {.sun_family = AF_UNIX};
  socket_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(close(listener), 0);
  EXPECT_EQ(Run({"mesh", "status"}), 4);
  EXPECT_THAT(err_, HasSubstr("nobody listens; has trellisd stopped?"));
}

TEST_F(CommandsTest, RemoteAgentsNeedAnIdentityThatOnlyItsOwnerReads) {
  EXPECT_EQ(Run({"mesh", "status", "--agent=127.0.0.1:1"}), 2);
  EXPECT_THAT(err_, HasSubstr("--agent: needs --identity FILE"));
  EXPECT_EQ(Run({"mesh", "status", "--agent=127.0.0.1:1", "--socket=/x"}), 2);
  const std::string path = folder_ + "/id.pem";
  EXPECT_EQ(Run({"mesh", "status", "--agent=127.0.0.1:1", "--identity", path}), 2);
  EXPECT_THAT(err_, HasSubstr("No such file"));
  std::ofstream(path) << "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n";
  chmod(path.c_str(), 0644);
  EXPECT_EQ(Run({"mesh", "status", "--agent=127.0.0.1:1", "--identity", path}), 2);
  EXPECT_THAT(err_, HasSubstr("chmod 600"));
  chmod(path.c_str(), 0600);
  EXPECT_EQ(Run({"mesh", "status", "--agent=127.0.0.1:1", "--identity", path}), 2);
  EXPECT_THAT(err_, HasSubstr("expected a private key and two certificates"));
}

TEST_F(CommandsTest, CompletionAndVersionNeedNoAgent) {
  EXPECT_EQ(Run({"__complete", "mesh", ""}), 0);
  EXPECT_EQ(out_, "status\nwait\nwatch\n");
  EXPECT_EQ(Run({"__complete", "get", "vpc"}), 0);
  EXPECT_EQ(out_, "vpc\nvpc-association\n");
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_EQ(out_, absl::StrCat("trellisctl ", kVersion, "\n"));
}

}  // namespace
}  // namespace trellis::ctl
