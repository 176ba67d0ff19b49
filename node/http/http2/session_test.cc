#include "node/http/http2/session.h"

#include <string>

#include "gtest/gtest.h"
#include "node/http/http2/session_testing.h"

namespace trellis::http2 {
namespace {

using http::HeaderMap;

HeaderMap Fields(std::initializer_list<std::pair<absl::string_view, absl::string_view>> fields) {
  HeaderMap headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

constexpr RequestHeadToSend kGet = {"GET", "http", "shop.example", "/items?page=2"};
constexpr RequestHeadToSend kPost = {"POST", "https", "shop.example:8443", "/items"};

TEST(SessionTest, PassesARequestAndItsResponse) {
  Pair pair;
  const StreamId id =
      pair.client.SubmitRequest(kGet, Fields({{"Accept", "*/*"}, {"x-a", "1"}}), /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[id].head,
            "GET http shop.example /items?page=2 host=shop.example;accept=*/*;x-a=1;");
  EXPECT_TRUE(pair.at_server.seen[id].ended);

  pair.server.SubmitResponse(id, 200, Fields({{"Content-Length", "5"}}), /*end=*/false);
  EXPECT_EQ(pair.server.SendData(id, "hello", /*end=*/true), 5u);
  pair.Run();
  const Seen& seen = pair.at_client.seen[id];
  EXPECT_EQ(seen.head, "200 content-length=5;");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_TRUE(seen.ended && seen.closed);
  EXPECT_EQ(seen.code, ErrorCode::kNoError);
  EXPECT_TRUE(pair.at_server.seen[id].closed);
  EXPECT_EQ(pair.server.streams() + pair.client.streams(), 0u);
}

TEST(SessionTest, PassesBodiesAndTrailersBothWays) {
  Pair pair;
  RequestHeadToSend head = kPost;
  head.te_trailers = true;
  const StreamId id = pair.client.SubmitRequest(head, {}, /*end=*/false);
  EXPECT_EQ(pair.client.SendData(id, "question", /*end=*/false), 8u);
  pair.client.SendTrailers(id, Fields({{"x-sum", "1"}}));
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[id].head,
            "POST https shop.example:8443 /items host=shop.example:8443;te=trailers hop;");
  EXPECT_EQ(pair.at_server.seen[id].body, "question");
  EXPECT_EQ(pair.at_server.seen[id].trailers, "x-sum=1;");

  pair.server.SubmitInterim(id, 103, Fields({{"link", "</a>"}}));
  pair.server.SubmitResponse(id, 200, {}, /*end=*/false);
  pair.server.SendTrailers(id, Fields({{"grpc-status", "0"}, {"date", "no trailer"}}));
  pair.Run();
  const Seen& seen = pair.at_client.seen[id];
  EXPECT_EQ(seen.interims, "103 link=</a>;");
  EXPECT_EQ(seen.trailers, "grpc-status=0;date=no trailer hop;");
  EXPECT_TRUE(seen.ended && seen.closed);
}

TEST(SessionTest, KeepsFieldsOfOneConnectionToItself) {
  Pair pair;
  HeaderMap headers = Fields({{"x-a", "1"}});
  headers.Add("proxy-authorization", "secret", /*hop_by_hop=*/true);
  headers.Add("Host", "other.example");
  const StreamId id = pair.client.SubmitRequest(kGet, headers, /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[id].head,
            "GET http shop.example /items?page=2 host=shop.example;x-a=1;");
}

TEST(SessionTest, JoinsCookies) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(
      kGet, Fields({{"cookie", "a=1"}, {"x-a", "1"}, {"cookie", "b=2"}, {"cookie", "c=3"}}),
      /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[id].head,
            "GET http shop.example /items?page=2 host=shop.example;cookie=a=1; b=2; c=3;x-a=1;");
}

TEST(SessionTest, AnAnswerBeforeTheRequestIsWholeEndsTheStream) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
  pair.client.SendData(id, "some of", /*end=*/false);
  pair.Run();
  pair.server.SubmitResponse(id, 404, {}, /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_client.seen[id].head, "404 ");
  EXPECT_TRUE(pair.at_client.seen[id].ended && pair.at_client.seen[id].closed);
  EXPECT_EQ(pair.at_client.seen[id].code, ErrorCode::kNoError);
  EXPECT_EQ(pair.at_server.seen[id].code, ErrorCode::kNoError);
  EXPECT_EQ(pair.server_context.counters().malformed.value(), 0u);
}

