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
#include "tests/support/status_matchers.h"
#include "tools/trellisctl/document.h"
#include "tools/trellisctl/fake_agent.h"
#include "tools/trellisctl/session.h"

namespace trellis::ctl {
namespace {

using grpc::Status;
using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
    agent_.Settle();
    const int code = RunProgram(words, socket_, in, out, err);
    agent_.Settle();
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  absl::Status ApplyWithoutSleeping() {
    std::istringstream in;
    std::ostringstream out;
    Session session({.socket = socket_}, OutputFormat::kTable, in, out, out,
                    [this](absl::Duration pause) { pauses_.push_back(pause); });
    v1::ApplyResponse response;
    agent_.Settle();
    const absl::Status status =
        session.Call(&v1::ApplyAdmin::Stub::Apply, v1::ApplyRequest(), &response);
    agent_.Settle();
    return status;
  }

  std::string folder_;
  std::string socket_;
  FakeAgent agent_;
  std::unique_ptr<grpc::Server> server_;
  std::string out_;
  std::string err_;
  std::vector<absl::Duration> pauses_;
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
  etag: "0e"

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
            "BEHIND  AGREED  ENFORCING\n"
            "agent-1  warehouse  admin   192.0.2.1:7950  alive     now         0.1.0    00112233  "
            "0       now     all\n"
            "agent-2  warehouse  worker  192.0.2.2:7950  down      1m15s ago   -        -         "
            "-       -       no answer\n");
}

TEST_F(CommandsTest, MeshStatusTellsWhoseCopyMayBeOldAndWhoFetchesItsFirst) {
  agent_.bootstrapping = true;
  agent_.agreed_seconds_ago = 7200;
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("0       2h ago  all\n"));
  EXPECT_THAT(out_, HasSubstr("bootstrapping: 120 of about 3000 entries from 2 peers\n"));
}

TEST_F(CommandsTest, AnAgentThatHasJustStartedIsAskedAgainAfterAPause) {
  agent_.starting = 2;
  EXPECT_OK(ApplyWithoutSleeping());
  EXPECT_EQ(agent_.applies, 3);
  EXPECT_THAT(pauses_, ElementsAre(kStartingPause, kStartingPause));
}

TEST_F(CommandsTest, AnotherUnavailableIsNotAskedAgain) {
  agent_.apply_status = Status(StatusCode::UNAVAILABLE, "the disk is full");
  EXPECT_EQ(Run({"apply", "-f", "-"}, kVpcYaml), 1);
  EXPECT_EQ(agent_.applies, 1);
  EXPECT_EQ(err_, "error: the disk is full\n");
}

