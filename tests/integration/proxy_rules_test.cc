// What must hold whatever the traffic: bounded memory, clean headers, safe retries, whole swaps,
// drain.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/proxy_harness.h"

namespace trellis::proxy {
namespace {

class RulesTest : public ProxyTest {
 protected:
  RulesTest() { ServeTargets({&target_}); }
  FakeTarget target_;
};

constexpr size_t kLarge = 32 << 20;
// One read for each direction, with its framing.
constexpr int64_t kBufferedMax = 2 * (64 + 1) * 1024;

TEST_F(RulesTest, LargeResponseToASlowReaderIsHeldBackNotHeld) {
  Peer client = Connect();
  client.Write(kGet);
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  const std::string body(kLarge, 'b');
  std::thread sender([&] {
    target.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kLarge, "\r\n\r\n"));
    target.Write(body);
  });
  WaitUntil([&] { return Counters().buffered_bytes_max > 0; });  // The client's side is full.
  client.ReadUntil("\r\n\r\n");
  EXPECT_TRUE(client.ReadExactly(kLarge) == body);
  sender.join();
  EXPECT_LE(Counters().buffered_bytes_max, kBufferedMax);
}

TEST_F(RulesTest, LargeRequestToASlowTargetIsHeldBackNotHeld) {
  Peer client = Connect();
  const std::string body(kLarge, 'b');
  std::thread sender([&] {
    client.Write(
        absl::StrCat("PUT / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: ", kLarge, "\r\n\r\n"));
    client.Write(body);
  });
  Peer target = target_.Accept();
  WaitUntil([&] { return Counters().buffered_bytes_max > 0; });
  target.ReadUntil("\r\n\r\n");
  EXPECT_TRUE(target.ReadExactly(kLarge) == body);
  sender.join();
  target.Write(kOk);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  EXPECT_LE(Counters().buffered_bytes_max, kBufferedMax);
}

TEST_F(RulesTest, HeadersToTheTargetAreThoseOfTheReference) {
  Peer client = Connect();
  client.Write(
      "GET / HTTP/1.1\r\nHost: SVC.test\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
      "X-Amzn-Lattice-Identity: Principal=root\r\nx_amzn_lattice_target: forged\r\n"
      "Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Mine: "
      "kept\r\n\r\n");
  Peer target = target_.Accept();
  const std::string head = target.ReadUntil("\r\n\r\n");
  for (const auto& [name, value] : std::vector<std::pair<const char*, std::string>>{
           {"host", "SVC.test"},
           {"x-mine", "kept"},
           {"x-forwarded-for", "1.2.3.4, 127.0.0.1"},
           {"x-forwarded-port", absl::StrCat(port())},
           {"x-forwarded-proto", "http"},
           {"x-amzn-lattice-network", "SourceVpcArn=arn:vpc-1"},
           {"x-amzn-lattice-target",
            "ServiceArn=arn:svc-1; ServiceNetworkArn=arn:sn-1; TargetGroupArn=arn:tg-1"},
           {"x-amzn-lattice-identity", "Principal=; PrincipalOrgID=; Type=NONE"}}) {
    EXPECT_EQ(HeaderOf(head, name), value) << head;
  }
  for (const char* gone :
       {"x-private", "keep-alive", "te", "connection", "x_amzn_lattice_target"}) {
    EXPECT_FALSE(HeaderOf(head, gone).has_value()) << gone;
  }
  target.Write("HTTP/1.1 200 OK\r\nX-Trellis-Reason: forged\r\nContent-Length: 0\r\n\r\n");
  const std::string response = client.ReadResponse();
  EXPECT_FALSE(HeaderOf(response, "x-trellis-reason").has_value());
  EXPECT_EQ(HeaderOf(response, "x-amzn-requestid"), HeaderOf(head, "x-amzn-requestid"));
  EXPECT_EQ(HeaderOf(head, "x-amzn-requestid")->size(), 36u);
}

TEST_F(RulesTest, RequestIdIsCutTo512Bytes) {
  Peer client = Connect();
  client.Write(absl::StrCat(
      "GET / HTTP/1.1\r\nHost: svc.test\r\nX-Amzn-RequestId: ", std::string(600, 'i'), "\r\n\r\n"));
  Peer target = target_.Accept();
  EXPECT_EQ(HeaderOf(target.ReadUntil("\r\n\r\n"), "x-amzn-requestid"), std::string(512, 'i'));
}

TEST_F(RulesTest, ValueThatWouldBreakOutOfItsLineIsRefused) {
  for (const absl::string_view evil : {absl::string_view("a\rX-Evil: 1"), absl::string_view("a\nb"),
                                       absl::string_view("a\0b", 3)}) {
    Peer client = Connect();
    client.Write(
        absl::StrCat("GET / HTTP/1.1\r\nHost: svc.test\r\nX-Amzn-RequestId: ", evil, "\r\n\r\n"));
    EXPECT_EQ(StatusOf(client.ReadResponse()), 400);
  }
  EXPECT_FALSE(target_.SomeoneWaits());
}

TEST_F(RulesTest, IdempotentRequestOnAConnectionTheTargetClosesIsSentAgain) {
  Pair pair = Warm(target_);
  pair.client.Write(kGet);
  pair.target.ReadUntil("\r\n\r\n");
  pair.target.Close();  // It may have timed out just as the request came.
  Peer fresh = target_.Accept();
  fresh.ReadUntil("\r\n\r\n");
  fresh.Write(kOk);
  EXPECT_EQ(StatusOf(pair.client.ReadResponse()), 200);
  EXPECT_EQ(Counters().upstream_retries, 1u);
}

