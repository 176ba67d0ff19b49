#include "node/mesh/enrollment.h"

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth/trust/join_token.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/mesh/join.h"
#include "node/mesh/mesh_server.h"
#include "node/mesh/mesh_testing.h"
#include "node/net/loop_thread.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::mesh {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const char kVpc[] = "vpcs/vpc-1a2b3c4d";

class EnrollmentTest : public testing::Test {
 protected:
  EnrollmentTest() {
    storage::Catalog::Options options;
    options.mesh_id = mesh_.authority().root().mesh_id();
    options.node = 1;
    options.authorship = &authorship_;
    catalog_ = *storage::Catalog::Open(options, engine_, {scheduler_, random_});
    v1::Resource vpc;
    vpc.mutable_vpc()->set_name(kVpc);
    vpc.mutable_vpc()->set_display_name("storefront");
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
    request.set_signing_key(mesh_.SigningKey(node).public_key());
    request.add_addresses("192.0.2.1");
    return request;
  }

  const TestMesh mesh_;
  const trust::KeyPair key_ = trust::KeyPair::Generate();
  SimScheduler scheduler_{mesh_.start()};
  SeededRandom random_{7};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{1};
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
  EXPECT_EQ(response.vpc_display_name(), "storefront");
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

TEST_F(EnrollmentTest, HostMayNameTheVpcOfItsTokenInThreeWays) {
  uint64_t node = 2;
  for (const char* vpc : {"storefront", "vpc-1a2b3c4d", "vpcs/vpc-1a2b3c4d"}) {
    peer::v1::EnrollRequest request = Request(NewToken(), node);
    request.set_display_name(absl::StrCat("host-", node++));
    request.set_vpc(vpc);
    EXPECT_OK(enrollment_->Enroll(request)) << vpc;
  }
}

TEST_F(EnrollmentTest, HostThatMeansAnotherVpcIsRefusedAndTheTokenStaysUnused) {
  const trust::JoinToken token = NewToken();
  for (const char* vpc :
       {"warehouse", "Storefront", "vpc-00000000", "vpcs/vpc-00000000", "vpcs/"}) {
    peer::v1::EnrollRequest request = Request(token);
    request.set_vpc(vpc);
    EXPECT_THAT(enrollment_->Enroll(request).status(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("storefront (vpcs/vpc-1a2b3c4d)"), HasSubstr(vpc))));
  }
  EXPECT_OK(enrollment_->Enroll(Request(token)));
}

// Only who has the secret learns which VPC it is for.
TEST_F(EnrollmentTest, WrongSecretIsNotToldTheVpc) {
  peer::v1::EnrollRequest request = Request(NewToken());
  request.set_token_secret(std::string(32, 'x'));
  request.set_vpc("warehouse");
  EXPECT_THAT(enrollment_->Enroll(request).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, Not(HasSubstr("storefront"))));
}

TEST_F(EnrollmentTest, TokenOfADeletedVpcIsRefused) {
  const trust::JoinToken token = NewToken();
  ASSERT_OK(catalog_->Commit({{kVpc, std::nullopt, catalog_->FindRecord(kVpc)->version}}));
  EXPECT_THAT(enrollment_->Enroll(Request(token)).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(kVpc)));
}

TEST_F(EnrollmentTest, TokensThatEndedADayAgoGoWhenAnotherIsMade) {
  const trust::JoinToken used = NewToken();
  ASSERT_OK(enrollment_->Enroll(Request(used)));
  const trust::JoinToken unused = NewToken();
  scheduler_.RunFor(absl::Hours(2));
  const trust::JoinToken later = NewToken();
  scheduler_.RunFor(absl::Hours(23) + absl::Seconds(1));
  EXPECT_NE(catalog_->Find("joinTokens/" + used.id), nullptr);
  const trust::JoinToken newest = NewToken();
  EXPECT_EQ(catalog_->Find("joinTokens/" + used.id), nullptr);
  EXPECT_EQ(catalog_->Find("joinTokens/" + unused.id), nullptr);
  EXPECT_NE(catalog_->Find("joinTokens/" + later.id), nullptr);
  EXPECT_NE(catalog_->Find("joinTokens/" + newest.id), nullptr);
  // What is gone is as good as unknown, and admits nobody.
  EXPECT_THAT(enrollment_->Enroll(Request(unused, 3)).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("unknown")));
}

