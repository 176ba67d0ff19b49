// Requests and responses that go well, in every framing: what arrives is what was sent.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rapidjson/document.h"
#include "tests/integration/proxy_harness.h"

namespace trellis::proxy {
namespace {

class ExchangeTest : public ProxyTest {
 protected:
  ExchangeTest() { ServeTargets({&target_}); }

  FakeTarget target_;
};

TEST_F(ExchangeTest, KeepAliveServesRequestAfterRequestOverOneConnectionEach) {
  Pair pair = Warm(target_);
  for (int i = 0; i < 3; ++i) {
    pair.client.Write(kGet);
    EXPECT_TRUE(absl::StartsWith(pair.target.ReadUntil("\r\n\r\n"), "GET / HTTP/1.1\r\n"));
    pair.target.Write(kOk);
    EXPECT_EQ(BodyOf(pair.client.ReadResponse()), "ok");
  }
  // Counted when the last byte is out, which the client may see first.
  WaitUntil([&] { return Counters().responses_by_class[2] == 4; });
  const CounterValues counters = Counters();
  EXPECT_EQ(counters.upstream_connects, 1u);
  EXPECT_EQ(counters.upstream_reuses, 3u);
  EXPECT_EQ(counters.requests, 4u);
}

TEST_F(ExchangeTest, HeadArrivingByteByByteIsOneRequest) {
  Peer client = Connect();
  for (const char c : kGet) client.Write(absl::string_view(&c, 1));
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  for (const char c : kOk) target.Write(absl::string_view(&c, 1));
  EXPECT_EQ(BodyOf(client.ReadResponse()), "ok");
}

TEST_F(ExchangeTest, PipelinedRequestsAreAnsweredInOrder) {
  Peer client = Connect();
  std::string requests;
  for (const char* path : {"/1", "/2", "/3"}) {
    absl::StrAppend(&requests, "GET ", path, " HTTP/1.1\r\nHost: svc.test\r\n\r\n");
  }
  client.Write(requests);
  Peer target = target_.Accept();
  for (const char* path : {"/1", "/2", "/3"}) {
    EXPECT_TRUE(absl::StartsWith(target.ReadUntil("\r\n\r\n"), absl::StrCat("GET ", path, " ")));
    target.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", path));
  }
  for (const char* path : {"/1", "/2", "/3"}) EXPECT_EQ(BodyOf(client.ReadResponse()), path);
}

TEST_F(ExchangeTest, PipelinedRequestBehindABodyIsNotPartOfIt) {
  Peer client = Connect();
  client.Write(
      absl::StrCat("POST /a HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\n\r\nabc", kGet));
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  EXPECT_EQ(target.ReadExactly(3), "abc");
  target.Write(kOk);
  EXPECT_EQ(BodyOf(client.ReadResponse()), "ok");
  EXPECT_TRUE(absl::StartsWith(target.ReadUntil("\r\n\r\n"), "GET / "));
  target.Write(kOk);
  EXPECT_EQ(BodyOf(client.ReadResponse()), "ok");
}

TEST_F(ExchangeTest, ChunkedRequestWithTrailersArrivesWhole) {
  Peer client = Connect();
  client.Write(
      "POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;note=x\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n");
  Peer target = target_.Accept();
  const std::string head = target.ReadUntil("\r\n\r\n");
  EXPECT_EQ(HeaderOf(head, "transfer-encoding"), "chunked");
  EXPECT_FALSE(HeaderOf(head, "content-length").has_value());
  // What has come goes on as one chunk.
  EXPECT_EQ(target.ReadUntil("\r\n\r\n"), "6\r\nhello!\r\n0\r\nX-Sum: 6\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(BodyOf(client.ReadResponse()), "ok");
}

TEST_F(ExchangeTest, ChunkedResponseWithTrailersArrivesWhole) {
  Pair pair = Warm(target_);
  pair.client.Write(kGet);
  pair.target.ReadUntil("\r\n\r\n");
  pair.target.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  const std::string head = pair.client.ReadUntil("\r\n\r\n");
  EXPECT_EQ(HeaderOf(head, "transfer-encoding"), "chunked");
  EXPECT_EQ(pair.client.ReadUntil("abc\r\n"), "3\r\nabc\r\n");  // Streamed, not gathered.
  pair.target.Write("0\r\nX-Sum: 3\r\n\r\n");
  EXPECT_EQ(pair.client.ReadUntil("\r\n\r\n"), "0\r\nX-Sum: 3\r\n\r\n");
  pair.client.Write(kGet);  // Both connections go on.
  pair.target.ReadUntil("\r\n\r\n");
}

TEST_F(ExchangeTest, ResponseUntilCloseBecomesChunked) {
  Peer client = Connect();
  client.Write(kGet);
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write("HTTP/1.1 200 OK\r\n\r\nall there is");
  target.Close();
  EXPECT_EQ(HeaderOf(client.ReadUntil("\r\n\r\n"), "transfer-encoding"), "chunked");
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "c\r\nall there is\r\n0\r\n\r\n");
}

TEST_F(ExchangeTest, Http10ClientGetsAChunkedBodyUnframedUntilClose) {
  Peer client = Connect();
  client.Write("GET / HTTP/1.0\r\nHost: svc.test\r\nConnection: keep-alive\r\n\r\n");
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: "
      "1\r\n\r\n");
  const std::string response = client.ReadToEnd();
  EXPECT_FALSE(HeaderOf(response, "transfer-encoding").has_value());
  EXPECT_EQ(HeaderOf(response, "connection"), "close");
  EXPECT_EQ(BodyOf(response), "abcde");
}

TEST_F(ExchangeTest, Http10ClientMayKeepTheConnection) {
  Peer client = Connect();
  client.Write("GET / HTTP/1.0\r\nHost: svc.test\r\nConnection: keep-alive\r\n\r\n");
  Peer target = target_.Accept();
  EXPECT_TRUE(absl::StrContains(target.ReadUntil("\r\n\r\n"), "GET / HTTP/1.1\r\n"));
  target.Write(kOk);
  EXPECT_EQ(HeaderOf(client.ReadResponse(), "connection"), "keep-alive");
  client.Write("GET / HTTP/1.0\r\nHost: svc.test\r\n\r\n");
  target.ReadUntil("\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(HeaderOf(client.ReadToEnd(), "connection"), "close");
}

TEST_F(ExchangeTest, ClientThatAsksForCloseGetsIt) {
  Peer client = Connect();
  client.Write("GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: close\r\n\r\n");
  Peer target = target_.Accept();
  EXPECT_FALSE(HeaderOf(target.ReadUntil("\r\n\r\n"), "connection").has_value());
  target.Write(kOk);
  const std::string response = client.ReadToEnd();
  EXPECT_EQ(HeaderOf(response, "connection"), "close");
  EXPECT_EQ(BodyOf(response), "ok");
}

TEST_F(ExchangeTest, TargetThatClosesIsNotReused) {
  Peer client = Connect();
  for (int i = 0; i < 2; ++i) {
    client.Write(kGet);
    Peer target = target_.Accept();
    target.ReadUntil("\r\n\r\n");
    target.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    EXPECT_FALSE(HeaderOf(client.ReadResponse(), "connection").has_value());
  }
}

struct BodylessCase {
  const char* name;
  const char* request;
  const char* response;
};
class BodylessTest : public ExchangeTest, public testing::WithParamInterface<BodylessCase> {};
TEST_P(BodylessTest, ResponseEndsWithItsHead) {
  Peer client = Connect();
  client.Write(GetParam().request);
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write(GetParam().response);
  const std::string head = client.ReadUntil("\r\n\r\n");
  EXPECT_EQ(StatusOf(head), StatusOf(GetParam().response));
  EXPECT_EQ(
      HeaderOf(head, "content-length"),
      StatusOf(head) == 204 ? absl::nullopt : HeaderOf(GetParam().response, "content-length"));
  client.Write(kGet);
  target.ReadUntil("\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(BodyOf(client.ReadResponse()), "ok");
}
INSTANTIATE_TEST_SUITE_P(Kinds, BodylessTest,
                         testing::ValuesIn(std::vector<BodylessCase>{
                             {"Head", "HEAD / HTTP/1.1\r\nHost: svc.test\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"},
                             {"HeadOfChunked", "HEAD / HTTP/1.1\r\nHost: svc.test\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
                             {"NoContent", "DELETE / HTTP/1.1\r\nHost: svc.test\r\n\r\n",
                              "HTTP/1.1 204 No Content\r\n\r\n"},
                             {"NotModified", "GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n",
                              "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"},
                             {"EmptyBody", "GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST_F(ExchangeTest, ExpectIsAnsweredWhenATargetIsConnected) {
  Peer client = Connect();
  client.Write(
      "PUT / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Write("abc");
  Peer target = target_.Accept();
  EXPECT_FALSE(HeaderOf(target.ReadUntil("\r\n\r\n"), "expect").has_value());
  EXPECT_EQ(target.ReadExactly(3), "abc");
  target.Write("HTTP/1.1 100 Continue\r\n\r\n");  // Was said already.
  target.Write(kOk);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
}

TEST_F(ExchangeTest, ExpectWithTheBodyAlreadyHereNeedsNoLeave) {
  Peer client = Connect();
  client.Write(
      "PUT / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\nabc");
  target.Write(kOk);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
}

TEST_F(ExchangeTest, InterimResponsesArePassedOnButNotToHttp10) {
  Pair pair = Warm(target_);
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  pair.client.Write(kGet);
  pair.target.ReadUntil("\r\n\r\n");
  pair.target.Write(absl::StrCat(hints, kOk));
  EXPECT_EQ(pair.client.ReadUntil("\r\n\r\n"), hints);
  EXPECT_EQ(StatusOf(pair.client.ReadResponse()), 200);

  Peer old = Connect();
  old.Write("GET / HTTP/1.0\r\nHost: svc.test\r\n\r\n");
  pair.target.ReadUntil("\r\n\r\n");
  pair.target.Write(absl::StrCat(hints, kOk));
  EXPECT_EQ(StatusOf(old.ReadResponse()), 200);
}

TEST_F(ExchangeTest, ClientThatFinishedSendingStillGetsItsResponse) {
  Peer client = Connect();
  client.Write(kGet);
  client.FinishSending();
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(BodyOf(client.ReadToEnd()), "ok");
}

TEST_F(ExchangeTest, EarlyResponseReachesAClientThatIsStillSending) {
  Peer client = Connect();
  client.Write("POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 1000000000\r\n\r\nsome");
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\nsome");
  target.Write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
  target.Close();
  client.WriteSome(std::string(100'000, 'x'));  // Does not know yet.
  const std::string response = client.ReadToEnd();
  EXPECT_EQ(StatusOf(response), 413);
  EXPECT_EQ(HeaderOf(response, "connection"), "close");
  EXPECT_EQ(BodyOf(response), "big");
}

TEST_F(ExchangeTest, BothDirectionsStreamAtOnce) {
  Peer client = Connect();
  client.Write("POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.ReadUntil("\r\n\r\n");
  for (int i = 0; i < 3; ++i) {
    client.Write("4\r\nping\r\n");
    EXPECT_EQ(target.ReadUntil("ping\r\n"), "4\r\nping\r\n");
    target.Write("4\r\npong\r\n");
    EXPECT_EQ(client.ReadUntil("pong\r\n"), "4\r\npong\r\n");
  }
  client.Write("0\r\n\r\n");
  EXPECT_EQ(target.ReadUntil("0\r\n\r\n"), "0\r\n\r\n");
  target.Write("0\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(ExchangeTest, AccessLogTellsTheWholeStory) {
  Peer client = Connect();
  client.Write(
      "POST /pay?secret=1 HTTP/1.1\r\nHost: svc.test\r\nUser-Agent: \"curl\"\r\n"
      "X-Amzn-RequestId: id-7\r\nContent-Length: 3\r\n\r\nabc");
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\nabc");
  target.Write(kOk);
  const std::string response = client.ReadResponse();
  EXPECT_EQ(HeaderOf(response, "x-amzn-requestid"), "id-7");
  WaitUntil([&] { return Counters().responses_by_class[2] == 1; });
  const std::vector<std::string> lines = LogLines();
  ASSERT_EQ(lines.size(), 1u);
  rapidjson::Document line;
  line.Parse(lines[0].c_str());
  ASSERT_FALSE(line.HasParseError()) << lines[0];
  for (const auto& [field, value] : std::vector<std::pair<const char*, std::string>>{
           {"serviceNetworkArn", "arn:sn-1"},
           {"serviceArn", "arn:svc-1"},
           {"targetGroupArn", "arn:tg-1"},
           {"sourceVpcId", "vpc-1"},
           {"sourceVpcArn", "arn:vpc-1"},
           {"destinationVpcId", "vpc-2"},
           {"targetIpPort", target_.endpoint().ToString()},
           {"hostHeader", "svc.test"},
           {"userAgent", "\"curl\""},
           {"requestMethod", "POST"},
           {"requestPath", "/pay"},
           {"protocol", "HTTP/1.1"},
           {"requestId", "id-7"},
           {"failureReason", "-"},
           {"tlsVersion", "-"}}) {
    EXPECT_EQ(line[field].GetString(), value) << field;
  }
  EXPECT_EQ(line["responseCode"].GetInt(), 200);
  EXPECT_EQ(line["bytesSent"].GetUint64(), response.size());
  EXPECT_FALSE(line.HasMember("trellisReason"));
}

}  // namespace
}  // namespace trellis::proxy
