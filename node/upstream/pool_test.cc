#include "node/upstream/pool.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "node/net/sockets.h"

namespace trellis::upstream {
namespace {

// Steps the loop on the test's own thread until `done`.
class PoolTest : public testing::Test, public Connection::User {
 protected:
  void OnUpstream() override { ++events_; }

  template <typename Done>
  void RunUntil(Done done) {
    class Poller {
     public:
      Poller(net::EventLoop& loop, Done& done) : loop_(loop), done_(done) { Check(); }
      void Check() {
        if (done_()) {
          loop_.Stop();
        } else {
          loop_.RunBeforeSleep([this] { Check(); });
        }
      }

     private:
      net::EventLoop& loop_;
      Done& done_;
    };
    loop_->Post([&, this] { poller_ = std::make_shared<Poller>(*loop_, done); });
    loop_->Run();
    poller_.reset();
  }

  std::unique_ptr<Connection> Connected(Pool& pool) {
    auto connection = pool.Connect(endpoint_, this);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *std::move(connection);
  }
  net::Fd Accept() {
    net::Endpoint peer;
    return net::Accept(listener_.get(), &peer);
  }

  std::unique_ptr<net::EventLoop> loop_ = net::EventLoop::Create().value();
  net::Fd listener_ = net::Listen(net::Endpoint::FromAddress("127.0.0.1", 0).value()).value();
  const net::Endpoint endpoint_ = net::LocalEndpoint(listener_.get()).value();
  std::shared_ptr<void> poller_;
  int events_ = 0;
};

TEST_F(PoolTest, ConnectionComesBackAndIsLentAgain) {
  Pool pool(*loop_, {});
  std::unique_ptr<Connection> connection = Connected(pool);
  EXPECT_FALSE(connection->reused());
  RunUntil([&] { return connection->socket().writable(); });
  ASSERT_TRUE(connection->FinishConnect().ok());
  EXPECT_FALSE(connection->connecting());
  Connection* const same = connection.get();
  pool.Release(std::move(connection));
  EXPECT_EQ(pool.idle(), 1u);
  connection = pool.TakeIdle(endpoint_, this);
  EXPECT_EQ(connection.get(), same);
  EXPECT_TRUE(connection->reused());
  EXPECT_EQ(pool.TakeIdle(endpoint_, this), nullptr);
}

// The loop can be run once, so what happens while idle is watched within one run.
class PoolIdleTest : public PoolTest, public testing::WithParamInterface<bool> {};

TEST_P(PoolIdleTest, ConnectionThatSpeaksOrClosesWhileIdleIsDropped) {
  Pool pool(*loop_, {});
  std::unique_ptr<Connection> connection = Connected(pool);
  net::Fd server;
  bool released = false;
  RunUntil([&] {
    if (!released && connection->socket().writable()) {
      EXPECT_TRUE(connection->FinishConnect().ok());
      pool.Release(std::move(connection));
      released = true;
      server = Accept();
      if (GetParam()) {
        EXPECT_EQ(::write(server.get(), "x", 1), 1);
      } else {
        server.Reset();
      }
    }
    return released && pool.idle() == 0;
  });
  EXPECT_EQ(pool.TakeIdle(endpoint_, this), nullptr);
}
INSTANTIATE_TEST_SUITE_P(Ways, PoolIdleTest, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Speaks" : "Closes");
});

TEST_F(PoolTest, ConnectionIdleTooLongIsClosed) {
  Pool pool(*loop_, {.idle_timeout = absl::Milliseconds(1)});
  std::unique_ptr<Connection> connection = Connected(pool);
  bool released = false;
  RunUntil([&] {
    if (!released && connection->socket().writable()) {
      EXPECT_TRUE(connection->FinishConnect().ok());
      pool.Release(std::move(connection));
      released = true;
    }
    return released && pool.idle() == 0;
  });
}

TEST_F(PoolTest, MoreThanTheBoundAreClosed) {
  Pool pool(*loop_, {.idle_per_endpoint_max = 1});
  pool.Release(Connected(pool));
  pool.Release(Connected(pool));
  EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(PoolTest, RefusedConnectionIsUnavailable) {
  Pool pool(*loop_, {});
  listener_.Reset();
  absl::StatusOr<std::unique_ptr<Connection>> connection = pool.Connect(endpoint_, this);
  if (connection.ok()) {
    RunUntil([&] { return (*connection)->socket().writable(); });
    EXPECT_EQ((*connection)->FinishConnect().code(), absl::StatusCode::kUnavailable);
  }
}

struct RetryCase {
  const char* name;
  const char* method;
  Attempt attempt;
  bool expected;
};

class MayRetryTest : public testing::TestWithParam<RetryCase> {};
TEST_P(MayRetryTest, FollowsRfc9110Section922) {
  EXPECT_EQ(MayRetry(GetParam().method, GetParam().attempt), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Spec, MayRetryTest,
    testing::ValuesIn(std::vector<RetryCase>{
        {"IdempotentOnReused", "GET", {.connection_was_reused = true}, true},
        {"IdempotentOnFresh", "GET", {.connection_was_reused = false}, false},
        {"PutWithoutBodySent", "PUT", {.connection_was_reused = true}, true},
        {"PutWithBodySent",
         "PUT",
         {.connection_was_reused = true, .any_body_byte_sent = true},
         false},
        {"PostPerhapsSeen", "POST", {.connection_was_reused = true}, false},
        {"PostSurelyNotSeen",
         "POST",
         {.connection_was_reused = true, .any_byte_accepted = false},
         true},
        {"LowerCaseGetIsAnotherMethod", "get", {.connection_was_reused = true}, false},
        {"AfterAResponseByte",
         "GET",
         {.connection_was_reused = true, .any_response_byte = true},
         false},
        {"OnlyOnce", "GET", {.connection_was_reused = true, .retried = true}, false},
    }),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis::upstream