TEST_F(CommandsTest, AskingAgainEnds) {
  agent_.starting = 1000;
  EXPECT_EQ(ApplyWithoutSleeping().message(), "this agent has just started");
  EXPECT_EQ(agent_.applies, kStartingCalls);
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

TEST_F(CommandsTest, AWrongTokenIsCalledByItsFlag) {
  EXPECT_EQ(Run({"--token=garbage", "mesh", "status"}), 1);
  EXPECT_EQ(err_, "error: --token: not one; use the meshToken of an answer\n");
}

// What a script takes out of the answer.
std::string MeshTokenIn(const std::string& printed) {
  const auto documents = ParseDocuments(printed, "printed");
  if (!documents.ok() || documents->size() != 1) return printed;
  const Node* token = documents->front().Find("meshToken");
  return token == nullptr ? "none" : token->text;
}

TEST_F(CommandsTest, EveryWritePrintsATokenThatTraceAndTokenTake) {
  const std::vector<std::string> kWrites[] = {
      {"apply", "-f", "-"},
      {"delete", "service", "inventory"},
      {"delete", "-f", "-"},
      {"register", "blue", "10.1.0.13:8080"},
      {"deregister", "blue", "10.1.0.11:8080"},
      {"agent", "evict", "agent-1"},
      {"conflicts", "drop", "services/svc-1"},
      {"mesh", "rotate-keys"},
  };
  for (std::vector<std::string> words : kWrites) {
    for (const char* format : {"yaml", "json"}) {
      std::vector<std::string> line = words;
      line.insert(line.end(), {"-o", format});
      EXPECT_EQ(Run(line, "kind: Service\nname: inventory\n"), 0) << err_;
      const std::string token = MeshTokenIn(out_);
      EXPECT_EQ(token, "token-1") << words[0] << " " << words[1] << ": " << out_;
      EXPECT_EQ(Run({"trace", token}), 0);
      EXPECT_EQ(Run({"--token", token, "mesh", "status"}), 0);
      EXPECT_EQ(agent_.token, token);
    }
  }
}

TEST_F(CommandsTest, WhatWroteNothingHasAnEmptyToken) {
  EXPECT_EQ(Run({"apply", "-f", "-", "--dry-run", "-o", "json"}, kVpcYaml), 0);
  EXPECT_EQ(MeshTokenIn(out_), "");
  EXPECT_EQ(Run({"delete", "-f", "-", "-o", "yaml"}, "kind: Service\nname: gone\n"), 0);
  EXPECT_EQ(out_,
            "meshToken: \"\"\nresults:\n  - outcome: \"not there\"\n    kind: Service\n    name: "
            "gone\n");
}

TEST_F(CommandsTest, ApplySaysTheOutcomeOfEachResourceToProgramsToo) {
  EXPECT_EQ(Run({"apply", "-f", "-", "--dry-run", "-o", "yaml"}, kVpcYaml), 0);
  EXPECT_EQ(out_, R"(meshToken: ""
results:
  - outcome: created
    resource:
      kind: Vpc
      name: warehouse
  - outcome: created
    resource:
      kind: Target
      targetGroup: blue
      id: "10.1.0.1"
)");
  EXPECT_EQ(Run({"apply", "-f", "-", "-o", "json"}, kVpcYaml), 0);
  EXPECT_THAT(out_, HasSubstr("\"outcome\": \"created\",\n"));
}

TEST_F(CommandsTest, ATimeoutThatAgentsDoNotTakeIsRefusedBeforeAnythingIsSent) {
  for (const char* timeout : {"--timeout=5000s", "--timeout=100ms"}) {
    EXPECT_EQ(Run({"apply", "-f", "-", "--wait", timeout}, kVpcYaml), 2);
    EXPECT_EQ(agent_.applied.manifests_size(), 0);
    EXPECT_EQ(Run({"mesh", "wait", timeout}), 2);
  }
  EXPECT_EQ(err_, "error: --timeout: \"100ms\"; expected 200ms to 5m\n");
}

TEST_F(CommandsTest, DeleteOfAFileWithAnEtagWantsItToBeTheResources) {
  const std::string yaml = "kind: Service\nname: inventory\netag: ";
  EXPECT_EQ(Run({"delete", "-f", "-"}, yaml + "\"0d\"\n"), 1);
  EXPECT_EQ(err_,
            "error: <stdin>:3:7: etag: services/svc-1 (inventory) is now at 0e; read it again and "
            "decide anew, or leave the etag out to delete it whatever it is now\n");
  EXPECT_THAT(agent_.deleted, IsEmpty());
  EXPECT_EQ(Run({"delete", "-f", "-"}, yaml + "\"0e\"\n"), 0) << err_;
  EXPECT_EQ(agent_.deleted_etag, "0e") << "the agent looks again";
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

TEST_F(CommandsTest, MeshStatusSaysWhoLacksAShareOfASealingKey) {
  agent_.lacking = 0;
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("\nSealing keys: 2 groups, all members have their share\n"));
  agent_.lacking = 2;
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("SEALED TO  GENERATION  MEMBERS  WITHOUT A SHARE\n"
                              "admins     3           3        agent-1, …\n"));
  EXPECT_THAT(out_, HasSubstr("no key yet  3        all\n"));
}

TEST_F(CommandsTest, KeysAreRotatedOfAllGroupsOrOfOneVpc) {
  EXPECT_EQ(Run({"mesh", "rotate-keys"}), 0);
  EXPECT_EQ(agent_.rotated.vpc(), "");
  EXPECT_THAT(out_, HasSubstr("admins: generation 2\n"));
  EXPECT_EQ(Run({"mesh", "rotate-keys", "--vpc", "main"}), 0);
  EXPECT_EQ(agent_.rotated.vpc(), "main");
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

TEST_F(CommandsTest, LostClaimsAreListedBelowConflicts) {
  agent_.lost_claims = 1;
  EXPECT_EQ(Run({"conflicts", "list"}), 0);
  EXPECT_THAT(out_,
              HasSubstr("0a\n\nRESOURCE        LOST CLAIM     VALUE              IN NETWORK"));
  EXPECT_THAT(out_, HasSubstr("services/svc-3  custom domain  inventory.example"));
  EXPECT_THAT(out_, HasSubstr("services/svc-1  yes"));
  agent_.no_conflicts = true;
  EXPECT_EQ(Run({"conflicts", "list"}), 0);
  EXPECT_THAT(out_, HasSubstr("RESOURCE        LOST CLAIM"));
  EXPECT_EQ(Run({"conflicts", "list", "-o", "json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"holder\": \"services/svc-1\""));
  EXPECT_EQ(Run({"mesh", "status"}), 0);
  EXPECT_THAT(out_, HasSubstr("12 resources, 1 lost claim (see trellisctl conflicts list), not "));
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
  EXPECT_EQ(out_, "status\nwait\nwatch\nrotate-keys\n");
  EXPECT_EQ(Run({"__complete", "get", "vpc"}), 0);
  EXPECT_EQ(out_, "vpc\nvpc-association\n");
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_EQ(out_, absl::StrCat("trellisctl ", kVersion, "\n"));
}

}  // namespace
}  // namespace trellis::ctl
