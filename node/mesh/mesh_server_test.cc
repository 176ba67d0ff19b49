#include "node/mesh/mesh_server.h"

#include <grpcpp/grpcpp.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/sync/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/mesh/descriptors.h"
#include "node/mesh/mesh_dialer.h"
#include "node/mesh/mesh_testing.h"
#include "node/net/sockets.h"
#include "node/tls/tls_session.h"
#include "node/tls/tls_testing.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"
#include "tests/support/status_matchers.h"

namespace trellis::mesh {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kGenerous = absl::Minutes(5);  // A busy machine is slow.

// Says who called. A call with the token "wait" is held until Release, and says it then.
class WhoAmI final : public peer::v1::Enrollment::Service {
 public:
  grpc::Status Enroll(grpc::ServerContext* context, const peer::v1::EnrollRequest* request,
                      peer::v1::EnrollResponse* response) override {
    if (request->token_id() == "wait") {
      MutexLock lock(mutex_);
      ++waiting_;
      changed_.NotifyAll();
      while (!released_) changed_.Wait(mutex_);
    }
    const absl::StatusOr<trust::PeerIdentity> caller = IdentityOf(*context);
    response->set_account(caller.ok() ? caller->ToString() : "nobody");
    response->set_certificate_pem(request->public_key_der());
    MutexLock lock(mutex_);
    answers_.push_back(response->account());
    return grpc::Status::OK;
  }

