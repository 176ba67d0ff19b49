// The transport suite, and what is special about gRPC, over real sockets and certificates.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gossip/transport/transport_test_suite.h"
#include "gtest/gtest.h"
#include "node/mesh/mesh_testing.h"
#include "node/mesh/node_testing.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"
#include "tests/support/status_matchers.h"

namespace trellis::gossip {
namespace {

using ::testing::HasSubstr;

using Node = mesh::TestNode;

class GrpcHarness final : public TransportHarness {
 public:
  explicit GrpcHarness(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<Node>(mesh_, i + 1, scheduler_));
    }
  }

  Transport& transport(size_t i) override { return nodes_[i]->transport(); }
  PeerAddress address(size_t i) override { return nodes_[i]->address(); }
  bool RunUntil(absl::FunctionRef<bool()> done) override { return scheduler_.RunUntil(done); }
  Node& node(size_t i) { return *nodes_[i]; }

 private:
  const mesh::TestMesh mesh_;
  mesh::SteppedScheduler scheduler_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

INSTANTIATE_TEST_SUITE_P(Grpc, TransportTest, testing::Values(TransportFactory([](size_t count) {
                           return std::make_unique<GrpcHarness>(count);
                         })));

class GrpcTransportTest : public testing::Test {
 protected:
  GrpcTransportTest() : harness_(2) {
    for (size_t i = 0; i < 2; ++i) harness_.transport(i).SetReceiver(&receivers_[i]);
  }
  ~GrpcTransportTest() override {
    for (size_t i = 0; i < 2; ++i) harness_.transport(i).SetReceiver(nullptr);
  }
  void Name(size_t from, size_t to) { harness_.transport(from).SetPeers({harness_.address(to)}); }
  bool Linked() { return receivers_[0].up[2] && receivers_[1].up[1]; }
  bool RunUntilLinked() {
    return harness_.RunUntil([&] { return Linked(); });
  }

  GrpcHarness harness_;
  RecordingReceiver receivers_[2];
};

TEST_F(GrpcTransportTest, LinkReturnsWhenThePeerServesAgain) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  Node& peer = harness_.node(1);
  const net::Endpoint endpoint = peer.endpoint();
  peer.StopServing();
  ASSERT_TRUE(harness_.RunUntil([&] { return receivers_[0].downs == 1 && !receivers_[1].up[1]; }));
  EXPECT_TRUE(harness_.RunUntil([&] { return receivers_[0].refused > 0; }));
  peer.Serve(endpoint);
  EXPECT_TRUE(RunUntilLinked());
}

TEST_F(GrpcTransportTest, BothNamingEachOtherFromTheStartSettlesOnOneLink) {
  for (int round = 0; round < 10; ++round) {
    Name(0, 1);
    Name(1, 0);
    ASSERT_TRUE(RunUntilLinked());
    harness_.transport(0).SetPeers({});
    harness_.transport(1).SetPeers({});
    ASSERT_TRUE(harness_.RunUntil([&] { return !receivers_[0].up[2] && !receivers_[1].up[1]; }));
  }
}

TEST_F(GrpcTransportTest, EvictedPeerLosesItsLink) {
  Name(0, 1);
  ASSERT_TRUE(RunUntilLinked());
  harness_.node(1).server().SetRefused(
      [](const trust::PeerIdentity& peer) { return peer.node == 1; });
  EXPECT_TRUE(harness_.RunUntil([&] { return receivers_[0].downs >= 1 && !Linked(); }));
}

TEST_F(GrpcTransportTest, WrongAgentAtTheAddressGivesNoLink) {
  PeerAddress address = harness_.address(1);
  address.node = 77;
  harness_.transport(0).SetPeers({address, harness_.address(1)});
  ASSERT_TRUE(RunUntilLinked());
  EXPECT_FALSE(receivers_[0].up[77]);
}

// A raw peer that does not keep to the bound.
TEST_F(GrpcTransportTest, OversizeFrameFromAPeerClosesItsLink) {
  const auto connection =
      harness_.node(0).dialer().DialAndWait(harness_.address(1).address, NodeId{2});
  ASSERT_OK(connection);
  const auto stub = peer::v1::Peer::NewStub(connection->channel);
  grpc::ClientContext context;
  const auto stream = stub->Link(&context);
  ASSERT_TRUE(harness_.RunUntil([&] { return receivers_[1].up[1]; }));
  stream->Write(NumberedFrame(1, kMaxFrameBytes + 1));
  EXPECT_TRUE(harness_.RunUntil([&] { return receivers_[1].downs == 1; }));
  EXPECT_TRUE(receivers_[1].frames.empty());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// A raw peer that opens a second stream, as one does that was restarted before we noticed.
TEST_F(GrpcTransportTest, NewerStreamOfTheSameNodeReplacesTheOlder) {
  const auto connection =
      harness_.node(0).dialer().DialAndWait(harness_.address(1).address, NodeId{2});
  ASSERT_OK(connection);
  const auto stub = peer::v1::Peer::NewStub(connection->channel);
  grpc::ClientContext first_context;
  const auto first = stub->Link(&first_context);
  ASSERT_TRUE(harness_.RunUntil([&] { return receivers_[1].ups == 1; }));
  grpc::ClientContext second_context;
  const auto second = stub->Link(&second_context);
  ASSERT_TRUE(harness_.RunUntil([&] { return receivers_[1].ups == 2; }));
  EXPECT_EQ(receivers_[1].downs, 1);
  const grpc::Status end = first->Finish();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(end.error_message(), HasSubstr("newer link"));
  second_context.TryCancel();
  (void)second->Finish();
  EXPECT_TRUE(harness_.RunUntil([&] { return receivers_[1].downs == 2; }));
}

}  // namespace
}  // namespace trellis::gossip
