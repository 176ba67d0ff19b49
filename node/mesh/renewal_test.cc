#include "node/mesh/renewal.h"

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "auth/trust/certificate.h"
#include "base/runtime/random.h"
#include "base/runtime/sim_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/mesh/mesh_server.h"
#include "node/mesh/mesh_testing.h"
#include "node/mesh/node_testing.h"
#include "node/mesh/renewal_client.h"
#include "storage/catalog/fake_authorship.h"
#include "storage/engine/memory_engine.h"
#include "storage/resource/names.h"
#include "tests/support/status_matchers.h"

namespace trellis::mesh {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLife = absl::Hours(24);

// Agent 1 issues; agent 2 wants a later certificate, `kElapsed` after its first.
class RenewalTest : public testing::Test {
 protected:
  explicit RenewalTest(absl::Duration elapsed = absl::Hours(12))
      : scheduler_(mesh_.start() + elapsed) {
    storage::Catalog::Options options;
    options.mesh_id = mesh_.authority().root().mesh_id();
    options.node = 1;
    options.authorship = &authorship_;
    catalog_ = *storage::Catalog::Open(options, engine_, {scheduler_, random_});
    for (const uint64_t node : {1, 2}) AddAgent(node);
    renewal_ = std::make_unique<Renewal>(mesh_.authority(), kLife, *catalog_,
                                         Runtime{scheduler_, random_});
  }

  void AddAgent(uint64_t node) {
    v1::Resource agent;
    agent.mutable_agent()->set_name(resource::AgentName(node));
    agent.mutable_agent()->set_display_name("founder");
    agent.mutable_agent()->set_mesh_address("192.0.2.1:7950");
    agent.mutable_agent()->set_issues_certificates(node == 1);
    EXPECT_OK(catalog_->Commit({{resource::AgentName(node), agent, {}}}));
  }
  void Evict(uint64_t node) {
    const std::string name = resource::AgentName(node);
    EXPECT_OK(catalog_->Commit({{name, std::nullopt, catalog_->FindRecord(name)->version}}));
  }
  peer::v1::RenewRequest Request(const tls::Credentials& credentials) const {
    peer::v1::RenewRequest request;
    request.set_certificate(*trust::CertificateDerFromPem(credentials.certificate_pem));
    return request;
  }