  void AwaitWaiting() {
    MutexLock lock(mutex_);
    while (waiting_ == 0) changed_.Wait(mutex_);
  }
  void Release() {
    MutexLock lock(mutex_);
    released_ = true;
    changed_.NotifyAll();
  }
  std::string last_answer() {
    MutexLock lock(mutex_);
    return answers_.empty() ? "" : answers_.back();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> answers_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<peer::v1::EnrollResponse> Ask(const std::shared_ptr<grpc::Channel>& channel,
                                             const std::string& token = "",
                                             const std::string& payload = "") {
  const auto stub = peer::v1::Enrollment::NewStub(channel);
  grpc::ClientContext context;
  peer::v1::EnrollRequest request;
  request.set_token_id(token);
  request.set_public_key_der(payload);
  peer::v1::EnrollResponse response;
  const grpc::Status status = stub->Enroll(&context, request, &response);
  if (status.ok()) return response;
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

class MeshServerTest : public testing::Test {
 protected:
  MeshServer::Options DefaultOptions() {
    MeshServer::Options options;
    options.listen = *net::Endpoint::Parse("127.0.0.1:0");
    options.credentials = mesh_.Credentials(mesh_.Agent(1, trust::PeerRole::kAdmin));
    options.now = mesh_.now();
    options.handshake_timeout = kGenerous;
    options.agent_services = {&agents_};
    options.operator_services = {&operators_};
    options.enrollment_services = {&enrollment_};
    return options;
  }
  void Start(MeshServer::Options options) {
    auto server = MeshServer::Start(std::move(options));
    ASSERT_OK(server);
    server_ = *std::move(server);
  }
  void Start() { Start(DefaultOptions()); }
  std::string address() const { return server_->local_endpoint().ToString(); }

  std::unique_ptr<MeshDialer> Dialer(const tls::Credentials& credentials) {
    MeshDialer::Options options;
    options.now = mesh_.now();
    options.timeout = kGenerous;
    return *MeshDialer::ForMember(credentials, options);
  }
  std::unique_ptr<MeshDialer> AgentDialer(uint64_t node) {
    return Dialer(mesh_.Credentials(mesh_.Agent(node)));
  }
  // A bare TCP connection to the port.
  net::Fd Connect() {
    net::Fd socket = *net::StartConnect(server_->local_endpoint());
    pollfd ready = {socket.get(), POLLOUT, 0};
    EXPECT_EQ(::poll(&ready, 1, -1), 1);
    return socket;
  }
  // Reads until the server closes; returns what it said.
  std::string ReadToEnd(const net::Fd& socket) {
    std::string all;
    while (true) {
      pollfd ready = {socket.get(), POLLIN, 0};
      EXPECT_EQ(::poll(&ready, 1, -1), 1);
      char buffer[4096];
      const ssize_t bytes = ::recv(socket.get(), buffer, sizeof(buffer), 0);
      if (bytes <= 0) return all;
      all.append(buffer, static_cast<size_t>(bytes));
    }
  }

  const TestMesh mesh_;
  WhoAmI agents_;
  WhoAmI operators_;
  WhoAmI enrollment_;
  std::unique_ptr<MeshServer> server_;
};

TEST_F(MeshServerTest, AgentReachesAgentServicesAndIsKnown) {
  Start();
  const auto dialer = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection, dialer->DialAndWait(address(), 1));
  EXPECT_EQ(connection.peer, mesh_.Agent(1, trust::PeerRole::kAdmin));
  ASSERT_OK_AND_ASSIGN(const auto answer, Ask(connection.channel));
  EXPECT_EQ(answer.account(), mesh_.Agent(2).ToString());
  EXPECT_EQ(agents_.last_answer(), answer.account());
}

TEST_F(MeshServerTest, OperatorReachesOperatorServicesOnly) {
  Start();
  const auto dialer = Dialer(mesh_.Credentials(mesh_.Operator("alice")));
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection,
                       dialer->DialAndWait(address(), std::nullopt));
  ASSERT_OK_AND_ASSIGN(const auto answer, Ask(connection.channel));
  EXPECT_EQ(answer.account(), "operator alice");
  EXPECT_EQ(operators_.last_answer(), "operator alice");
  EXPECT_EQ(agents_.last_answer(), "");
}

// Whatever its role: administration from afar is for operators.
TEST_F(MeshServerTest, AgentsNeverReachOperatorServices) {
  MeshServer::Options options = DefaultOptions();
  options.agent_services = {};
  Start(std::move(options));
  for (const trust::PeerRole role : {trust::PeerRole::kWorker, trust::PeerRole::kAdmin}) {
    const auto dialer = Dialer(mesh_.Credentials(mesh_.Agent(2, role)));
    EXPECT_FALSE(dialer->DialAndWait(address(), 1).ok());
  }
  EXPECT_EQ(operators_.last_answer(), "");
}

TEST_F(MeshServerTest, PeerWithoutServicesIsRefused) {
  MeshServer::Options options = DefaultOptions();
  options.operator_services = {};
  Start(std::move(options));
  const auto dialer = Dialer(mesh_.Credentials(mesh_.Operator("alice")));
  EXPECT_FALSE(dialer->DialAndWait(address(), std::nullopt).ok());
}

TEST_F(MeshServerTest, JoiningHostReachesEnrollmentAsNobody) {
  Start();
  MeshDialer::Options options;
  options.now = mesh_.now();
  options.timeout = kGenerous;
  const auto dialer = *MeshDialer::ForEnrollment(mesh_.authority().root().sha256(), options);
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection,
                       dialer->DialAndWait(address(), std::nullopt));
  ASSERT_OK_AND_ASSIGN(const auto answer, Ask(connection.channel));
  EXPECT_EQ(answer.account(), "nobody");
  EXPECT_EQ(enrollment_.last_answer(), "nobody");
}

TEST_F(MeshServerTest, AnotherAgentThanWantedIsRefused) {
  Start();
  EXPECT_THAT(AgentDialer(2)->DialAndWait(address(), 7).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("0000000000000007")));
}

TEST_F(MeshServerTest, AnotherMeshIsRefusedWithThatWord) {
  Start();
  const TestMesh other('x');
  const auto dialer = Dialer(other.Credentials(other.Agent(2)));
  EXPECT_THAT(dialer->DialAndWait(address(), std::nullopt).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("another mesh")));
}

struct WrongCertificateCase {
  const char* name;
  char mesh;  // Made by another root, for the mesh of this id; 'm' is ours.
};
class WrongCertificateTest : public MeshServerTest,
                             public testing::WithParamInterface<WrongCertificateCase> {};
// The dialer itself trusts our root, so it is the server that refuses.
TEST_P(WrongCertificateTest, IsRefusedForEveryKindOfPeer) {
  Start();
  const TestMesh other(GetParam().mesh);
  for (const trust::PeerIdentity& identity :
       {other.Agent(2), other.Agent(2, trust::PeerRole::kAdmin), other.Operator("alice")}) {
    tls::Credentials credentials = other.Credentials(identity);
    credentials.root_pem = mesh_.authority().root().pem();
    EXPECT_THAT(Dialer(credentials)->DialAndWait(address(), std::nullopt).status(),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("not of its mesh")))
        << identity.ToString();
  }
  EXPECT_EQ(agents_.last_answer() + operators_.last_answer(), "");
}
INSTANTIATE_TEST_SUITE_P(Spec, WrongCertificateTest,
                         testing::Values(WrongCertificateCase{"ForeignMeshId", 'x'},
                                         WrongCertificateCase{"OurMeshIdButAnotherRoot", 'm'}),
                         [](const auto& info) { return info.param.name; });