TEST_F(EnrollmentTest, PruningIsBoundedAndTheNextTokenGoesOn) {
  for (size_t i = 0; i < kMaxTokensPruned + 1; ++i) NewToken();
  scheduler_.RunFor(absl::Hours(26));
  const size_t before = catalog_->live_count();
  NewToken();
  EXPECT_EQ(catalog_->live_count(), before + 1 - kMaxTokensPruned);
  NewToken();
  EXPECT_EQ(catalog_->live_count(), before + 1 - kMaxTokensPruned);
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
        NewcomerCase{"NoSigningKey", [](peer::v1::EnrollRequest& r) { r.clear_signing_key(); },
                     absl::StatusCode::kInvalidArgument, "signing_key"},
        NewcomerCase{"NoAddress", [](peer::v1::EnrollRequest& r) { r.add_addresses("host"); },
                     absl::StatusCode::kInvalidArgument, "address"},
        NewcomerCase{"NoPort", [](peer::v1::EnrollRequest& r) { r.set_mesh_address("host"); },
                     absl::StatusCode::kInvalidArgument, "mesh_address"},
        NewcomerCase{"LongName",
                     [](peer::v1::EnrollRequest& r) { r.set_display_name(std::string(64, 'a')); },
                     absl::StatusCode::kInvalidArgument, "1 to 63"},
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
class JoinTest : public EnrollmentTest {
 protected:
  JoinTest() {
    MeshServer::Options options;
    options.listen = *net::Endpoint::Parse("127.0.0.1:0");
    options.credentials = mesh_.Credentials(mesh_.Agent(1, trust::PeerRole::kAdmin));
    options.now = mesh_.now();
    options.handshake_timeout = kGenerous;
    options.enrollment_services = {service_.get()};
    server_ = *MeshServer::Start(std::move(options));
  }

  trust::JoinToken TokenForPort() {
    trust::JoinToken token;
    control_->Call([&] { token = NewToken(); });
    token.mesh_addresses = {server_->local_endpoint().ToString()};
    return token;
  }
  JoinRequest HostRequest(uint64_t node = 2) {
    JoinRequest request;
    request.node = node;
    request.display_name = absl::StrCat("host-", node);
    request.mesh_address = "192.0.2.2:7950";
    request.signing_key = mesh_.SigningKey(node).public_key();
    request.addresses = {"192.0.2.2", "192.0.2.3"};
    request.timeout = kGenerous;
    return request;
  }

  static constexpr absl::Duration kGenerous = absl::Minutes(5);  // A busy machine is slow.

  const std::unique_ptr<net::LoopThread> control_ = *net::LoopThread::Start("control");
  const std::unique_ptr<grpc::Service> service_ =
      NewEnrollmentService(*enrollment_, control_->loop());
  std::unique_ptr<MeshServer> server_;
};

TEST_F(JoinTest, HostGetsItsCertificateOverTheMeshPort) {
  JoinRequest request = HostRequest();
  request.vpc = "storefront";
  ASSERT_OK_AND_ASSIGN(const auto response, Join(TokenForPort(), key_, request, mesh_.now()));
  EXPECT_EQ(response.mesh_domain(), "on.trellis");
  EXPECT_EQ(response.vpc_display_name(), "storefront");
}

TEST_F(JoinTest, TokenShownAgainIsRefused) {
  const trust::JoinToken token = TokenForPort();
  ASSERT_OK(Join(token, key_, HostRequest(2), mesh_.now()));
  for (const uint64_t node : {2, 3}) {
    EXPECT_THAT(Join(token, key_, HostRequest(node), mesh_.now()).status(),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("used already")));
  }
}

TEST_F(JoinTest, OfHostsThatShowOneTokenAtOnceOneGetsIn) {
  constexpr int kHosts = 4;
  const trust::JoinToken token = TokenForPort();
  std::vector<absl::Status> results(kHosts);
  std::vector<std::thread> hosts;
  for (int i = 0; i < kHosts; ++i) {
    hosts.emplace_back(
        [&, i] { results[i] = Join(token, key_, HostRequest(10 + i), mesh_.now()).status(); });
  }
  for (std::thread& host : hosts) host.join();
  int joined = 0;
  for (const absl::Status& result : results) {
    if (result.ok()) {
      ++joined;
    } else {
      EXPECT_THAT(result, StatusIs(absl::StatusCode::kPermissionDenied));
    }
  }
  EXPECT_EQ(joined, 1);
}

TEST_F(JoinTest, WrongPinIsRefusedBeforeTheSecretIsSaid) {
  const trust::JoinToken token = TokenForPort();
  trust::JoinToken other = token;
  other.root_sha256 = std::string(32, 'x');
  EXPECT_THAT(Join(other, key_, HostRequest(), mesh_.now()).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("join token")));
  EXPECT_OK(Join(token, key_, HostRequest(), mesh_.now()));
}

TEST_F(JoinTest, AnswerOfAnotherMeshThanTheTokensIsRefused) {
  trust::JoinToken token = TokenForPort();
  token.mesh_id = std::string(16, 'x');
  EXPECT_THAT(Join(token, key_, HostRequest(), mesh_.now()).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("another mesh")));
}

TEST_F(JoinTest, AnotherVpcIsRefusedAndTheTokenStaysUnused) {
  const trust::JoinToken token = TokenForPort();
  JoinRequest request = HostRequest();
  request.vpc = "warehouse";
  EXPECT_THAT(Join(token, key_, request, mesh_.now()).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("warehouse")));
  EXPECT_OK(Join(token, key_, HostRequest(), mesh_.now()));
}

TEST_F(JoinTest, ExpiredTokenIsNotEvenTried) {
  EXPECT_THAT(
      Join(TokenForPort(), key_, HostRequest(), [this] { return mesh_.start() + absl::Hours(5); })
          .status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("expired")));
}

TEST_F(JoinTest, DeadAddressIsPassedOver) {
  trust::JoinToken token = TokenForPort();
  token.mesh_addresses.insert(token.mesh_addresses.begin(), "127.0.0.1:1");
  EXPECT_OK(Join(token, key_, HostRequest(), mesh_.now()));
}

}  // namespace
}  // namespace trellis::mesh