TEST(SessionTest, ResetsReachTheOtherSide) {
  Pair pair;
  const StreamId first = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
  const StreamId second = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
  pair.Run();
  pair.client.Reset(first, ErrorCode::kCancel);
  pair.server.Reset(second, ErrorCode::kInternalError);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[first].code, ErrorCode::kCancel);
  EXPECT_EQ(pair.at_client.seen[first].code, ErrorCode::kCancel);
  EXPECT_EQ(pair.at_server.seen[second].code, ErrorCode::kInternalError);
  EXPECT_EQ(pair.at_client.seen[second].code, ErrorCode::kInternalError);
  EXPECT_EQ(pair.server_context.counters().resets_received.value(), 1u);
}

TEST(SessionTest, ARequestResetBeforeItWasSentCloses) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  pair.client.Reset(id, ErrorCode::kCancel);
  pair.Run();
  EXPECT_TRUE(pair.at_client.seen[id].closed);
  EXPECT_TRUE(pair.at_server.requests.empty());
}

TEST(SessionTest, CallsOnStreamsThatAreOverDoNothing) {
  Pair pair;
  for (const StreamId id : {1, 2, 7}) {
    pair.server.SubmitResponse(id, 200, {}, true);
    pair.server.SubmitInterim(id, 100, {});
    EXPECT_EQ(pair.server.SendData(id, "x", true), 0u);
    pair.server.SendTrailers(id, {});
    pair.server.Consume(id, 1);
    pair.server.Reset(id, ErrorCode::kCancel);
    pair.server.SetOwner(id, &pair);
    EXPECT_EQ(pair.server.Owner(id), nullptr);
    EXPECT_EQ(pair.server.Room(id), 0u);
  }
  pair.Run();
  EXPECT_FALSE(pair.server.finished());
}

TEST(SessionTest, AStreamTakesNoMoreThanItsBufferUntilSomeIsSent) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
  const std::string body(100 * 1024, 'x');
  EXPECT_EQ(pair.client.Room(id), 64u * 1024);
  EXPECT_EQ(pair.client.SendData(id, body, /*end=*/true), 64u * 1024);
  EXPECT_EQ(pair.client.SendData(id, body, /*end=*/true), 0u);
  pair.Run();
  EXPECT_EQ(pair.at_client.sent[id], 64u * 1024);
  EXPECT_EQ(pair.client.SendData(id, absl::string_view(body).substr(64 * 1024), /*end=*/true),
            36u * 1024);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[id].body.size(), body.size());
  EXPECT_TRUE(pair.at_server.seen[id].ended);
}

TEST(SessionTest, ASlowReaderHoldsItsOwnStreamOnly) {
  Pair pair;
  pair.at_server.consume = false;
  const std::string body(64 * 1024, 'x');
  const StreamId slow = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
  for (int i = 0; i < 4; ++i) {
    pair.client.SendData(slow, body, /*end=*/false);
    pair.Run();
  }
  EXPECT_EQ(pair.at_server.seen[slow].body.size(), 64u * 1024);
  // More than the connection's window in all, and none of it read.
  for (int i = 0; i < 40; ++i) {
    const StreamId id = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
    pair.client.SendData(id, body, /*end=*/true);
    pair.Run();
    EXPECT_EQ(pair.at_server.seen[id].body.size(), body.size());
  }
  pair.server.Consume(slow, 40 * 1024);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[slow].body.size(), 104u * 1024);
}

TEST(SessionTest, BodiesTakeTurns) {
  Pair pair;
  const StreamId first = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  const StreamId second = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  pair.Run();
  const std::string body(64 * 1024, 'x');
  for (const StreamId id : {first, second}) {
    pair.server.SubmitResponse(id, 200, {}, /*end=*/false);
    pair.server.SendData(id, body, /*end=*/false);
  }
  std::string out;
  pair.server.Produce(40 * 1024, &out);
  EXPECT_GE(pair.at_server.sent[first], 16u * 1024);
  EXPECT_GE(pair.at_server.sent[second], 16u * 1024);
}

TEST(SessionTest, ProducesNoMoreThanAskedButAFrame) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kPost, {}, /*end=*/false);
  pair.client.SendData(id, std::string(60 * 1024, 'x'), /*end=*/true);
  size_t total = 0;
  while (pair.client.wants_write()) {
    std::string out;
    pair.client.Produce(1000, &out);
    EXPECT_LT(out.size(), 1000u + 9 + 16 * 1024);
    ASSERT_FALSE(out.empty());
    total += out.size();
    EXPECT_TRUE(pair.server.Receive(out, absl::ZeroDuration()).ok());
  }
  EXPECT_GT(total, 60u * 1024);
  EXPECT_EQ(pair.at_server.seen[id].body.size(), 60u * 1024);
}

