// HTTP/2 to targets, from clients of either version: gRPC, connections shared by many requests, and
// what is done when they end.
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"
#include "rapidjson/document.h"
#include "tests/integration/http2_peer.h"
#include "tests/integration/proxy_harness.h"

namespace trellis::proxy {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kBig = 1 << 20;

class Target : public Http2Peer<http2::ServerSession, http2::ServerRecorder> {
 public:
  using Http2Peer::Http2Peer;

  // The `n`th request, from 1.
  http2::StreamId Request(size_t n) {
    Until([&] { return heard().requests.size() >= n; });
    return n <= heard().requests.size() ? heard().requests[n - 1] : 0;
  }
  void Answer(http2::StreamId id, absl::string_view body) {
    session().SubmitResponse(id, 200, {}, false);
    session().SendData(id, body, true);
    Flush();
  }
};

class Http2TargetTest : public ProxyTest {
 protected:
  Http2TargetTest() { ServeHttp2({&target_}); }

  void ServeHttp2(const std::vector<const FakeTarget*>& targets) {
    CompiledAction action = Forward(targets);
    auto group = std::make_shared<CompiledTargetGroup>(*action.forward[0].group);
    group->http2 = true;
    action.forward[0].group = std::move(group);
    Serve(std::move(action));
  }
  std::unique_ptr<Http2Client> NewClient() { return std::make_unique<Http2Client>(Connect()); }
  std::unique_ptr<Target> Accept() { return std::make_unique<Target>(target_.Accept()); }

  FakeTarget target_;
};

TEST_F(Http2TargetTest, AnHttp1ClientIsServed) {
  Peer client = Connect();
  client.Write("POST /path?q HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 5\r\n\r\nhello");
  auto target = Accept();
  const auto id = target->Request(1);
  target->Until([&] { return target->seen(id).ended; });
  EXPECT_THAT(target->seen(id).head,
              AllOf(StartsWith("POST http svc.test /path?q host=svc.test;content-length=5;"),
                    HasSubstr("x-forwarded-for=127.0.0.1;"), HasSubstr("x-amzn-requestid=")));
  EXPECT_EQ(target->seen(id).body, "hello");
  http::HeaderMap headers;
  headers.Add("content-length", "2");
  headers.Add("x-trellis-reason", "forged");
  target->session().SubmitResponse(id, 201, headers, false);
  target->session().SendData(id, "ok", true);
  target->Flush();
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, AllOf(StartsWith("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n"),
                              Not(HasSubstr("forged"))));
  EXPECT_EQ(BodyOf(response), "ok");
  // Without a length it comes in chunks, over the same connections.
  client.Write(kGet);
  target->Answer(target->Request(2), "more");
  EXPECT_THAT(client.ReadUntil("0\r\n\r\n"), HasSubstr("\r\n\r\n4\r\nmore\r\n"));
  EXPECT_EQ(Counters().upstream_connects, 1u);
  EXPECT_EQ(Counters().upstream_reuses, 1u);
}

TEST_F(Http2TargetTest, GrpcStreamsBothWaysAndEndsInTrailers) {
  auto client = NewClient();
  http::HeaderMap headers;
  headers.Add("content-type", "application/grpc");
  headers.Add("te", "trailers");
  const auto call = client->Ask("POST", "/p.Service/Chat", false, headers);
  client->Flush();
  auto target = Accept();
  const auto id = target->Request(1);
  EXPECT_THAT(target->seen(id).head, AllOf(HasSubstr("te=trailers"), HasSubstr("/p.Service/Chat")));
  http::HeaderMap answer;
  answer.Add("content-type", "application/grpc");
  target->session().SubmitResponse(id, 200, answer, false);
  for (int i = 0; i < 3; ++i) {
    client->session().SendData(call, absl::StrCat("ask", i), false);
    client->Flush();
    target->Until([&] { return absl::EndsWith(target->seen(id).body, absl::StrCat("ask", i)); });
    target->session().SendData(id, absl::StrCat("say", i), false);
    target->Flush();
    client->Until([&] { return absl::EndsWith(client->seen(call).body, absl::StrCat("say", i)); });
  }
  client->session().SendData(call, {}, true);
  client->Flush();
  target->Until([&] { return target->seen(id).ended; });
  http::HeaderMap trailers;
  trailers.Add("grpc-status", "5");
  trailers.Add("grpc-message", "gone");
  target->session().SendTrailers(id, trailers);
  target->Flush();
  EXPECT_EQ(client->Answer(call).trailers, "grpc-status=5;grpc-message=gone;");
  client.reset();
  rapidjson::Document line;
  line.Parse(LogLines().at(0).c_str());
  EXPECT_EQ(line["grpcResponseCode"].GetInt(), 5);
  EXPECT_EQ(line["responseCode"].GetInt(), 200);
}

TEST_F(Http2TargetTest, AResponseOfTrailersAloneStaysOne) {
  auto client = NewClient();
  const auto call = client->Ask("POST", "/p.Service/Ask", true);
  client->Flush();
  auto target = Accept();
  http::HeaderMap answer;
  answer.Add("grpc-status", "12");
  target->session().SubmitResponse(target->Request(1), 200, answer, true);
  target->Flush();
  EXPECT_THAT(client->Answer(call).head, HasSubstr("grpc-status=12;"));
  EXPECT_EQ(client->seen(call).trailers, "");
}

