#include "node/mesh/enrollment.h"

#include <memory>
#include <string>
#include <utility>

#include "auth/trust/join_token.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/mesh/join.h"
#include "node/mesh/mesh_server.h"
#include "node/mesh/mesh_testing.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::mesh {
namespace {

using ::testing::HasSubstr;

const char kVpc[] = "vpcs/vpc-1a2b3c4d";

class EnrollmentTest : public testing::Test {
 protected:
  EnrollmentTest() {
    storage::Catalog::Options options;
    options.mesh_id = mesh_.authority().root().mesh_id();
    options.node = 1;
    catalog_ = *storage::Catalog::Open(options, engine_, {scheduler_, random_});
    v1::Resource vpc;
    vpc.mutable_vpc()->set_name(kVpc);
    vpc.mutable_vpc()->set_account("123456789012");
    v1::Resource agent;
    agent.mutable_agent()->set_name(resource::AgentName(1));
    agent.mutable_agent()->set_display_name("founder");
    agent.mutable_agent()->set_mesh_address("192.0.2.1:7950");
    agent.mutable_agent()->set_issues_certificates(true);
    EXPECT_OK(catalog_->Commit({{kVpc, vpc, {}}, {resource::AgentName(1), agent, {}}}));
    enrollment_ =
        std::make_unique<Enrollment>(IssuingOptions(), *catalog_, Runtime{scheduler_, random_});
  }

  Enrollment::Options IssuingOptions() {
    Enrollment::Options options;
    options.authority = mesh_.authority();
    options.mesh_address = "192.0.2.1:7950";
    options.account = "999999999999";
    options.region = "us-west-2";
    options.mesh_domain = "on.trellis";
    return options;
  }

  trust::JoinToken NewToken(absl::string_view vpc = kVpc) {
    v1::CreateJoinTokenRequest request;
    request.set_vpc(std::string(vpc));
    request.set_role(v1::WORKER);
    request.mutable_time_to_live()->set_seconds(3600);
    const auto response = enrollment_->CreateJoinToken(request);
    EXPECT_OK(response);
    return *trust::JoinToken::Parse(response->token());
  }
  peer::v1::EnrollRequest Request(const trust::JoinToken& token, uint64_t node = 2) {
    peer::v1::EnrollRequest request;
    request.set_token_id(token.id);
    request.set_token_secret(token.secret);
    request.set_public_key_der(key_.public_der());
    request.set_node(node);
    request.set_display_name("host-2");
    request.set_mesh_address("192.0.2.2:7950");
    return request;
  }

  const TestMesh mesh_;
  const trust::KeyPair key_ = trust::KeyPair::Generate();
  SimScheduler scheduler_{mesh_.start()};
  SeededRandom random_{7};
  storage::MemoryEngine engine_;
  std::unique_ptr<storage::Catalog> catalog_;
  std::unique_ptr<Enrollment> enrollment_;
};

TEST_F(EnrollmentTest, TokenBecomesACertificateAndARosterEntry) {
  const trust::JoinToken token = NewToken();
  EXPECT_EQ(token.mesh_addresses, std::vector<std::string>{"192.0.2.1:7950"});
  ASSERT_OK_AND_ASSIGN(const auto response, enrollment_->Enroll(Request(token)));
  const auto identity =
      trust::VerifyChain(*trust::CertificateDerFromPem(response.certificate_pem()),
                         mesh_.authority().root(), scheduler_.WallNow());
  ASSERT_OK(identity);
  EXPECT_EQ(*identity, mesh_.Agent(2));
  EXPECT_EQ(response.account(), "999999999999");
  ASSERT_EQ(response.members_size(), 1);
  EXPECT_EQ(response.members(0).mesh_address(), "192.0.2.1:7950");

  const auto agent = catalog_->Find(resource::AgentName(2));
  ASSERT_NE(agent, nullptr);
  EXPECT_EQ(agent->agent().vpc(), kVpc);
  EXPECT_EQ(agent->agent().role(), v1::WORKER);
  EXPECT_FALSE(agent->agent().issues_certificates());
  EXPECT_EQ(catalog_->Find("joinTokens/" + token.id)->join_token().used_by(),
            resource::AgentName(2));
}

TEST_F(EnrollmentTest, SecretIsNotStored) {
  const trust::JoinToken token = NewToken();
  const std::string stored = catalog_->Find("joinTokens/" + token.id)->SerializeAsString();
  EXPECT_EQ(stored.find(token.secret), std::string::npos);
}

TEST_F(EnrollmentTest, TokenIsUsedOnce) {
  const trust::JoinToken token = NewToken();
  ASSERT_OK(enrollment_->Enroll(Request(token)));
  EXPECT_THAT(enrollment_->Enroll(Request(token, 3)).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("used already")));
}

TEST_F(EnrollmentTest, WrongSecretAndUnknownTokenAreSaidAlike) {
  const trust::JoinToken token = NewToken();
  peer::v1::EnrollRequest wrong = Request(token);
  wrong.set_token_secret(std::string(32, 'x'));
  peer::v1::EnrollRequest unknown = Request(token);
  unknown.set_token_id("00000000000000000");
  EXPECT_EQ(enrollment_->Enroll(wrong).status(), enrollment_->Enroll(unknown).status());
  EXPECT_EQ(enrollment_->Enroll(wrong).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_OK(enrollment_->Enroll(Request(token)));
}

TEST_F(EnrollmentTest, ExpiredTokenIsRefused) {
  const trust::JoinToken token = NewToken();
  scheduler_.RunFor(absl::Hours(2));
  EXPECT_THAT(enrollment_->Enroll(Request(token)).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("expired")));
}

