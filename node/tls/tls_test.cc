#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "auth/trust/authority.h"
#include "auth/trust/identity.h"
#include "auth/trust/key_pair.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/net/fd.h"
#include "node/tls/tls_context.h"
#include "node/tls/tls_session.h"
#include "tests/support/status_matchers.h"

namespace trellis::tls {
namespace {

using ::testing::HasSubstr;
using Io = TlsSession::Io;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);
const std::string kMesh(16, 'm');

trust::PeerIdentity Agent(uint64_t node, absl::string_view mesh = kMesh) {
  return trust::PeerIdentity::Agent(mesh, node, "123456789012", "vpcs/vpc-1a2b3c4d",
                                    node == 1 ? trust::PeerRole::kAdmin : trust::PeerRole::kWorker,
                                    std::string(32, 'k'));
}

Credentials Issue(const trust::MeshAuthority& authority, const trust::PeerIdentity& identity,
                  absl::Duration lifetime = absl::Hours(1)) {
  const trust::KeyPair key = trust::KeyPair::Generate();
  return {*authority.Issue(key.public_der(), identity, kNow, lifetime), key.private_pem(),
          authority.root().pem()};
}

// Two sessions over a socketpair, stepped in turn until both are decided.
class Pair {
 public:
  Pair(const TlsContext& server, const TlsContext& client) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    server_fd_ = net::Fd(fds[0]);
    client_fd_ = net::Fd(fds[1]);
    server_ = std::make_unique<TlsSession>(server, fds[0]);
    client_ = std::make_unique<TlsSession>(client, fds[1]);
  }

  void Handshake() {
    for (int i = 0; i < 20; ++i) {
      if (client_result_ == Io::kBlocked) client_result_ = client_->Handshake();
      if (server_result_ == Io::kBlocked) server_result_ = server_->Handshake();
    }
    // What a server says on a new connection; the client waits for it.
    size_t written;
    if (server_result_ == Io::kDone) server_->Write("hello", &written);
    if (client_result_ == Io::kDone) client_result_ = client_->AwaitFirstBytes();
  }

  TlsSession& server() { return *server_; }
  TlsSession& client() { return *client_; }
  int server_fd() { return server_fd_.get(); }
  Io server_result() const { return server_result_; }
  Io client_result() const { return client_result_; }

 private:
  net::Fd server_fd_;
  net::Fd client_fd_;
  std::unique_ptr<TlsSession> server_;
  std::unique_ptr<TlsSession> client_;
  Io server_result_ = Io::kBlocked;
  Io client_result_ = Io::kBlocked;
};

class TlsTest : public testing::Test {
 protected:
  Now clock() {
    return [this] { return now_; };
  }
  Verifier ByRoot() { return VerifyByRoot(authority_.root(), clock()); }
  std::unique_ptr<const TlsContext> Server() {
    return *TlsContext::ForServer(Issue(authority_, Agent(1)), ByRoot());
  }
  std::unique_ptr<const TlsContext> Member(const Credentials& credentials) {
    return *TlsContext::ForMember(credentials, ByRoot());
  }

  absl::Time now_ = kNow;
  const trust::MeshAuthority authority_ = *trust::MeshAuthority::Create(kMesh, kNow);
};

TEST_F(TlsTest, MembersLearnWhoTheOtherIs) {
  const auto server = Server();
  const auto client = Member(Issue(authority_, Agent(2)));
  Pair pair(*server, *client);
  pair.Handshake();
  ASSERT_EQ(pair.server_result(), Io::kDone) << pair.server().failure();
  ASSERT_EQ(pair.client_result(), Io::kDone) << pair.client().failure();
  EXPECT_EQ(*pair.server().peer(), Agent(2));
  EXPECT_EQ(*pair.client().peer(), Agent(1));
  EXPECT_EQ(pair.server().alpn(), "h2");
  char buffer[16];
  size_t bytes = 0;
  EXPECT_EQ(pair.client().Read(buffer, sizeof(buffer), &bytes), Io::kDone);
  EXPECT_EQ(std::string(buffer, bytes), "hello");
  pair.server().SendCloseNotify();
  EXPECT_EQ(pair.client().Read(buffer, sizeof(buffer), &bytes), Io::kClosed);
}