TEST_F(RulesTest, RequestThatMayHaveBeenAppliedIsNotSentAgain) {
  Pair pair = Warm(target_);
  pair.client.Write("POST / HTTP/1.1\r\nHost: svc.test\r\n\r\n");
  pair.target.ReadUntil("\r\n\r\n");
  pair.target.Close();
  EXPECT_EQ(StatusOf(pair.client.ReadResponse()), 502);
  EXPECT_EQ(Counters().upstream_retries, 0u);
}

TEST_F(RulesTest, PostAfterTheTargetClosedItsIdleConnectionGoesOnAFreshOne) {
  Pair pair = Warm(target_);
  pair.target.Close();
  pair.client.Write("POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 2\r\n\r\nhi");
  Peer fresh = target_.Accept();
  fresh.ReadUntil("\r\n\r\nhi");
  fresh.Write(kOk);
  EXPECT_EQ(StatusOf(pair.client.ReadResponse()), 200);
}

TEST_F(RulesTest, RequestUnderWayKeepsItsSnapshotAndTheNextHasTheNew) {
  Peer client = Connect();
  client.Write(kGet);
  Peer old_target = target_.Accept();
  old_target.ReadUntil("\r\n\r\n");
  FakeTarget new_blue;
  ServeTargets({&new_blue});
  old_target.Write(kOk);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  client.Write(kGet);
  Peer new_target = new_blue.Accept();
  new_target.ReadUntil("\r\n\r\n");
  new_target.Write(kOk);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
}

TEST_F(RulesTest, WeightsAreKeptWithinStatisticalBounds) {
  CompiledAction action = Forward({&target_});
  action.forward[0].group = nullptr;  // Answered 503 without a target: 10 of 100.
  action.forward[0].weight = 10;
  CompiledAction::Share rest;
  rest.group = Group({});  // Likewise, with another reason: 90 of 100.
  rest.weight = 90;
  action.forward.push_back(rest);
  Serve(std::move(action));
  Peer client = Connect();
  int missing = 0;
  for (int i = 0; i < 1000; ++i) {
    client.Write(kGet);
    missing += HeaderOf(client.ReadResponse(), "x-trellis-reason") == "target_group_missing";
  }
  // Six standard deviations of 9.5: fails once in a thousand million runs.
  EXPECT_NEAR(missing, 100, 57);
}

TEST_F(RulesTest, TargetsTakeTurns) {
  FakeTarget other;
  ServeTargets({&target_, &other});
  Peer client = Connect();
  client.Write(kGet);
  WaitUntil([&] { return target_.SomeoneWaits() || other.SomeoneWaits(); });
  FakeTarget& first = target_.SomeoneWaits() ? target_ : other;
  FakeTarget& second = &first == &target_ ? other : target_;
  for (FakeTarget* turn : {&first, &second}) {
    if (turn == &second) client.Write(kGet);
    Peer target = turn->Accept();
    target.ReadUntil("\r\n\r\n");
    target.Write(kOk);
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  }
}

TEST_F(RulesTest, DrainClosesIdleConnectionsAndLetsRequestsFinish) {
  Pair idle = Warm(target_);
  Peer busy = Connect();
  busy.Write(kGet);
  idle.target.ReadUntil("\r\n\r\n");
  int64_t left = -1;
  std::thread drainer([&] { left = pool_->Drain(absl::Seconds(30)); });
  EXPECT_TRUE(idle.client.AtEnd());
  idle.target.Write(kOk);
  const std::string response = busy.ReadToEnd();
  EXPECT_EQ(StatusOf(response), 200);
  EXPECT_EQ(HeaderOf(response, "connection"), "close");
  drainer.join();
  EXPECT_EQ(left, 0);
}

TEST_F(RulesTest, DrainClosesWhatIsAnsweredWhenTheAnswerEnds) {
  Pair busy = Warm(target_);
  busy.client.Write(kGet);
  busy.target.ReadUntil("\r\n\r\n");
  busy.target.Write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
  EXPECT_FALSE(HeaderOf(busy.client.ReadUntil("\r\n\r\n"), "connection").has_value());
  int64_t left = -1;
  Pair idle = Warm(target_);
  std::thread drainer([&] { left = pool_->Drain(absl::Seconds(30)); });
  EXPECT_TRUE(idle.client.AtEnd());  // The drain has begun.
  busy.target.Write("done");
  EXPECT_EQ(busy.client.ReadToEnd(), "done");
  drainer.join();
  EXPECT_EQ(left, 0);
}

TEST_F(RulesTest, DrainGivesUpAtItsTimeout) {
  Peer busy = Connect();
  busy.Write(kGet);
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  EXPECT_EQ(pool_->Drain(absl::Milliseconds(1)), 1);
}

TEST_F(RulesTest, PortsAreReportedAsAcceptedOn) {
  const std::vector<ListenStatus> statuses = pool_->ListenStatuses();
  ASSERT_EQ(statuses.size(), 1u);
  EXPECT_EQ(statuses[0].address, "127.0.0.1");
  EXPECT_EQ(statuses[0].port, port());
  EXPECT_TRUE(statuses[0].status.ok());
}

class BindTest : public ProxyTest {};
TEST_F(BindTest, AddressThatCannotBeBoundIsReportedAndNotFatal) {
  auto pool = WorkerPool::Start({.workers = 1, .listen_addresses = {"192.0.2.1"}});
  ASSERT_TRUE(pool.ok());
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->ports = {8080};
  (*pool)->Publish(snapshot);
  const std::vector<ListenStatus> statuses = (*pool)->ListenStatuses();
  ASSERT_EQ(statuses.size(), 1u);
  EXPECT_EQ(statuses[0].status.code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace trellis::proxy