struct NewcomerCase {
  const char* name;
  void (*spoil)(peer::v1::EnrollRequest&);
  absl::StatusCode code;
  const char* field;
};
class NewcomerTest : public EnrollmentTest, public testing::WithParamInterface<NewcomerCase> {};
TEST_P(NewcomerTest, IsRefusedAndTheTokenStaysUnused) {
  const trust::JoinToken token = NewToken();
  peer::v1::EnrollRequest request = Request(token);
  GetParam().spoil(request);
  EXPECT_THAT(enrollment_->Enroll(request).status(),
              StatusIs(GetParam().code, HasSubstr(GetParam().field)));
  EXPECT_OK(enrollment_->Enroll(Request(token)));
}
INSTANTIATE_TEST_SUITE_P(
    Spec, NewcomerTest,
    testing::Values(
        NewcomerCase{"NoKey", [](peer::v1::EnrollRequest& r) { r.set_public_key_der("key"); },
                     absl::StatusCode::kInvalidArgument, "public_key_der"},
        NewcomerCase{"NoPort", [](peer::v1::EnrollRequest& r) { r.set_mesh_address("host"); },
                     absl::StatusCode::kInvalidArgument, "mesh_address"},
        NewcomerCase{"NoName", [](peer::v1::EnrollRequest& r) { r.clear_display_name(); },
                     absl::StatusCode::kInvalidArgument, "display_name"},
        NewcomerCase{"NodeTaken", [](peer::v1::EnrollRequest& r) { r.set_node(1); },
                     absl::StatusCode::kAlreadyExists, "node"},
        NewcomerCase{"NodeZero", [](peer::v1::EnrollRequest& r) { r.set_node(0); },
                     absl::StatusCode::kAlreadyExists, "node"},
        NewcomerCase{"NameTaken", [](peer::v1::EnrollRequest& r) { r.set_display_name("founder"); },
                     absl::StatusCode::kAlreadyExists, "display_name"}),
    [](const auto& info) { return info.param.name; });

TEST_F(EnrollmentTest, AgentWithoutTheKeyNamesOneWithIt) {
  Enrollment::Options options = IssuingOptions();
  options.authority.reset();
  Enrollment other(options, *catalog_, {scheduler_, random_});
  EXPECT_THAT(
      other.Enroll(Request(NewToken())).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("founder (192.0.2.1:7950)")));
  EXPECT_THAT(other.CreateJoinToken({}).status(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EnrollmentTest, TokenForNoVpcIsRefused) {
  v1::CreateJoinTokenRequest request;
  request.set_vpc("vpcs/vpc-00000000");
  request.mutable_time_to_live()->set_seconds(60);
  EXPECT_THAT(enrollment_->CreateJoinToken(request).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("vpc")));
}

TEST_F(EnrollmentTest, OperatorGetsACertificate) {
  v1::CreateOperatorCertificateRequest request;
  request.set_operator_("alice");
  request.set_public_key_der(key_.public_der());
  request.mutable_time_to_live()->set_seconds(3600);
  ASSERT_OK_AND_ASSIGN(const auto response, enrollment_->CreateOperatorCertificate(request));
  EXPECT_EQ(*trust::VerifyChain(*trust::CertificateDerFromPem(response.certificate_pem()),
                                mesh_.authority().root(), scheduler_.WallNow()),
            mesh_.Operator("alice"));
  ASSERT_EQ(response.mesh_addresses_size(), 1);
}

// Over a real port: the host knows no more than its token.
TEST_F(EnrollmentTest, HostJoinsOverTheMeshPort) {
  const auto service =
      NewEnrollmentService(*enrollment_, [](absl::FunctionRef<void()> task) { task(); });
  MeshServer::Options options;
  options.listen = *net::Endpoint::Parse("127.0.0.1:0");
  options.credentials = mesh_.Credentials(mesh_.Agent(1));
  options.now = mesh_.now();
  options.handshake_timeout = absl::Minutes(5);
  options.enrollment_services = {service.get()};
  ASSERT_OK_AND_ASSIGN(const auto server, MeshServer::Start(std::move(options)));
  trust::JoinToken token = NewToken();
  token.mesh_addresses = {server->local_endpoint().ToString()};

  const JoinRequest request = {
      .node = 2, .display_name = "host-2", .mesh_address = "192.0.2.2:7950"};
  trust::JoinToken other_mesh = token;
  other_mesh.root_sha256 = std::string(32, 'x');
  EXPECT_THAT(Join(other_mesh, key_, request, mesh_.now()).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("join token")));
  ASSERT_OK_AND_ASSIGN(const auto response, Join(token, key_, request, mesh_.now()));
  EXPECT_EQ(response.mesh_domain(), "on.trellis");
  EXPECT_THAT(Join(token, key_, request, mesh_.now()).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("used already")));
  EXPECT_THAT(
      Join(token, key_, request, [this] { return mesh_.start() + absl::Hours(5); }).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("expired")));
}

}  // namespace
}  // namespace trellis::mesh
