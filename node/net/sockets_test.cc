#include "node/net/sockets.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "gtest/gtest.h"

namespace trellis::net {
namespace {

class SocketsTest : public testing::TestWithParam<const char*> {
 protected:
  static void WaitFor(int fd, short events) {
    pollfd poll_fd = {fd, events, 0};
    ASSERT_EQ(::poll(&poll_fd, 1, 10'000), 1);
  }
  Endpoint Address() { return Endpoint::FromAddress(GetParam(), 0).value(); }
};

TEST_P(SocketsTest, ConnectsToAListener) {
  absl::StatusOr<Fd> listener = Listen(Address());
  ASSERT_TRUE(listener.ok()) << listener.status();
  const Endpoint bound = LocalEndpoint(listener->get()).value();
  EXPECT_NE(bound.port(), 0);
  Endpoint peer;
  EXPECT_FALSE(Accept(listener->get(), &peer).valid());
  EXPECT_EQ(errno, EAGAIN);

  absl::StatusOr<Fd> client = StartConnect(bound);
  ASSERT_TRUE(client.ok()) << client.status();
  WaitFor(client->get(), POLLOUT);
  EXPECT_TRUE(ConnectResult(client->get()).ok());
  WaitFor(listener->get(), POLLIN);
  const Fd server = Accept(listener->get(), &peer);
  ASSERT_TRUE(server.valid());
  EXPECT_EQ(peer, LocalEndpoint(client->get()).value());
}

TEST_P(SocketsTest, RefusedConnectionIsUnavailable) {
  Endpoint nobody;
  {
    const Fd listener = Listen(Address()).value();
    nobody = LocalEndpoint(listener.get()).value();
  }
  absl::StatusOr<Fd> client = StartConnect(nobody);
  if (!client.ok()) {
    EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(IsRefused(client.status()));
    return;
  }
  WaitFor(client->get(), POLLOUT);
  const absl::Status result = ConnectResult(client->get());
  EXPECT_EQ(result.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsRefused(result));
}

TEST_P(SocketsTest, AddressInUseIsAlreadyExistsUnlessBothShareIt) {
  const Fd alone = Listen(Address()).value();
  const Endpoint taken = LocalEndpoint(alone.get()).value();
  EXPECT_EQ(Listen(taken).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Listen(taken, {.reuse_port = true}).status().code(), absl::StatusCode::kAlreadyExists);

  const Fd first = Listen(Address(), {.reuse_port = true}).value();
  const Endpoint shared = LocalEndpoint(first.get()).value();
  EXPECT_TRUE(Listen(shared, {.reuse_port = true}).ok());
}

TEST(SocketsFamilyTest, IPv6ListenerLeavesThePortToIPv4) {
  const Fd six = Listen(Endpoint::FromAddress("::", 0).value()).value();
  const uint16_t port = LocalEndpoint(six.get()).value().port();
  // Another program may hold the IPv4 port by chance; ours must not be what refuses it.
  const absl::StatusOr<Fd> four = Listen(Endpoint::FromAddress("127.0.0.1", port).value());
  EXPECT_TRUE(four.ok()) << four.status();
}

TEST(SocketsFamilyTest, ForeignAddressIsNotFound) {
  EXPECT_EQ(Listen(Endpoint::FromAddress("192.0.2.1", 0).value()).status().code(),
            absl::StatusCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Families, SocketsTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& info) {
                           return std::string(info.index == 0 ? "IPv4" : "IPv6");
                         });

}  // namespace
}  // namespace trellis::net
