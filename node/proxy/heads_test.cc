#include "node/proxy/heads.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace trellis::proxy {
namespace {

// --- The id of a request ---

std::string RequestId(absl::string_view header, Random& random) {
  http::RequestHead request;
  if (header.data() != nullptr) request.headers.Add("X-Amzn-RequestId", header);
  std::string id = "before ";
  AppendRequestId(request, random, &id);
  EXPECT_EQ(id.substr(0, 7), "before ");
  return id.substr(7);
}

TEST(RequestIdTest, OfTheClientIsKept) {
  SeededRandom random(1);
  EXPECT_EQ(RequestId("from-the-client", random), "from-the-client");
}

TEST(RequestIdTest, OfTheClientIsCutAtItsBound) {
  SeededRandom random(1);
  EXPECT_EQ(RequestId(std::string(kRequestIdBytesMax, 'a') + "b", random),
            std::string(kRequestIdBytesMax, 'a'));
}

TEST(RequestIdTest, MissingOrEmptyIsANewUuidOfVersion4) {
  SeededRandom random(1);
  std::string last;
  for (int i = 0; i < 100; ++i) {
    const std::string id = RequestId(i % 2 == 0 ? absl::string_view() : "", random);
    ASSERT_EQ(id.size(), 36u);
    for (size_t at = 0; at < id.size(); ++at) {
      const absl::string_view allowed = at == 8 || at == 13 || at == 18 || at == 23 ? "-"
                                        : at == 14                                  ? "4"
                                        : at == 19                                  ? "89ab"
                                                   : "0123456789abcdef";
      EXPECT_TRUE(absl::StrContains(allowed, id[at])) << id << " at " << at;
    }
    EXPECT_NE(id, last);
    last = id;
  }
}

// --- To a target ---

http::RequestHead Get() {
  http::RequestHead request;
  request.method = "GET";
  request.target = "/cart?item=1";
  request.headers.Add("Host", "shop.example");
  return request;
}

TargetHeadContext Context() {
  TargetHeadContext context;
  context.client_address = "10.1.0.9";
  context.port = 80;
  context.request_id = "id-1";
  context.service_arn = "arn:service";
  context.service_network_arn = "arn:network";
  context.target_group_arn = "arn:group";
  context.source_vpc_arn = "arn:vpc";
  return context;
}

constexpr absl::string_view kOwnFields =
    "x-forwarded-port: 80\r\n"
    "x-forwarded-proto: http\r\n"
    "x-amzn-lattice-network: SourceVpcArn=arn:vpc\r\n"
    "x-amzn-lattice-target: ServiceArn=arn:service; ServiceNetworkArn=arn:network; "
    "TargetGroupArn=arn:group\r\n"
    "x-amzn-lattice-identity: Principal=; PrincipalOrgID=; Type=NONE\r\n"
    "x-amzn-requestid: id-1\r\n";

std::string TargetHead(const http::RequestHead& request,
                       const TargetHeadContext& context = Context()) {
  std::string out = "before\n";
  AppendTargetHead(request, context, &out);
  EXPECT_EQ(out.substr(0, 7), "before\n");
  return out.substr(7);
}

std::string Expected(absl::string_view passed, absl::string_view forwarded_for = "10.1.0.9") {
  return absl::StrCat("GET /cart?item=1 HTTP/1.1\r\nHost: shop.example\r\n", passed,
                      "x-forwarded-for: ", forwarded_for, "\r\n", kOwnFields, "\r\n");
}

TEST(TargetHeadTest, HasTheRequestAndWhereItComesFrom) {
  EXPECT_EQ(TargetHead(Get()), Expected(""));
}

TEST(TargetHeadTest, PassesFieldsAsTheyCameInTheirOrder) {
  http::RequestHead request = Get();
  request.headers.Add("X-Tier", "gold");
  request.headers.Add("Accept", "");
  request.headers.Add("X-Tier", "Silver");
  EXPECT_EQ(TargetHead(request), Expected("X-Tier: gold\r\nAccept: \r\nX-Tier: Silver\r\n"));
}

TEST(TargetHeadTest, LeavesOutWhatBelongsToOneConnection) {
  http::RequestHead request = Get();
  request.headers.Add("Connection", "keep-alive", /*hop_by_hop=*/true);
  request.headers.Add("X-Forwarded-For", "203.0.113.7", /*hop_by_hop=*/true);
  request.headers.Add("Expect", "100-continue");  // Answered here.
  EXPECT_EQ(TargetHead(request), Expected(""));
}

TEST(TargetHeadTest, AddsTheClientToThoseBeforeIt) {
  http::RequestHead request = Get();
  request.headers.Add("X-Forwarded-For", "203.0.113.7");
  request.headers.Add("x-forwarded-for", "");
  request.headers.Add("X_FORWARDED_FOR", "198.51.100.2");
  EXPECT_EQ(TargetHead(request), Expected("", "203.0.113.7, 198.51.100.2, 10.1.0.9"));
}

TEST(TargetHeadTest, BelievesNoneOfOurFieldsInAnySpelling) {
  for (const absl::string_view name :
       {"x-forwarded-port", "X-Forwarded-Proto", "X-Amzn-RequestId", "x-amzn-lattice-identity",
        "X_Amzn_Lattice_Identity", "X-AMZN-LATTICE-ANYTHING", "x_forwarded-port"}) {
    http::RequestHead request = Get();
    request.headers.Add(name, "forged");
    EXPECT_EQ(TargetHead(request), Expected("")) << name;
  }
}

TEST(TargetHeadTest, PassesFieldsThatOnlyLookLikeOurs) {
  for (const absl::string_view name : {"x-forwarded", "x-amzn-lattice", "x-forwarded-porty", "x"}) {
    http::RequestHead request = Get();
    request.headers.Add(name, "1");
    EXPECT_EQ(TargetHead(request), Expected(absl::StrCat(name, ": 1\r\n"))) << name;
  }
}

TEST(TargetHeadTest, SaysThatTheBodyComesInChunks) {
  TargetHeadContext context = Context();
  context.chunked = true;
  EXPECT_EQ(TargetHead(Get(), context),
            absl::StrCat("GET /cart?item=1 HTTP/1.1\r\nHost: shop.example\r\n",
                         "x-forwarded-for: 10.1.0.9\r\n", kOwnFields,
                         "transfer-encoding: chunked\r\n\r\n"));
}

// --- To a client ---

http1::ResponseHead Ok() {
  http1::ResponseHead response;
  response.status = 200;
  response.reason = "OK";
  response.headers.Add("Content-Length", "2");
  return response;
}

std::string ClientHead(const http1::ResponseHead& response, ClientHeadContext context = {}) {
  context.request_id = "id-1";
  std::string out = "before\n";
  AppendClientHead(response, context, &out);
  EXPECT_EQ(out.substr(0, 7), "before\n");
  return out.substr(7);
}

TEST(ClientHeadTest, HasTheResponseAndTheRequestsId) {
  EXPECT_EQ(ClientHead(Ok()),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-amzn-requestid: id-1\r\n\r\n");
}

TEST(ClientHeadTest, MayHaveNoReasonPhrase) {
  http1::ResponseHead response = Ok();
  response.status = 299;
  response.reason = "";
  EXPECT_EQ(ClientHead(response),
            "HTTP/1.1 299 \r\nContent-Length: 2\r\nx-amzn-requestid: id-1\r\n\r\n");
}

TEST(ClientHeadTest, LeavesOutWhatIsOursToSayAndWhatBelongsToOneConnection) {
  http1::ResponseHead response = Ok();
  response.headers.Add("X-Amzn-RequestId", "the target's");
  response.headers.Add("X-Trellis-Reason", "no_target");
  response.headers.Add("Keep-Alive", "timeout=5", /*hop_by_hop=*/true);
  response.headers.Add("X-Trellis-Reasons", "passes");
  EXPECT_EQ(ClientHead(response),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Trellis-Reasons: passes\r\n"
            "x-amzn-requestid: id-1\r\n\r\n");
}

TEST(ClientHeadTest, SaysHowTheBodyAndTheConnectionEnd) {
  ClientHeadContext context;
  context.chunked = true;
  context.announce_keep_alive = true;
  EXPECT_EQ(ClientHead(Ok(), context),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-amzn-requestid: id-1\r\n"
            "transfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n");
  context.chunked = false;
  context.close = true;  // Wins.
  EXPECT_EQ(ClientHead(Ok(), context),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-amzn-requestid: id-1\r\n"
            "connection: close\r\n\r\n");
}

TEST(InterimHeadTest, HasNothingOfOurs) {
  http1::ResponseHead response;
  response.status = 103;
  response.reason = "Early Hints";
  response.headers.Add("Link", "</style.css>");
  response.headers.Add("Connection", "close", /*hop_by_hop=*/true);
  std::string out;
  AppendInterimHead(response, &out);
  EXPECT_EQ(out, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
}

}  // namespace
}  // namespace trellis::proxy
