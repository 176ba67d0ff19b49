#include "node/net/stream_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trellis::net {
namespace {

class StreamSocketTest : public testing::Test {
 protected:
  StreamSocketTest() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    socket_ = StreamSocket(Fd(fds[0]));
    peer_ = Fd(fds[1]);
  }
  Io Read(size_t size, std::string* data) {
    data->resize(size);
    size_t got = 0;
    const Io result = socket_.Read(data->data(), size, &got);
    data->resize(got);
    return result;
  }
  void PeerSends(const std::string& text) {
    ASSERT_EQ(::write(peer_.get(), text.data(), text.size()), ssize_t(text.size()));
  }
  std::string PeerReads() {
    std::string all(1 << 20, '\0');
    const ssize_t got = ::read(peer_.get(), all.data(), all.size());
    all.resize(got > 0 ? got : 0);
    return all;
  }
  static iovec Piece(const std::string& text) {
    return {const_cast<char*>(text.data()), text.size()};
  }

  StreamSocket socket_;
  Fd peer_;
  BufferGauge gauge_;
  SendQueue queue_{&gauge_};
};

TEST_F(StreamSocketTest, ShortReadMeansNothingIsLeft) {
  PeerSends("abc");
  socket_.Note(EPOLLIN);
  std::string data;
  EXPECT_EQ(Read(16, &data), Io::kDone);
  EXPECT_EQ(data, "abc");
  EXPECT_FALSE(socket_.readable());
}

TEST_F(StreamSocketTest, FullReadMayHaveLeftSomething) {
  PeerSends("abcdef");
  socket_.Note(EPOLLIN);
  std::string data;
  EXPECT_EQ(Read(3, &data), Io::kDone);
  EXPECT_TRUE(socket_.readable());
}

TEST_F(StreamSocketTest, ShortReadBeforeAnAnnouncedEndIsNotTheLast) {
  PeerSends("abc");
  peer_.Reset();
  socket_.Note(EPOLLIN | EPOLLRDHUP);
  EXPECT_TRUE(socket_.ending());
  std::string data;
  EXPECT_EQ(Read(16, &data), Io::kDone);
  EXPECT_TRUE(socket_.readable());
  EXPECT_EQ(Read(16, &data), Io::kClosed);
}

TEST_F(StreamSocketTest, StillSilentSeesBytesAndTheEnd) {
  EXPECT_TRUE(socket_.StillSilent());
  PeerSends("x");
  EXPECT_FALSE(socket_.StillSilent());
  std::string data;
  Read(1, &data);
  EXPECT_TRUE(socket_.StillSilent());
  peer_.Reset();
  EXPECT_FALSE(socket_.StillSilent());
}

TEST_F(StreamSocketTest, QueueKeepsWhatTheKernelDoesNotTake) {
  const std::string head = "head";
  const std::string body(4 << 20, 'b');
  const iovec pieces[] = {Piece(head), Piece(body)};
  socket_.Note(EPOLLOUT);
  EXPECT_EQ(queue_.Send(socket_, pieces, 2), Io::kBlocked);
  EXPECT_FALSE(queue_.empty());
  EXPECT_GT(gauge_.bytes, 0u);
  std::string received;
  while (received.size() < head.size() + body.size()) {
    received += PeerReads();
    socket_.Note(EPOLLOUT);
    EXPECT_NE(queue_.Flush(socket_), Io::kFailed);
  }
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(gauge_.bytes, 0u);
  EXPECT_EQ(received, head + body);
}

TEST_F(StreamSocketTest, QueueKeepsTheOrderWhileBlocked) {
  const std::string first = "first ";
  const std::string second = "second";
  const iovec a = Piece(first);
  const iovec b = Piece(second);
  EXPECT_EQ(queue_.Send(socket_, &a, 1), Io::kBlocked);  // No EPOLLOUT yet.
  EXPECT_EQ(queue_.Send(socket_, &b, 1), Io::kBlocked);
  socket_.Note(EPOLLOUT);
  EXPECT_EQ(queue_.Flush(socket_), Io::kDone);
  EXPECT_EQ(PeerReads(), "first second");
}

TEST_F(StreamSocketTest, QueueForgetsAllWhenTheConnectionBreaks) {
  const std::string text = "text";
  const iovec piece = Piece(text);
  EXPECT_EQ(queue_.Send(socket_, &piece, 1), Io::kBlocked);
  peer_.Reset();
  socket_.Note(EPOLLOUT | EPOLLHUP);
  EXPECT_EQ(queue_.Flush(socket_), Io::kFailed);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(gauge_.bytes, 0u);
}

}  // namespace
}  // namespace trellis::net
