#include "node/web/web_port.h"

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/net/control.h"
#include "node/net/fd.h"
#include "node/net/loop_thread.h"
#include "tests/support/status_matchers.h"

namespace trellis::web {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kBigPage = 8 << 20;  // More than sockets on loopback hold.

class WebPortTest : public testing::Test {
 protected:
  void SetUp() override {
    auto thread = net::LoopThread::Start("web");
    ASSERT_OK(thread);
    thread_ = *std::move(thread);
  }
  void TearDown() override {
    net::RunOn(thread_->loop(), [this] { port_.reset(); });
  }

  void StartPort(WebPort::Options options = {}) {
    options.listen = *net::Endpoint::Parse("127.0.0.1:0");
    net::RunOn(thread_->loop(), [&] {
      auto port = WebPort::Start(thread_->loop(), options, [](absl::string_view path) {
        if (path == "/big") return std::optional<Page>({.body = std::string(kBigPage, 'x')});
        if (path == "/page") return std::optional<Page>({.body = "seen\n"});
        return std::optional<Page>();
      });
      ASSERT_OK(port);
      port_ = *std::move(port);
    });
  }

  net::Fd Connect() {
    sockaddr_storage address;
    const socklen_t size = port_->local_endpoint().ToSockaddr(&address);
    net::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    return fd;
  }
  static void Say(const net::Fd& fd, absl::string_view text) {
    EXPECT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  // Until the port closes.
  static std::string Hear(const net::Fd& fd) {
    std::string all;
    char buffer[16384];
    for (ssize_t got; (got = recv(fd.get(), buffer, sizeof(buffer), 0)) > 0;) all.append(buffer, got);
    return all;
  }
  std::string Ask(absl::string_view request) {
    const net::Fd fd = Connect();
    Say(fd, request);
    return Hear(fd);
  }

  std::unique_ptr<net::LoopThread> thread_;
  std::unique_ptr<WebPort> port_;
};

TEST_F(WebPortTest, ShowsPages) {
  StartPort();
  EXPECT_THAT(Ask("GET /page?x=1 HTTP/1.1\r\nhost: a\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("content-length: 5\r\n"),
                    HasSubstr("connection: close\r\n"), EndsWith("\r\n\r\nseen\n")));
  EXPECT_THAT(Ask("HEAD /page HTTP/1.1\r\nhost: a\r\n\r\n"),
              AllOf(HasSubstr("content-length: 5\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(WebPortTest, RefusesWhatItDoesNotServe) {
  StartPort();
  EXPECT_THAT(Ask("GET /none HTTP/1.1\r\nhost: a\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("POST /page HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("allow: GET, HEAD\r\n")));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET / HTTP/3.0\r\nhost: a\r\n\r\n"), StartsWith("HTTP/1.1 505 "));
}

TEST_F(WebPortTest, AHeadThatNeverEndsIsRefusedInTime) {
  StartPort({.max_head_bytes = 1000});
  EXPECT_THAT(Ask(absl::StrCat("GET / HTTP/1.1\r\nhost: a\r\nx: ", std::string(2000, 'y'))),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(WebPortTest, AnswersTheFirstRequestOnly) {
  StartPort();
  const std::string one = "GET /page HTTP/1.1\r\nhost: a\r\n\r\n";
  EXPECT_THAT(Ask(one + one), Not(HasSubstr("seen\nHTTP/1.1")));
}

TEST_F(WebPortTest, APageLargerThanTheKernelTakesArrivesWhole) {
  StartPort();
  const std::string answer = Ask("GET /big HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, kBigPage);
}

TEST_F(WebPortTest, WhoAsksSlowlyIsCut) {
  StartPort({.request_timeout = absl::Milliseconds(1)});
  const net::Fd fd = Connect();
  EXPECT_EQ(Hear(fd), "");
}


TEST_F(WebPortTest, ConnectionsBeyondTheBoundAreClosed) {
  StartPort({.max_connections = 2});
  const net::Fd first = Connect();
  const net::Fd second = Connect();
  EXPECT_EQ(Hear(Connect()), "");
  Say(first, "GET /page HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_THAT(Hear(first), HasSubstr("seen"));
}

TEST_F(WebPortTest, APortInUseIsSaid) {
  StartPort();
  const WebPort::Options same = {.listen = port_->local_endpoint()};
  net::RunOn(thread_->loop(), [&] {
    EXPECT_THAT(
        WebPort::Start(thread_->loop(), same, [](absl::string_view) { return std::nullopt; })
            .status(),
        StatusIs(absl::StatusCode::kAlreadyExists));
  });
}

}  // namespace
}  // namespace trellis::web
