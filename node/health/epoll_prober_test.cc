#include "node/health/epoll_prober.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "node/net/fd.h"
#include "node/net/sockets.h"

namespace trellis::health {
namespace {

// On the same loop as the prober: reads one request, answers with given bytes, piece by piece.
class LoopbackServer final : public net::FdHandler {
 public:
  LoopbackServer(net::EventLoop& loop, std::vector<std::string> pieces, bool close)
      : loop_(loop), pieces_(std::move(pieces)), close_(close) {
    listener_ = *net::Listen(*net::Endpoint::Parse("127.0.0.1:0"));
    EXPECT_TRUE(loop_.Watch(listener_.get(), EPOLLIN, this).ok());
  }
  ~LoopbackServer() override {
    loop_.Unwatch(listener_.get(), this);
    CloseConnection();
  }

  net::Endpoint endpoint() const { return *net::LocalEndpoint(listener_.get()); }
  const std::string& request() const { return request_; }

  void OnEvents(uint32_t) override {
    if (!connection_.valid()) {
      net::Endpoint peer;
      connection_ = net::Accept(listener_.get(), &peer);
      if (connection_.valid()) {
        EXPECT_TRUE(loop_.Watch(connection_.get(), EPOLLIN, this).ok());
      }
      return;
    }
    char bytes[4096];
    const ssize_t size = ::recv(connection_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size == 0) return CloseConnection();
    if (size < 0) return;
    request_.append(bytes, static_cast<size_t>(size));
    if (absl::EndsWith(request_, "\r\n\r\n")) SendNext(0);
  }

 private:
  void SendNext(size_t index) {
    if (!connection_.valid()) return;
    if (index == pieces_.size()) {
      if (close_) CloseConnection();
      return;
    }
    ::send(connection_.get(), pieces_[index].data(), pieces_[index].size(), MSG_NOSIGNAL);
    loop_.Post([this, index] { SendNext(index + 1); });
  }
  void CloseConnection() {
    if (!connection_.valid()) return;
    loop_.Unwatch(connection_.get(), this);
    connection_.Reset();
  }

  net::EventLoop& loop_;
  const std::vector<std::string> pieces_;
  const bool close_;
  net::Fd listener_;
  net::Fd connection_;
  std::string request_;
};

class EpollProberTest : public testing::Test {
 protected:
  // Runs the loop until the probe has ended.
  ProbeResult ProbeOnce(const net::Endpoint& endpoint, absl::string_view path) {
    ProbeResult outcome{-1, ""};
    std::unique_ptr<Probe> probe;
    loop_->Post([&] {
      probe = prober_.Start(endpoint, path, [&](ProbeResult result) {
        outcome = std::move(result);
        probe.reset();  // As the checker does.
        loop_->Stop();
      });
    });
    loop_->Run();
    return outcome;
  }

  std::unique_ptr<net::EventLoop> loop_ = *net::EventLoop::Create();
  EpollProber prober_{*loop_};
};

TEST_F(EpollProberTest, AsksWithGetAndSaysWhoItIs) {
  LoopbackServer server(*loop_, {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, false);
  const ProbeResult result = ProbeOnce(server.endpoint(), "/healthz?full=1");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(absl::StartsWith(server.request(), "GET /healthz?full=1 HTTP/1.1\r\n"));
  EXPECT_TRUE(absl::StrContains(server.request(),
                                absl::StrCat("\r\nHost: ", server.endpoint().ToString(), "\r\n")));
  EXPECT_TRUE(absl::StrContains(server.request(), "\r\nUser-Agent: Trellis-HealthChecker/1.0\r\n"));
  EXPECT_TRUE(absl::StrContains(server.request(), "\r\nConnection: close\r\n"));
}

TEST_F(EpollProberTest, AnswerMayComeInPieces) {
  LoopbackServer server(*loop_, {"HTTP/1.", "1 503 Busy\r", "\nA: b\r\n\r", "\n"}, false);
  EXPECT_EQ(ProbeOnce(server.endpoint(), "/").status, 503);
}

TEST_F(EpollProberTest, InterimAnswersAreSkipped) {
  LoopbackServer server(
      *loop_, {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
      false);
  EXPECT_EQ(ProbeOnce(server.endpoint(), "/").status, 204);
}

TEST_F(EpollProberTest, InterimAnswersWithoutEndAreAnError) {
  std::string answer;
  for (int i = 0; i < 20; ++i) answer += "HTTP/1.1 100 Continue\r\n\r\n";
  LoopbackServer server(*loop_, {answer}, false);
  const ProbeResult result = ProbeOnce(server.endpoint(), "/");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.error, "only interim answers");
}

TEST_F(EpollProberTest, OldServersAreUnderstood) {
  LoopbackServer server(*loop_, {"HTTP/1.0 200 OK\r\n\r\n"}, true);
  EXPECT_EQ(ProbeOnce(server.endpoint(), "/").status, 200);
}

TEST_F(EpollProberTest, ConnectionClosedWithoutAnAnswerIsAnError) {
  LoopbackServer server(*loop_, {"HTTP/1.1 200"}, true);
  const ProbeResult result = ProbeOnce(server.endpoint(), "/");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.error, "connection closed before an answer");
}

TEST_F(EpollProberTest, OtherProtocolsAreAnError) {
  LoopbackServer server(*loop_, {"SSH-2.0-OpenSSH_9.2\r\n"}, false);
  const ProbeResult result = ProbeOnce(server.endpoint(), "/");
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(absl::StartsWith(result.error, "malformed answer")) << result.error;
}

TEST_F(EpollProberTest, HeadWithoutEndIsAnErrorAndBounded) {
  std::vector<std::string> pieces{"HTTP/1.1 200 OK\r\nA: "};
  for (int i = 0; i < 20; ++i) pieces.push_back(std::string(8192, 'a'));
  LoopbackServer server(*loop_, pieces, false);
  const ProbeResult result = ProbeOnce(server.endpoint(), "/");
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(absl::StartsWith(result.error, "malformed answer")) << result.error;
}

TEST_F(EpollProberTest, RefusedConnectionIsAnError) {
  net::Endpoint nobody;
  {
    LoopbackServer server(*loop_, {}, false);
    nobody = server.endpoint();
  }
  const ProbeResult result = ProbeOnce(nobody, "/");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.error, "");
}

TEST_F(EpollProberTest, ProbeTakenBackIsNotHeardOf) {
  LoopbackServer server(*loop_, {"HTTP/1.1 200 OK\r\n\r\n"}, false);
  bool heard = false;
  loop_->Post([&] {
    std::unique_ptr<Probe> probe =
        prober_.Start(server.endpoint(), "/", [&](ProbeResult) { heard = true; });
    probe.reset();
  });
  // A second probe goes its whole way meanwhile.
  LoopbackServer other(*loop_, {"HTTP/1.1 200 OK\r\n\r\n"}, false);
  EXPECT_EQ(ProbeOnce(other.endpoint(), "/").status, 200);
  EXPECT_FALSE(heard);
}

}  // namespace
}  // namespace trellis::health
