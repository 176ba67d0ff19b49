// HTTP/2 from clients to HTTP/1 targets: what arrives is what was sent, and streams mind only their
// own.
#include <memory>
#include <string>
#include <thread>
#include <vector>

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

using Client = Http2Client;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr size_t kBig = 1 << 20;  // More than windows and sockets' buffers hold.

class Http2Test : public ProxyTest {
 protected:
  Http2Test() { ServeTargets({&target_}); }

  std::unique_ptr<Client> NewClient() { return std::make_unique<Client>(Connect()); }
  // A request that goes well, over a new connection to the target.
  void ExpectServed(Client& client) {
    const auto id = client.Ask("GET", "/");
    client.Flush();
    Peer target = target_.Accept();
    target.ReadUntil("\r\n\r\n");
    target.Write(kOk);
    EXPECT_EQ(client.Answer(id).body, "ok");
  }

  FakeTarget target_;
};

TEST_F(Http2Test, ARequestIsHttp1ToTheTarget) {
  auto client = NewClient();
  http::HeaderMap headers;
  headers.Add("user-agent", "test");
  headers.Add("cookie", "a=1");
  headers.Add("cookie", "b=2");
  headers.Add("x-amzn-lattice-identity", "forged");
  const auto id = client->Ask("GET", "/path?q=1", true, headers);
  client->Flush();
  Peer target = target_.Accept();
  EXPECT_THAT(target.ReadUntil("\r\n\r\n"),
              AllOf(StartsWith("GET /path?q=1 HTTP/1.1\r\nhost: svc.test\r\n"),
                    HasSubstr("cookie: a=1; b=2\r\n"), HasSubstr("x-forwarded-for: 127.0.0.1\r\n"),
                    Not(HasSubstr("forged")), Not(HasSubstr("transfer-encoding"))));
  target.Write("HTTP/1.1 201 Made\r\nContent-Length: 2\r\nX-Own: yes\r\nConnection: x-hop\r\n"
               "X-Hop: 1\r\nX-Trellis-Reason: forged\r\n\r\nok");
  const http2::Seen& answer = client->Answer(id);
  EXPECT_THAT(answer.head, AllOf(StartsWith("201 "), HasSubstr("content-length=2;"),
                                 HasSubstr("x-own=yes;"), HasSubstr("x-amzn-requestid="),
                                 Not(HasSubstr("x-hop")), Not(HasSubstr("forged"))));
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(answer.code, http2::ErrorCode::kNoError);

  client.reset();
  rapidjson::Document line;
  line.Parse(LogLines().at(0).c_str());
  EXPECT_STREQ(line["protocol"].GetString(), "HTTP/2");
  EXPECT_STREQ(line["requestPath"].GetString(), "/path");
  EXPECT_STREQ(line["userAgent"].GetString(), "test");
  EXPECT_EQ(line["responseCode"].GetInt(), 201);
}

TEST_F(Http2Test, StreamsDoNotWaitForEachOther) {
  auto client = NewClient();
  const auto slow = client->Ask("GET", "/slow");
  client->Flush();
  Peer first = target_.Accept();
  first.ReadUntil("\r\n\r\n");
  const auto quick = client->Ask("GET", "/quick");
  client->Flush();
  Peer second = target_.Accept();
  EXPECT_THAT(second.ReadUntil("\r\n\r\n"), StartsWith("GET /quick "));
  second.Write(kOk);
  EXPECT_EQ(client->Answer(quick).body, "ok");
  EXPECT_FALSE(client->seen(slow).closed);
  first.Write(kOk);
  EXPECT_EQ(client->Answer(slow).body, "ok");
  // Both target connections serve on.
  const auto third = client->Ask("GET", "/third");
  client->Flush();
  first.ReadUntil("\r\n\r\n");
  first.Write(kOk);
  EXPECT_EQ(client->Answer(third).body, "ok");
  EXPECT_EQ(Counters().connections_accepted, 1u);
  EXPECT_EQ(Counters().upstream_connects, 2u);
}

TEST_F(Http2Test, ABodyOfUnknownLengthGoesInChunksWithItsTrailers) {
  auto client = NewClient();
  const auto id = client->Ask("POST", "/", false);
  client->session().SendData(id, "hello", false);
  client->Flush();
  Peer target = target_.Accept();
  EXPECT_THAT(target.ReadUntil("5\r\nhello\r\n"), HasSubstr("transfer-encoding: chunked\r\n"));
  client->session().SendData(id, " world", false);
  http::HeaderMap trailers;
  trailers.Add("x-checksum", "42");
  client->session().SendTrailers(id, trailers);
  client->Flush();
  EXPECT_EQ(target.ReadUntil("42\r\n\r\n"), "6\r\n world\r\n0\r\nx-checksum: 42\r\n\r\n");
  target.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: 1\r\n\r\n");
  const http2::Seen& answer = client->Answer(id);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(answer.trailers, "x-end=1;");
}