TEST(SessionTest, ADrainLetsStreamsEndAndTakesNoNewOnes) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  pair.Run();
  pair.server.Drain();
  pair.Run();
  EXPECT_EQ(pair.at_client.goaways, "2147483647 NO_ERROR;1 NO_ERROR;");
  EXPECT_FALSE(pair.client.CanSubmit());
  EXPECT_FALSE(pair.server.finished());
  pair.server.SubmitResponse(id, 200, {}, /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_client.seen[id].head, "200 ");
  EXPECT_TRUE(pair.server.finished());
  EXPECT_TRUE(pair.client.finished());
  EXPECT_EQ(pair.server.error(), ErrorCode::kNoError);
}

TEST(SessionTest, ARequestThatCrossesTheLastGoawayMayBeSentAgain) {
  Pair pair;
  pair.Run();
  pair.server.DrainNow();
  const StreamId id = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  Pair::Move(pair.client, pair.server, 1 << 16);
  pair.Run();
  EXPECT_TRUE(pair.at_server.requests.empty());
  EXPECT_EQ(pair.at_client.seen[id].code, ErrorCode::kRefusedStream);
}

TEST(SessionTest, AClientDrains) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  pair.Run();
  pair.client.Drain();
  EXPECT_FALSE(pair.client.CanSubmit());
  pair.server.SubmitResponse(id, 204, {}, /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_client.seen[id].head, "204 ");
  EXPECT_TRUE(pair.client.finished());
}

TEST(SessionTest, PingsAreAnswered) {
  Pair pair;
  pair.client.Ping();
  pair.server.Ping();
  pair.Run();
  EXPECT_EQ(pair.at_client.pings, 1);
  EXPECT_EQ(pair.at_server.pings, 1);
}

TEST(SessionTest, ATargetSaysHowManyRequestsItTakes) {
  Limits one;
  one.streams_max = 1;
  Pair pair(one);
  pair.Run();
  ASSERT_TRUE(pair.client.CanSubmit());
  const StreamId id = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  EXPECT_FALSE(pair.client.CanSubmit());
  pair.Run();
  pair.server.SubmitResponse(id, 200, {}, /*end=*/true);
  pair.Run();
  EXPECT_TRUE(pair.client.CanSubmit());
}

TEST(SessionTest, HeadsOverTheLimitsWantAnAnswer) {
  Pair pair;
  HeaderMap many;
  for (int i = 0; i < 101; ++i) many.Add("x-a", "1");
  const StreamId counted = pair.client.SubmitRequest(kGet, many, /*end=*/true);
  const std::string value(61 * 1024, 'v');
  const StreamId large = pair.client.SubmitRequest(kGet, Fields({{"x-a", value}}), /*end=*/false);
  pair.client.SendData(large, "dropped", /*end=*/false);
  pair.Run();
  EXPECT_EQ(pair.at_server.seen[counted].refused, http1::Error::kTooManyHeaders);
  EXPECT_EQ(pair.at_server.seen[large].refused, http1::Error::kHeadTooLarge);
  pair.server.SubmitResponse(counted, 400, {}, /*end=*/true);
  pair.server.SubmitResponse(large, 400, {}, /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_client.seen[counted].head, "400 ");
  EXPECT_EQ(pair.at_client.seen[large].head, "400 ");
  EXPECT_EQ(pair.at_server.seen[large].body, "");
  EXPECT_EQ(pair.server_context.counters().refused.value(), 2u);
}

TEST(SessionTest, AResponseOverTheLimitsIsReset) {
  Pair pair;
  const StreamId id = pair.client.SubmitRequest(kGet, {}, /*end=*/true);
  pair.Run();
  HeaderMap many;
  for (int i = 0; i < 101; ++i) many.Add("x-a", "1");
  pair.server.SubmitResponse(id, 200, many, /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_client.seen[id].head, "");
  EXPECT_TRUE(pair.at_client.seen[id].closed);
  EXPECT_EQ(pair.client_context.counters().malformed.value(), 1u);
}

TEST(SessionTest, AnAnswerToHeadSaysALengthAndHasNoBody) {
  Pair pair;
  RequestHeadToSend head = kGet;
  head.method = "HEAD";
  const StreamId id = pair.client.SubmitRequest(head, {}, /*end=*/true);
  pair.Run();
  pair.server.SubmitResponse(id, 200, Fields({{"content-length", "5"}}), /*end=*/true);
  pair.Run();
  EXPECT_EQ(pair.at_client.seen[id].head, "200 content-length=5;");
  EXPECT_EQ(pair.at_client.seen[id].code, ErrorCode::kNoError);
}

}  // namespace
}  // namespace trellis::http2