TEST_F(MeshServerTest, ExpiredCertificateIsRefusedAndTheDialerToldSo) {
  MeshServer::Options options = DefaultOptions();
  options.now = [this] { return mesh_.start() + absl::Minutes(10); };
  Start(std::move(options));
  for (const trust::PeerIdentity& identity : {mesh_.Agent(2), mesh_.Operator("alice")}) {
    const auto dialer = Dialer(mesh_.Credentials(identity, absl::Minutes(1)));
    EXPECT_THAT(dialer->DialAndWait(address(), std::nullopt).status(),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
  }
}

TEST_F(MeshServerTest, ExpiredServerIsRefusedByTheDialer) {
  MeshServer::Options options = DefaultOptions();
  options.credentials = mesh_.Credentials(mesh_.Agent(1), absl::Minutes(1));
  Start(std::move(options));
  MeshDialer::Options dialer_options;
  dialer_options.now = [this] { return mesh_.start() + absl::Minutes(10); };
  dialer_options.timeout = kGenerous;
  const auto dialer = *MeshDialer::ForMember(mesh_.Credentials(mesh_.Agent(2)), dialer_options);
  EXPECT_THAT(dialer->DialAndWait(address(), 1).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("expired")));
}

TEST_F(MeshServerTest, RenewedCertificateIsShownFromThenOnAndOpenConnectionsLiveOn) {
  MeshServer::Options options = DefaultOptions();
  options.credentials = mesh_.Credentials(mesh_.Agent(1), absl::Minutes(1));
  Start(std::move(options));
  const auto early = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection before, early->DialAndWait(address(), 1));
  ASSERT_OK(server_->Use(mesh_.Credentials(mesh_.Agent(1))));
  MeshDialer::Options dialer_options;
  dialer_options.now = [this] { return mesh_.start() + absl::Minutes(10); };
  dialer_options.timeout = kGenerous;
  const auto later = *MeshDialer::ForMember(mesh_.Credentials(mesh_.Agent(2)), dialer_options);
  ASSERT_OK_AND_ASSIGN(const MeshConnection after, later->DialAndWait(address(), 1));
  EXPECT_OK(Ask(after.channel));
  EXPECT_OK(Ask(before.channel));
  tls::Credentials broken = mesh_.Credentials(mesh_.Agent(1));
  broken.key_pem = trust::KeyPair::Generate().private_pem();
  EXPECT_THAT(server_->Use(broken), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(later->DialAndWait(address(), 1));
}

TEST_F(MeshServerTest, JoiningHostWithAnotherPinRefusesTheServer) {
  Start();
  MeshDialer::Options options;
  options.now = mesh_.now();
  options.timeout = kGenerous;
  const auto dialer =
      *MeshDialer::ForEnrollment(TestMesh('m').authority().root().sha256(), options);
  EXPECT_THAT(dialer->DialAndWait(address(), std::nullopt).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("join token")));
  EXPECT_EQ(enrollment_.last_answer(), "");
}

TEST_F(MeshServerTest, NoCertificateOnH2IsRefused) {
  Start();
  const net::Fd socket = Connect();
  const auto context =
      tls::TlsContextTestPeer::Stranger(tls::VerifyByRoot(mesh_.authority().root(), mesh_.now()));
  tls::TlsSession session(*context, socket.get());
  tls::TlsSession::Io result = tls::TlsSession::Io::kBlocked;
  const auto await = [&] {
    pollfd ready = {socket.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, -1), 1);
  };
  while ((result = session.Handshake()) == tls::TlsSession::Io::kBlocked) await();
  ASSERT_EQ(result, tls::TlsSession::Io::kDone);
  while ((result = session.AwaitFirstBytes()) == tls::TlsSession::Io::kBlocked) await();
  EXPECT_EQ(result, tls::TlsSession::Io::kFailed);
  EXPECT_THAT(session.failure(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("requires a certificate")));
}