TEST_F(Http2Test, ABodyOfKnownLengthGoesAsItIs) {
  auto client = NewClient();
  http::HeaderMap headers;
  headers.Add("content-length", "5");
  const auto id = client->Ask("POST", "/", false, headers);
  client->session().SendData(id, "hello", true);
  client->Flush();
  Peer target = target_.Accept();
  EXPECT_THAT(target.ReadUntil("hello"),
              AllOf(HasSubstr("content-length: 5\r\n"), Not(HasSubstr("chunked"))));
  target.Write(kOk);
  EXPECT_EQ(client->Answer(id).body, "ok");
}

TEST_F(Http2Test, ABodyThatEndsWithoutMoreBytesEnds) {
  auto client = NewClient();
  const auto id = client->Ask("POST", "/", false);
  client->Flush();
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  client->session().SendData(id, {}, true);
  client->Flush();
  EXPECT_EQ(target.ReadUntil("\r\n\r\n"), "0\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(client->Answer(id).body, "ok");
}

TEST_F(Http2Test, LargeBodiesArriveWholeBothWays) {
  auto client = NewClient();
  http::HeaderMap headers;
  const std::string length = absl::StrCat(kBig);
  headers.Add("content-length", length);
  const auto id = client->Ask("PUT", "/", false, headers);
  client->Flush();
  Peer target = target_.Accept();
  const std::string body(kBig, 'b');
  std::thread at_target([&] {
    target.ReadUntil("\r\n\r\n");
    EXPECT_EQ(target.ReadExactly(kBig), body);
    target.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kBig, "\r\n\r\n"));
    target.Write(body);
  });
  // The proxy holds a bounded part of it, so there is more room whenever the target has read some.
  client->SendAll(id, body);
  at_target.join();
  EXPECT_EQ(client->seen(id).body, body);
}

TEST_F(Http2Test, AReaderThatWaitsHoldsUpNobodyElse) {
  auto client = NewClient();
  client->heard().consume = false;  // The window of the stream closes.
  const auto stuck = client->Ask("GET", "/stuck");
  client->Flush();
  Peer first = target_.Accept();
  first.ReadUntil("\r\n\r\n");
  first.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kBig, "\r\n\r\n"));
  first.WriteSome(std::string(kBig, 'x'));
  client->Until([&] { return client->seen(stuck).body.size() == 64 * 1024; });
  const auto other = client->Ask("GET", "/other");
  client->Flush();
  Peer second = target_.Accept();
  second.ReadUntil("\r\n\r\n");
  second.Write(kOk);
  EXPECT_EQ(client->Answer(other).body, "ok");
  EXPECT_EQ(client->seen(stuck).body.size(), 64u * 1024);
  EXPECT_LE(Counters().buffered_bytes_max, 3 * 64 * 1024);
}