  const TestMesh mesh_;
  const tls::Credentials held_ = mesh_.Credentials(mesh_.Agent(2), kLife);
  SimScheduler scheduler_;
  SeededRandom random_{7};
  storage::MemoryEngine engine_;
  storage::FakeAuthorship authorship_{1};
  std::unique_ptr<storage::Catalog> catalog_;
  std::unique_ptr<Renewal> renewal_;
};

TEST_F(RenewalTest, LaterCertificateDiffersInItsEndAlone) {
  ASSERT_OK_AND_ASSIGN(const auto response, renewal_->Renew(mesh_.Agent(2), Request(held_)));
  const std::string before = Request(held_).certificate();
  const std::string after = *trust::CertificateDerFromPem(response.certificate_pem());
  EXPECT_EQ(*trust::VerifyChain(after, mesh_.authority().root(), scheduler_.WallNow()),
            mesh_.Agent(2));
  EXPECT_EQ(*trust::CertificatePublicKey(after), *trust::CertificatePublicKey(before));
  EXPECT_EQ(trust::CertificateValidity(after)->end, scheduler_.WallNow() + kLife);
  EXPECT_EQ(response.expire_time().seconds(), absl::ToUnixSeconds(scheduler_.WallNow() + kLife));
}

TEST_F(RenewalTest, OnlyTheCallersOwnIsRenewed) {
  trust::PeerIdentity elsewhere = mesh_.Agent(2);
  elsewhere.addresses = {"192.0.2.66"};
  const TestMesh impostor;  // The same id, another root.
  for (const tls::Credentials& credentials :
       {mesh_.Credentials(mesh_.Agent(3)), mesh_.Credentials(elsewhere),
        mesh_.Credentials(mesh_.Agent(2, trust::PeerRole::kAdmin)),
        impostor.Credentials(impostor.Agent(2))}) {
    EXPECT_THAT(renewal_->Renew(mesh_.Agent(2), Request(credentials)).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("agent that asks")));
  }
  EXPECT_THAT(renewal_->Renew(mesh_.Agent(2), {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const trust::PeerIdentity alice = mesh_.Operator("alice");
  EXPECT_THAT(renewal_->Renew(alice, Request(mesh_.Credentials(alice))).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(RenewalTest, EvictedIsRefusedAndUnknownTriesAgain) {
  Evict(2);
  EXPECT_THAT(renewal_->Renew(mesh_.Agent(2), Request(held_)).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicted")));
  EXPECT_THAT(
      renewal_->Renew(mesh_.Agent(9), Request(mesh_.Credentials(mesh_.Agent(9), kLife))).status(),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not in the roster yet")));
}

TEST_F(RenewalTest, AgentWithoutTheKeyNamesOneWithIt) {
  const Renewal other(std::nullopt, kLife, *catalog_, {scheduler_, random_});
  EXPECT_THAT(
      other.Renew(mesh_.Agent(2), Request(held_)).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("founder (192.0.2.1:7950)")));
}

// Over a real port.
class RenewalPortTest : public RenewalTest {
 protected:
  explicit RenewalPortTest(absl::Duration elapsed = absl::Hours(30)) : RenewalTest(elapsed) {
    MeshServer::Options options;
    options.listen = *net::Endpoint::Parse("127.0.0.1:0");
    options.credentials = mesh_.Credentials(mesh_.Agent(1), 100 * kLife);
    options.now = [now = scheduler_.WallNow()] { return now; };
    options.handshake_timeout = kGenerous;
    options.agent_services = {service_.get()};
    options.renewal_services = {service_.get()};
    server_ = *MeshServer::Start(std::move(options));
  }
  absl::StatusOr<peer::v1::RenewResponse> Ask(const tls::Credentials& credentials) {
    MeshDialer::Options options;
    options.now = [now = scheduler_.WallNow()] { return now; };
    options.timeout = kGenerous;
    const auto dialer = *MeshDialer::ForMember(credentials, options);
    RenewalClient client(*dialer, control_, kGenerous);
    std::optional<absl::StatusOr<peer::v1::RenewResponse>> answer;
    client.Ask({1, "founder", server_->local_endpoint().ToString()}, Request(credentials),
               [&](auto result) { answer = std::move(result); });
    EXPECT_TRUE(control_.RunUntil([&] { return answer.has_value(); }));
    return *answer;
  }

  SteppedScheduler control_;
  const std::unique_ptr<grpc::Service> service_ = NewRenewalService(*renewal_, control_);
  std::unique_ptr<MeshServer> server_;
};

TEST_F(RenewalPortTest, CertificateThatEndedIsRenewedAndGoodForNothingElse) {
  MeshDialer::Options options;
  options.now = [now = scheduler_.WallNow()] { return now; };
  const auto dialer = *MeshDialer::ForMember(held_, options);
  EXPECT_THAT(dialer->DialAndWait(server_->local_endpoint().ToString(), 1).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
  ASSERT_OK_AND_ASSIGN(const auto response, Ask(held_));
  tls::Credentials renewed = held_;
  renewed.certificate_pem = response.certificate_pem();
  ASSERT_OK(dialer->Use(renewed));
  EXPECT_OK(dialer->DialAndWait(server_->local_endpoint().ToString(), 1));
}

TEST_F(RenewalPortTest, EvictedAndOperatorsAreTurnedAway) {
  server_->SetRefused([](const trust::PeerIdentity& peer) { return peer.node == 2; });
  EXPECT_THAT(Ask(held_).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicted")));
  EXPECT_FALSE(Ask(mesh_.Credentials(mesh_.Operator("alice"), 10 * kLife)).ok());
}

TEST_F(RenewalPortTest, ClientThatEndsTakesItsQuestionBack) {
  const auto dialer = *MeshDialer::ForMember(held_);
  bool answered = false;
  {
    RenewalClient client(*dialer, control_, kGenerous);
    client.Ask({1, "founder", server_->local_endpoint().ToString()}, Request(held_),
               [&](const auto&) { answered = true; });
  }
  EXPECT_TRUE(control_.RunUntil([&] { return answered; }));
}

class LateRenewalTest : public RenewalPortTest {
 protected:
  LateRenewalTest() : RenewalPortTest(kLife + trust::kRenewalGrace) {}
};

TEST_F(LateRenewalTest, AfterAWeekItIsTooLate) {
  EXPECT_THAT(Ask(held_).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
}

}  // namespace
}  // namespace trellis::mesh