TEST_F(TlsTest, AnotherMeshIsRefusedByBothWithThatWord) {
  const std::string other_mesh(16, 'x');
  const auto other = *trust::MeshAuthority::Create(other_mesh, kNow);
  const auto server = Server();
  {
    const auto client = Member(Issue(other, Agent(2, other_mesh)));
    Pair pair(*server, *client);
    pair.Handshake();
    EXPECT_THAT(pair.server().failure(),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("another mesh")));
    EXPECT_THAT(pair.client().failure(),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("not of its mesh")));
  }
  const auto client = *TlsContext::ForMember(Issue(other, Agent(2, other_mesh)),
                                             VerifyByRoot(other.root(), clock()));
  Pair pair(*server, *client);
  pair.Handshake();
  EXPECT_THAT(pair.client().failure(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("another mesh")));
}

TEST_F(TlsTest, ExpiredClientIsToldSo) {
  const auto server = Server();
  const auto client = *TlsContext::ForMember(Issue(authority_, Agent(2), absl::Minutes(1)),
                                             VerifyByRoot(authority_.root(), [] { return kNow; }));
  now_ += absl::Minutes(2);
  Pair pair(*server, *client);
  pair.Handshake();
  EXPECT_THAT(pair.server().failure(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("expired at")));
  EXPECT_THAT(pair.client().failure(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(TlsTest, EvictedClientIsToldSo) {
  const auto server = *TlsContext::ForServer(Issue(authority_, Agent(1)), [](const auto&) {
    return absl::PermissionDeniedError("evicted");
  });
  const auto client = Member(Issue(authority_, Agent(2)));
  Pair pair(*server, *client);
  pair.Handshake();
  EXPECT_THAT(pair.client().failure(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicted")));
}

TEST_F(TlsTest, EnrolmentNeedsNoCertificateButThePinnedRoot) {
  const auto server = Server();
  const auto client = TlsContext::ForEnrollment(VerifyByPin(authority_.root().sha256(), clock()));
  Pair pair(*server, *client);
  pair.Handshake();
  ASSERT_EQ(pair.client_result(), Io::kDone) << pair.client().failure();
  EXPECT_FALSE(pair.server().peer().has_value());
  EXPECT_EQ(pair.server().alpn(), "trellis-enroll/1");
  EXPECT_EQ(*pair.client().peer(), Agent(1));
}

TEST_F(TlsTest, EnrolmentWithAnotherPinIsRefusedByTheHost) {
  const auto server = Server();
  const auto client = TlsContext::ForEnrollment(VerifyByPin(std::string(32, 'p'), clock()));
  Pair pair(*server, *client);
  pair.Handshake();
  EXPECT_THAT(pair.client().failure(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("join token")));
}

TEST_F(TlsTest, OperatorsAndWorkersAreNobodyToEnrolWith) {
  for (const trust::PeerIdentity& mallory :
       {trust::PeerIdentity::Operator(kMesh, "mallory"), Agent(2)}) {
    const auto server = *TlsContext::ForServer(Issue(authority_, mallory), ByRoot());
    const auto client = TlsContext::ForEnrollment(VerifyByPin(authority_.root().sha256(), clock()));
    Pair pair(*server, *client);
    pair.Handshake();
    EXPECT_EQ(pair.client_result(), Io::kFailed);
    EXPECT_THAT(pair.client().failure(),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("admits nobody")));
  }
}

TEST_F(TlsTest, KeyOfAnotherCertificateIsRefused) {
  Credentials credentials = Issue(authority_, Agent(1));
  credentials.key_pem = trust::KeyPair::Generate().private_pem();
  EXPECT_THAT(TlsContext::ForServer(credentials, ByRoot()).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("private key")));
}

}  // namespace
}  // namespace trellis::tls