TEST_F(Http2Test, HeadAndBodylessResponsesEndWithTheirHeads) {
  auto client = NewClient();
  const auto head = client->Ask("HEAD", "/");
  client->Flush();
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  EXPECT_THAT(client->Answer(head).head, HasSubstr("content-length=7;"));
  const auto none = client->Ask("DELETE", "/");
  client->Flush();
  target.ReadUntil("\r\n\r\n");
  target.Write("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(client->Answer(none).head, StartsWith("204 "));
}

TEST_F(Http2Test, InterimResponsesArePassedOnAndContinueIsOurs) {
  auto client = NewClient();
  http::HeaderMap headers;
  headers.Add("expect", "100-continue");
  headers.Add("content-length", "2");
  const auto id = client->Ask("POST", "/", false, headers);
  client->Flush();
  Peer target = target_.Accept();
  client->Until([&] { return client->seen(id).interims == "100 "; });
  client->session().SendData(id, "hi", true);
  client->Flush();
  EXPECT_THAT(target.ReadUntil("hi"), Not(HasSubstr("expect")));
  target.Write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(client->Answer(id).body, "ok");
  EXPECT_EQ(client->seen(id).interims, "100 103 link=</a.css>;");
}

TEST_F(Http2Test, AnswersOfOurOwnAreWholeResponses) {
  auto client = NewClient();
  const auto unknown = client->session().SubmitRequest(
      {.method = "GET", .scheme = "http", .authority = "nobody.test", .target = "/"}, {}, true);
  const http2::Seen& answer = client->Answer(unknown);
  EXPECT_THAT(answer.head, AllOf(StartsWith("404 content-type=text/plain;"),
                                 HasSubstr("x-trellis-reason=unknown_host;")));
  EXPECT_EQ(answer.body, "no service has this host name here\n");
  http::HeaderMap huge;
  const std::string value(4000, 'v');
  for (int i = 0; i < 16; ++i) huge.Add("x-large", value);
  EXPECT_THAT(client->Answer(client->Ask("GET", "/", true, huge)).head, StartsWith("400 "));
  // The connection serves on.
  ExpectServed(*client);
}

TEST_F(Http2Test, AResponseThatBreaksOffIsResetAndTheOthersGoOn) {
  auto client = NewClient();
  const auto broken = client->Ask("GET", "/broken");
  client->Flush();
  Peer first = target_.Accept();
  first.ReadUntil("\r\n\r\n");
  first.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
  client->Until([&] { return client->seen(broken).body == "some"; });
  first.Close();
  EXPECT_EQ(client->Answer(broken).code, http2::ErrorCode::kInternalError);
  ExpectServed(*client);
  EXPECT_EQ(Counters().responses_cut, 1u);
}

TEST_F(Http2Test, AStreamTheClientResetsIsLoggedAndItsTargetLetGo) {
  auto client = NewClient();
  const auto id = client->Ask("GET", "/");
  client->Flush();
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  client->session().Reset(id, http2::ErrorCode::kCancel);
  client->Flush();
  EXPECT_TRUE(target.AtEnd());
  client.reset();
  EXPECT_THAT(LogLines().at(0), HasSubstr("ClientConnectionClosed"));
}

TEST_F(Http2Test, AClientThatVanishesTakesItsStreamsWithIt) {
  auto client = NewClient();
  for (int i = 0; i < 3; ++i) client->Ask("GET", "/");
  client->Flush();
  std::vector<Peer> targets;
  for (int i = 0; i < 3; ++i) {
    targets.push_back(target_.Accept());
    targets.back().ReadUntil("\r\n\r\n");
  }
  client->peer().Reset();
  for (Peer& target : targets) EXPECT_TRUE(target.AtEnd());
  EXPECT_EQ(LogLines().size(), 3u);
}

TEST_F(Http2Test, AnEarlyAnswerNeedsNoMoreOfTheRequest) {
  auto client = NewClient();
  const auto id = client->Ask("POST", "/", false);
  client->session().SendData(id, "some", false);
  client->Flush();
  Peer target = target_.Accept();
  target.ReadUntil("some");
  target.Write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client->Answer(id).head, StartsWith("413 "));
  EXPECT_EQ(client->seen(id).code, http2::ErrorCode::kNoError);
}

TEST_F(Http2Test, ASilentTargetIs504) {
  CompiledService service = Service(Forward({&target_}));
  service.idle_timeout = absl::Milliseconds(20);
  Serve(std::move(service));
  auto client = NewClient();
  const auto id = client->Ask("GET", "/");
  client->Flush();
  Peer target = target_.Accept();
  EXPECT_THAT(client->Answer(id).head,
              AllOf(StartsWith("504 "), HasSubstr("x-trellis-reason=target_timeout;")));
}

TEST_F(Http2Test, DrainingFinishesWhatIsUnderWay) {
  auto client = NewClient();
  const auto id = client->Ask("GET", "/");
  client->Flush();
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  std::thread drain([&] { EXPECT_EQ(pool_->Drain(absl::Seconds(30)), 0); });
  client->Until([&] { return !client->heard().goaways.empty(); });
  target.Write(kOk);
  EXPECT_EQ(client->Answer(id).body, "ok");
  while (!client->peer().ReadSome().empty()) client->Flush();
  drain.join();
}

TEST_F(Http2Test, AnIdleConnectionIsClosed) {
  Options options;
  options.idle_timeout = absl::Milliseconds(1);
  Start(options);
  ServeTargets({&target_});
  auto client = NewClient();
  client->Flush();
  while (!client->peer().ReadSome().empty()) {
  }
}

TEST_F(Http2Test, AGrpcClientIsAnsweredInItsOwnWords) {
  auto client = NewClient();
  http::HeaderMap headers;
  headers.Add("content-type", "application/grpc+proto");
  target_.StopListening();
  const http2::Seen& answer = client->Answer(client->Ask("POST", "/p.S/M", true, headers));
  EXPECT_THAT(answer.head, AllOf(StartsWith("200 content-type=application/grpc;grpc-status=14;"
                                            "grpc-message=no target could be connected to;"),
                                 HasSubstr("x-trellis-reason=target_connection_failed;")));
  EXPECT_EQ(answer.body, "");
}

TEST_F(Http2Test, ThePrefaceMayComeByteByByte) {
  auto client = NewClient();
  const auto id = client->Ask("GET", "/");
  std::string bytes;
  client->session().Produce(1 << 20, &bytes);
  for (const char c : bytes) client->peer().Write(absl::string_view(&c, 1));
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write(kOk);
  EXPECT_EQ(client->Answer(id).body, "ok");
}

TEST_F(Http2Test, GarbageBehindThePrefaceEndsTheConnection) {
  Peer peer = Connect();
  peer.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  peer.Write(std::string(100, 'g'));
  peer.ReadToEnd();
  // It listens on.
  ExpectServed(*NewClient());
}

}  // namespace
}  // namespace trellis::proxy