TEST_F(MeshServerTest, EvictedAgentLosesItsConnectionAndGetsNoNewOne) {
  Start();
  const auto dialer = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection, dialer->DialAndWait(address(), 1));
  ASSERT_OK(Ask(connection.channel));
  server_->SetRefused([](const trust::PeerIdentity& peer) { return peer.node == 2; });
  // The next dial is refused in any case; the open connection ends at once.
  const absl::Status refused = dialer->DialAndWait(address(), 1).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicted")));
  EXPECT_TRUE(IsTurnedAway(refused));
  // Another than was dialled may say what it likes.
  EXPECT_FALSE(IsTurnedAway(dialer->DialAndWait(address(), 7).status()));
  EXPECT_EQ(Ask(connection.channel).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_OK(AgentDialer(3)->DialAndWait(address(), 1));
}

// Who sits between two agents can send an alert that nobody signed.
TEST(MeshDialer, RefusalOfAStrangerIsNotThePeers) {
  const TestMesh mesh;
  ASSERT_OK_AND_ASSIGN(const net::Fd listener, net::Listen(*net::Endpoint::Parse("127.0.0.1:0")));
  ASSERT_OK_AND_ASSIGN(const net::Endpoint stranger, net::LocalEndpoint(listener.get()));
  std::thread answer([&] {
    pollfd waiting = {listener.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, -1), 1);
    net::Endpoint from;
    const net::Fd socket = net::Accept(listener.get(), &from);
    waiting = {socket.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, -1), 1);
    char hello[4096];
    ASSERT_GT(::recv(socket.get(), hello, sizeof(hello), 0), 0);
    const char alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 49};  // Fatal: access_denied.
    ASSERT_EQ(::send(socket.get(), alert, sizeof(alert), MSG_NOSIGNAL),
              static_cast<ssize_t>(sizeof(alert)));
  });
  ASSERT_OK_AND_ASSIGN(const auto dialer,
                       MeshDialer::ForMember(mesh.Credentials(mesh.Agent(2)), {.now = mesh.now()}));
  const absl::Status refused = dialer->DialAndWait(stranger.ToString(), 1).status();
  answer.join();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(IsTurnedAway(refused));
}

TEST_F(MeshServerTest, PlainHttpIsTurnedAway) {
  Start();
  const net::Fd socket = Connect();
  const absl::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  EXPECT_FALSE(absl::StrContains(ReadToEnd(socket), "HTTP/"));
}

TEST_F(MeshServerTest, GarbageIsTurnedAway) {
  Start();
  const net::Fd socket = Connect();
  const std::string garbage(1000, '\xee');
  ASSERT_EQ(::send(socket.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 1000);
  ReadToEnd(socket);
  EXPECT_OK(AgentDialer(2)->DialAndWait(address(), 1));
}

TEST_F(MeshServerTest, SlowAndHalfHandshakesTimeOut) {
  MeshServer::Options options = DefaultOptions();
  options.handshake_timeout = absl::Milliseconds(50);
  Start(std::move(options));
  const net::Fd silent = Connect();
  const net::Fd half = Connect();
  // A record header that promises a handshake message which never comes.
  ASSERT_EQ(::send(half.get(), "\x16\x03\x01\x02\x00", 5, MSG_NOSIGNAL), 5);
  EXPECT_EQ(ReadToEnd(silent), "");
  EXPECT_EQ(ReadToEnd(half), "");
}

TEST_F(MeshServerTest, HandshakesUnderWayAreBounded) {
  MeshServer::Options options = DefaultOptions();
  options.max_handshakes = 2;
  options.handshake_timeout = absl::Hours(1);
  Start(std::move(options));
  const net::Fd first = Connect();
  const net::Fd second = Connect();
  // Both hold their places, so the third is closed at once.
  EXPECT_EQ(ReadToEnd(Connect()), "");
}

TEST_F(MeshServerTest, LargeMessagesPassBothWays) {
  Start();
  const auto dialer = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection, dialer->DialAndWait(address(), 1));
  const std::string payload(3 << 20, 'p');  // Far beyond every buffer on the way.
  ASSERT_OK_AND_ASSIGN(const auto answer, Ask(connection.channel, "", payload));
  EXPECT_EQ(answer.certificate_pem(), payload);
}

