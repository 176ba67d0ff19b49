// What the proxy answers by itself: docs/decisions/0005-proxy-answers.md as a table, tried.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "node/proxy/answers.h"
#include "rapidjson/document.h"
#include "tests/integration/proxy_harness.h"

namespace trellis::proxy {
namespace {

class AnswersTest : public ProxyTest {
 protected:
  std::string Ask(absl::string_view request = kGet) {
    Peer client = Connect();
    client.Write(request);
    return client.ReadResponse();
  }
  static void ExpectAnswer(absl::string_view response, int status, absl::string_view reason) {
    EXPECT_EQ(StatusOf(response), status) << response;
    EXPECT_EQ(HeaderOf(response, "x-trellis-reason"), reason) << response;
    EXPECT_EQ(HeaderOf(response, "content-type"), "text/plain");
    EXPECT_TRUE(absl::EndsWith(response, "\n"));
  }
  // Of the one request that was made.
  void ExpectLogged(int status, absl::string_view reason, absl::string_view failure) {
    WaitUntil([&] {
      uint64_t ended = 0;
      for (const uint64_t count : Counters().responses_by_class) ended += count;
      return ended == 1;
    });
    const std::vector<std::string> lines = LogLines();
    ASSERT_EQ(lines.size(), 1u);
    rapidjson::Document line;
    line.Parse(lines[0].c_str());
    EXPECT_EQ(line["responseCode"].GetInt(), status) << lines[0];
    EXPECT_EQ(absl::string_view(line["failureReason"].GetString()), failure) << lines[0];
    if (!reason.empty()) {
      EXPECT_EQ(absl::string_view(line["trellisReason"].GetString()), reason);
    }
  }
};

struct MalformedCase {
  const char* name;
  std::string request;
  int status = 400;
  bool goes_on = false;  // The head is good, and its body need not be read to its end.
};
class MalformedTest : public AnswersTest, public testing::WithParamInterface<MalformedCase> {};
TEST_P(MalformedTest, IsRefusedAndTheConnectionClosed) {
  FakeTarget target;
  ServeTargets({&target});
  Peer client = Connect();
  client.Write(GetParam().request);
  client.FinishSending();
  const std::string response = client.ReadToEnd();
  EXPECT_EQ(StatusOf(response), GetParam().status) << response;
  EXPECT_EQ(HeaderOf(response, "connection"), "close");
  EXPECT_TRUE(HeaderOf(response, "x-trellis-reason").has_value());
  // The log's line of it is found by the id, and says how much came.
  const absl::optional<std::string> id = HeaderOf(response, "x-amzn-requestid");
  ASSERT_TRUE(id.has_value()) << response;
  EXPECT_EQ(id->size(), 36u);
  const std::vector<std::string> lines = LogLines();
  ASSERT_EQ(lines.size(), 1u);
  rapidjson::Document line;
  line.Parse(lines[0].c_str());
  EXPECT_EQ(absl::string_view(line["requestId"].GetString()), *id);
  const uint64_t received = line["bytesReceived"].GetUint64();
  EXPECT_GT(received, 0u);
  EXPECT_LE(received, GetParam().request.size());
  // Of what is small, all: it comes in one read.
  if (GetParam().request.size() < 1000 && !GetParam().goes_on) {
    EXPECT_EQ(received, GetParam().request.size());
  }
}
INSTANTIATE_TEST_SUITE_P(
    Requests, MalformedTest,
    testing::ValuesIn(std::vector<MalformedCase>{
        {"Garbage", "\x16\x03\x01 hello\r\n\r\n"},
        {"BareLf", "GET / HTTP/1.1\nHost: svc.test\n\n"},
        {"NoHost", "GET / HTTP/1.1\r\n\r\n"},
        {"TwoHosts", "GET / HTTP/1.1\r\nHost: svc.test\r\nHost: b\r\n\r\n"},
        {"BothLengths",
         "POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n"},
        {"TwoLengths",
         "POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
        {"Folded", "GET / HTTP/1.1\r\nHost: svc.test\r\nA: b\r\n c\r\n\r\n"},
        {"Nul", std::string("GET / HTTP/1.1\r\nHost: svc.test\r\nA: b\0c\r\n\r\n", 42)},
        {"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : svc.test\r\n\r\n"},
        {"Connect", "CONNECT svc.test:80 HTTP/1.1\r\nHost: svc.test\r\n\r\n"},
        {"HeadTooLarge", absl::StrCat("GET / HTTP/1.1\r\nHost: svc.test\r\nA: ",
                                      std::string(61 * 1024, 'a'), "\r\n\r\n")},
        {"BadChunk",
         "POST / HTTP/1.1\r\nHost: svc.test\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400,
         true},
        {"Version", "GET / HTTP/2.0\r\nHost: svc.test\r\n\r\n", 505},
        {"EndsInTheHead", "GET / HTTP/1.1\r\nHost: svc"},
        {"EndsInTheBody", "POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 9\r\n\r\nabc", 400,
         true},
    }),
    [](const auto& info) { return info.param.name; });

TEST_F(AnswersTest, UnknownHostIs404AndTheConnectionGoesOn) {
  Serve(Fixed(404));
  Peer client = Connect();
  for (int i = 0; i < 2; ++i) {
    client.Write("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
    ExpectAnswer(client.ReadResponse(), 404, "unknown_host");
  }
}

TEST_F(AnswersTest, PortWithoutListenerIs404) {
  CompiledService service = Service(Fixed(404));
  service.listeners[0].port = 1;
  Serve(std::move(service));
  ExpectAnswer(Ask(), 404, "no_listener");
  ExpectLogged(404, "no_listener", "-");
}

TEST_F(AnswersTest, FixedResponseHasItsRulesStatus) {
  Serve(Fixed(500));
  const std::string response = Ask();
  ExpectAnswer(response, 500, "fixed_response");
  EXPECT_TRUE(HeaderOf(response, "x-amzn-requestid").has_value());
  ExpectLogged(500, "fixed_response", "-");
}

TEST_F(AnswersTest, FixedResponseToHeadHasNoBody) {
  Serve(Fixed(404));
  Peer client = Connect();
  client.Write("HEAD / HTTP/1.1\r\nHost: svc.test\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(BodyOf(client.ReadToEnd()), "");
}

TEST_F(AnswersTest, FixedResponseReadsPastABodyThatIsHere) {
  Serve(Fixed(404));
  Peer client = Connect();
  client.Write(
      absl::StrCat("POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\n\r\nabc", kGet));
  EXPECT_FALSE(HeaderOf(client.ReadResponse(), "connection").has_value());
  EXPECT_EQ(StatusOf(client.ReadResponse()), 404);
}

TEST_F(AnswersTest, RefusalComesBeforeAnExpectedBodyAndCloses) {
  Serve(Fixed(404));
  Peer client = Connect();
  client.Write(
      "PUT / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  const std::string response = client.ReadToEnd();
  EXPECT_EQ(StatusOf(response), 404);
  EXPECT_EQ(HeaderOf(response, "connection"), "close");
}

TEST_F(AnswersTest, MissingGroupIs503) {
  CompiledAction action = Forward({});
  action.forward[0].group = nullptr;
  Serve(std::move(action));
  ExpectAnswer(Ask(), 503, "target_group_missing");
}

TEST_F(AnswersTest, GroupWithoutTargetsIs503) {
  ServeTargets({});
  ExpectAnswer(Ask(), 503, "no_target");
  ExpectLogged(503, "no_target", "TargetConnectionError");
}

TEST_F(AnswersTest, AllWeightsZeroIs503) {
  FakeTarget target;
  CompiledAction action = Forward({&target});
  action.forward[0].weight = 0;
  action.total_weight = 0;
  Serve(std::move(action));
  ExpectAnswer(Ask(), 503, "no_weight");
}

TEST_F(AnswersTest, NoTargetThatConnectsIs503) {
  FakeTarget a, b;
  a.StopListening();
  b.StopListening();
  ServeTargets({&a, &b});
  ExpectAnswer(Ask(), 503, "target_connection_failed");
  EXPECT_EQ(Counters().upstream_connect_failures, 2u);
  ExpectLogged(503, "target_connection_failed", "TargetConnectionError");
}

TEST_F(AnswersTest, DeadTargetsShareGoesToTheLivingOne) {
  FakeTarget dead, living;
  dead.StopListening();
  ServeTargets({&dead, &living});
  Peer client = Connect();
  Peer target;
  for (int i = 0; i < 4; ++i) {
    client.Write("POST / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: 2\r\n\r\nhi");
    if (!target.valid()) target = living.Accept();
    target.ReadUntil("\r\n\r\nhi");
    target.Write(kOk);
    EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  }
  EXPECT_GE(Counters().upstream_connect_failures, 1u);
}

TEST_F(AnswersTest, GarbageFromTheTargetIs502) {
  FakeTarget target;
  ServeTargets({&target});
  Peer client = Connect();
  client.Write(kGet);
  Peer server = target.Accept();
  server.ReadUntil("\r\n\r\n");
  server.Write("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  ExpectAnswer(client.ReadResponse(), 502, "target_protocol_error");
  ExpectLogged(502, "target_protocol_error", "TargetProtocolError");
}

TEST_F(AnswersTest, UpgradeIsNotForwardedAndSwitchingProtocolsIs502) {
  FakeTarget target;
  ServeTargets({&target});
  Peer client = Connect();
  client.Write(
      "GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  Peer server = target.Accept();
  EXPECT_FALSE(HeaderOf(server.ReadUntil("\r\n\r\n"), "upgrade").has_value());
  server.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  ExpectAnswer(client.ReadResponse(), 502, "target_protocol_error");
}

TEST_F(AnswersTest, TargetThatClosesWithoutAnswerIs502) {
  FakeTarget target;
  ServeTargets({&target});
  for (const bool with_part : {false, true}) {
    Peer client = Connect();
    client.Write(kGet);
    Peer server = target.Accept();
    server.ReadUntil("\r\n\r\n");
    if (with_part) server.Write("HTTP/1.1 200 OK\r\nConte");
    server.Close();
    ExpectAnswer(client.ReadResponse(), 502, "target_closed");
  }
}

TEST_F(AnswersTest, ResponseThatBreaksOffIsCutNotEnded) {
  FakeTarget target;
  ServeTargets({&target});
  Peer client = Connect();
  client.Write(kGet);
  Peer server = target.Accept();
  server.ReadUntil("\r\n\r\n");
  server.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.ReadUntil("abc\r\n");
  server.Close();
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_EQ(Counters().responses_cut, 1u);
  ExpectLogged(200, "target_closed", "TargetConnectionClosed");
}

TEST_F(AnswersTest, SilentTargetIs504) {
  FakeTarget target;
  CompiledService service = Service(Forward({&target}));
  service.idle_timeout = absl::Milliseconds(1);
  Serve(std::move(service));
  Peer client = Connect();
  client.Write(kGet);
  Peer server = target.Accept();
  ExpectAnswer(client.ReadResponse(), 504, "target_timeout");
  ExpectLogged(504, "target_timeout", "TargetDataTimeout");
}

TEST_F(AnswersTest, HeadThatNeverEndsIs408HoweverItTrickles) {
  Options options;
  options.idle_timeout = absl::Milliseconds(1);
  Start(options);
  Serve(Fixed(404));
  Peer client = Connect();
  client.Write("GET / HTTP/1.1\r\nHost: s");
  // With so short a time the connection may also be found idle before the first byte.
  const std::string response = client.ReadToEnd();
  if (!response.empty()) ExpectAnswer(response, 408, "client_timeout");
}

TEST_F(AnswersTest, ClientThatVanishesIsLogged) {
  FakeTarget target;
  ServeTargets({&target});
  Peer client = Connect();
  client.Write(kGet);
  Peer server = target.Accept();
  server.ReadUntil("\r\n\r\n");
  client.Reset();
  EXPECT_TRUE(server.AtEnd());
  ExpectLogged(0, "", "ClientConnectionClosed");
}

TEST_F(AnswersTest, ReasonHeaderCanBeTurnedOff) {
  Options options;
  options.reason_header = false;
  Start(options);
  Serve(Fixed(404));
  EXPECT_FALSE(HeaderOf(Ask(), "x-trellis-reason").has_value());
}

TEST_F(AnswersTest, ConnectionsOverTheLimitAreClosedAndCounted) {
  Options options;
  options.connections_per_worker_max = 1;
  Start(options);
  Serve(Fixed(404));
  Peer first = Connect();
  first.Write(kGet);
  EXPECT_EQ(StatusOf(first.ReadResponse()), 404);
  Peer second = Connect();
  EXPECT_TRUE(second.AtEnd());
  EXPECT_EQ(Counters().connections_refused, 1u);
}

}  // namespace
}  // namespace trellis::proxy