TEST_F(Http2TargetTest, RequestsShareAConnectionAndDoNotWaitForEachOther) {
  auto client = NewClient();
  const auto slow = client->Ask("GET", "/slow");
  const auto quick = client->Ask("GET", "/quick");
  client->Flush();
  auto target = Accept();
  const auto first = target->Request(1);
  target->Answer(target->Request(2), "quick");
  EXPECT_EQ(client->Answer(quick).body, "quick");
  target->Answer(first, "slow");
  EXPECT_EQ(client->Answer(slow).body, "slow");
  EXPECT_EQ(Counters().upstream_connects, 1u);
}

TEST_F(Http2TargetTest, LargeBodiesArriveWholeBothWays) {
  auto client = NewClient();
  const std::string body(kBig, 'b');
  const auto call = client->Ask("PUT", "/", false);
  client->Flush();
  std::thread at_target([&] {
    auto target = Accept();
    const auto id = target->Request(1);
    target->Until([&] { return target->seen(id).ended; });
    EXPECT_EQ(target->seen(id).body, body);
    target->session().SubmitResponse(id, 200, {}, false);
    target->SendAll(id, body);
  });
  client->SendAll(call, body);
  at_target.join();
  EXPECT_EQ(client->seen(call).body, body);
}

TEST_F(Http2TargetTest, ADeadTargetsShareGoesToTheLivingOne) {
  FakeTarget dead;
  dead.StopListening();
  ServeHttp2({&dead, &target_});
  auto client = NewClient();
  const auto one = client->Ask("GET", "/1");
  const auto two = client->Ask("GET", "/2");
  client->Flush();
  auto target = Accept();
  target->Answer(target->Request(1), "1");
  target->Answer(target->Request(2), "2");
  EXPECT_EQ(client->Answer(one).body.size() + client->Answer(two).body.size(), 2u);
  EXPECT_GE(Counters().upstream_connect_failures, 1u);
}

TEST_F(Http2TargetTest, AConnectionThatBreaksCutsWhatHadBegunAndFailsTheRest) {
  auto client = NewClient();
  const auto begun = client->Ask("GET", "/begun");
  const auto silent = client->Ask("POST", "/silent");
  client->Flush();
  auto target = Accept();
  target->Request(2);
  const auto id = target->Request(1);
  target->session().SubmitResponse(id, 200, {}, false);
  target->session().SendData(id, "some", false);
  target->Flush();
  client->Until([&] { return client->seen(begun).body == "some"; });
  target->peer().Close();
  EXPECT_EQ(client->Answer(begun).code, http2::ErrorCode::kInternalError);
  EXPECT_THAT(client->Answer(silent).head,
              AllOf(StartsWith("502 "), HasSubstr("x-trellis-reason=target_closed;")));
}

TEST_F(Http2TargetTest, AGoawayEndsAConnectionNotARequest) {
  auto client = NewClient();
  const auto one = client->Ask("GET", "/1");
  client->Flush();
  auto target = Accept();
  const auto id = target->Request(1);
  target->session().Drain();
  target->session().DrainNow();
  target->Flush();
  // It has heard of it once it has answered what came with it.
  target->Until([&] { return !target->session().wants_write(); });
  target->Answer(id, "1");
  EXPECT_EQ(client->Answer(one).body, "1");
  const auto two = client->Ask("GET", "/2");
  client->Flush();
  auto next = Accept();
  next->Answer(next->Request(1), "2");
  EXPECT_EQ(client->Answer(two).body, "2");
}

TEST_F(Http2TargetTest, WhatATargetRefusesUndoneIsSentAgain) {
  auto client = NewClient();
  const auto call = client->Ask("POST", "/");  // Even this: the target did nothing.
  client->Flush();
  auto target = Accept();
  target->session().Reset(target->Request(1), http2::ErrorCode::kRefusedStream);
  target->Flush();
  target->Answer(target->Request(2), "done");
  EXPECT_EQ(client->Answer(call).body, "done");
  EXPECT_EQ(Counters().upstream_retries, 1u);
}

TEST_F(Http2TargetTest, ARequestTheClientDropsIsResetAtTheTarget) {
  auto client = NewClient();
  const auto call = client->Ask("GET", "/");
  client->Flush();
  auto target = Accept();
  const auto id = target->Request(1);
  client->session().Reset(call, http2::ErrorCode::kCancel);
  client->Flush();
  target->Until([&] { return target->seen(id).closed; });
  EXPECT_EQ(target->seen(id).code, http2::ErrorCode::kCancel);
}

TEST_F(Http2TargetTest, AReaderThatWaitsBoundsWhatIsHeld) {
  auto client = NewClient();
  client->heard().consume = false;
  const auto stuck = client->Ask("GET", "/stuck");
  client->Flush();
  auto target = Accept();
  const auto id = target->Request(1);
  target->session().SubmitResponse(id, 200, {}, false);
  const std::string body(kBig, 'x');
  size_t sent = target->session().SendData(id, body, false);
  target->Flush();
  // The client's window, the proxy's read and the target's window are full when no more is taken.
  client->Until([&] { return client->seen(stuck).body.size() == 64 * 1024; });
  const auto other = client->Ask("GET", "/other");
  client->Flush();
  target->Answer(target->Request(2), "other");
  EXPECT_EQ(client->Answer(other).body, "other");
  EXPECT_LT(sent, kBig);
  EXPECT_LE(Counters().buffered_bytes_max, 4 * 64 * 1024);
}

TEST_F(Http2TargetTest, GarbageFromTheTargetFailsItsRequests) {
  auto client = NewClient();
  const auto call = client->Ask("POST", "/");
  client->Flush();
  Peer target = target_.Accept();
  target_.StopListening();
  target.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
  // Whether the request had been sent by then is not the test's to say.
  EXPECT_THAT(client->Answer(call).head, AnyOf(StartsWith("502 "), StartsWith("503 ")));
}

}  // namespace
}  // namespace trellis::proxy