TEST_F(MeshServerTest, ManyCallsAtOnceOverOneConnection) {
  Start();
  const auto dialer = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection, dialer->DialAndWait(address(), 1));
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        const auto answer = Ask(connection.channel, "", std::string(100'000, 'q'));
        EXPECT_OK(answer);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

// A call that outlives its connection keeps its caller's identity: its descriptor's number goes to
// nobody else while it lives, though numbers are scarce and connections many.
TEST_F(MeshServerTest, NumberOfAConnectionIsNotReusedWhileItsCallLives) {
  Start();
  auto evicted = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection held, evicted->DialAndWait(address(), 1));
  std::thread caller([&] { EXPECT_FALSE(Ask(held.channel, "wait").ok()); });
  agents_.AwaitWaiting();
  server_->SetRefused([](const trust::PeerIdentity& peer) { return peer.node == 2; });
  caller.join();  // The connection is gone; the handler still runs.

  // Once around all numbers: the rotation comes back to where it was. Bare descriptors stand for
  // connections, so that a whole round takes a moment.
  int rounds = 0;
  for (int last = -1; rounds < 2;) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const net::Fd other(pair[1]);
    ASSERT_OK_AND_ASSIGN(const int number, NameConnection(net::Fd(pair[0]), mesh_.Agent(66)));
    const net::Fd named(number);
    if (number < last) ++rounds;
    last = number;
  }
  agents_.Release();
  server_->Shutdown();  // Waits for the handler.
  EXPECT_EQ(agents_.last_answer(), mesh_.Agent(2).ToString());
}

TEST_F(MeshServerTest, NumbersRotateEvenWhenFreed) {
  int last = -1;
  for (int i = 0; i < 3; ++i) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const net::Fd other(pair[1]);
    ASSERT_OK_AND_ASSIGN(const int number, NameConnection(net::Fd(pair[0]), std::nullopt));
    const net::Fd named(number);  // Free again at the end of the round.
    EXPECT_NE(number, last);
    last = number;
  }
}

TEST_F(MeshServerTest, ShutdownEndsConnectionsAndFreesThePort) {
  Start();
  const net::Endpoint endpoint = server_->local_endpoint();
  const auto dialer = AgentDialer(2);
  ASSERT_OK_AND_ASSIGN(const MeshConnection connection, dialer->DialAndWait(address(), 1));
  server_->Shutdown();
  EXPECT_EQ(Ask(connection.channel).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(dialer->DialAndWait(endpoint.ToString(), 1).status(),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MeshServerTest, PortInUseIsSaidSo) {
  Start();
  MeshServer::Options options = DefaultOptions();
  options.listen = server_->local_endpoint();
  options.agent_services = {};
  options.operator_services = {};
  options.enrollment_services = {};
  EXPECT_THAT(MeshServer::Start(std::move(options)).status(),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST(MeshDialer, AddressesThatAreNoneAreRefused) {
  const TestMesh mesh;
  const auto dialer = *MeshDialer::ForMember(mesh.Credentials(mesh.Agent(1)));
  for (const char* address : {"", "host", ":1", "host:", "host:0", "host:65536", "host:x"}) {
    EXPECT_THAT(dialer->DialAndWait(address, std::nullopt).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host:port")))
        << address;
  }
}

TEST(MeshDialer, NamesAreResolved) {
  const TestMesh mesh;
  WhoAmI service;
  MeshServer::Options options;
  options.listen = *net::Endpoint::Parse("127.0.0.1:0");
  options.credentials = mesh.Credentials(mesh.Agent(1));
  options.now = mesh.now();
  options.handshake_timeout = kGenerous;
  options.agent_services = {&service};
  ASSERT_OK_AND_ASSIGN(const auto server, MeshServer::Start(std::move(options)));
  MeshDialer::Options dialer_options;
  dialer_options.now = mesh.now();
  dialer_options.timeout = kGenerous;
  const auto dialer = *MeshDialer::ForMember(mesh.Credentials(mesh.Agent(2)), dialer_options);
  EXPECT_OK(dialer->DialAndWait(absl::StrCat("localhost:", server->local_endpoint().port()), 1));
}

TEST(MeshDialer, SilentServerTimesOut) {
  const TestMesh mesh;
  const net::Fd listener = *net::Listen(*net::Endpoint::Parse("127.0.0.1:0"));
  MeshDialer::Options options;
  options.timeout = absl::Milliseconds(50);
  const auto dialer = *MeshDialer::ForMember(mesh.Credentials(mesh.Agent(2)), options);
  EXPECT_THAT(
      dialer->DialAndWait(net::LocalEndpoint(listener.get())->ToString(), std::nullopt).status(),
      StatusIs(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace trellis::mesh
