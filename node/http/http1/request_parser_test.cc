#include "node/http/http1/request_parser.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace trellis::http1 {
namespace {

using http::HttpVersion;

std::string Get(absl::string_view fields) {
  return absl::StrCat("GET / HTTP/1.1\r\nHost: shop\r\n", fields, "\r\n");
}

struct TargetCase {
  const char* name;
  absl::string_view head;
  absl::string_view target, path, query, authority;
};
class RequestTargetTest : public testing::TestWithParam<TargetCase> {};

TEST_P(RequestTargetTest, IsTakenApart) {
  RequestParser parser{Limits{}};
  ASSERT_EQ(parser.Feed(GetParam().head), Parse::kDone) << ErrorName(parser.error());
  EXPECT_EQ(parser.head().target, GetParam().target);
  EXPECT_EQ(parser.head().path, GetParam().path);
  EXPECT_EQ(parser.head().query, GetParam().query);
  EXPECT_EQ(parser.head().authority, GetParam().authority);
  EXPECT_EQ(parser.head_bytes(), GetParam().head.size());
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112Section3, RequestTargetTest,
    testing::ValuesIn(std::vector<TargetCase>{
        {"OriginForm", "GET /a/b?c=d?e HTTP/1.1\r\nHost: shop:80\r\n\r\n", "/a/b?c=d?e", "/a/b",
         "c=d?e", "shop:80"},
        {"EmptyQuery", "GET /a? HTTP/1.1\r\nHost: shop\r\n\r\n", "/a?", "/a", "", "shop"},
        {"DotsAndPercentStay", "GET /a/../%2e//b HTTP/1.1\r\nHost: shop\r\n\r\n", "/a/../%2e//b",
         "/a/../%2e//b", "", "shop"},
        {"AbsoluteForm", "GET HTTP://Shop/a?b HTTP/1.1\r\nHost: shop\r\n\r\n", "/a?b", "/a", "b",
         "shop"},
        {"AbsoluteFormWithoutPath", "GET https://shop HTTP/1.1\r\nHost: shop\r\n\r\n", "/", "/", "",
         "shop"},
        {"AbsoluteFormInHttp10", "GET http://shop/a HTTP/1.0\r\n\r\n", "/a", "/a", "", "shop"},
        {"Asterisk", "OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n", "*", "*", "", "shop"},
        {"AbsoluteAsterisk", "OPTIONS http://shop HTTP/1.1\r\nHost: shop\r\n\r\n", "*", "*", "",
         "shop"},
        {"Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", "/", "/", "", ""},
        {"Ipv6Host", "GET / HTTP/1.1\r\nHost: [fd00::1]:65535\r\n\r\n", "/", "/", "",
         "[fd00::1]:65535"},
        {"EmptyLinesFirst", "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a_b~c\r\n\r\n", "/", "/", "",
         "a_b~c"},
    }),
    [](const auto& info) { return info.param.name; });

struct FramingCase {
  const char* name;
  std::string head;
  Framing::Kind kind;
  uint64_t length;
  bool keep_alive;
  bool expects_continue;
};
class RequestFramingTest : public testing::TestWithParam<FramingCase> {};

TEST_P(RequestFramingTest, IsWhatTheFieldsSay) {
  RequestParser parser{Limits{}};
  ASSERT_EQ(parser.Feed(GetParam().head), Parse::kDone) << ErrorName(parser.error());
  EXPECT_EQ(parser.framing().kind, GetParam().kind);
  EXPECT_EQ(parser.framing().length, GetParam().length);
  EXPECT_EQ(parser.keep_alive(), GetParam().keep_alive);
  EXPECT_EQ(parser.expects_continue(), GetParam().expects_continue);
}

using Kind = Framing::Kind;
INSTANTIATE_TEST_SUITE_P(
    Rfc9112Section6, RequestFramingTest,
    testing::ValuesIn(std::vector<FramingCase>{
        {"NoFields", Get(""), Kind::kNone, 0, true, false},
        {"LengthZero", Get("Content-Length: 0\r\n"), Kind::kNone, 0, true, false},
        {"Length", Get("content-length:  5 \t\r\n"), Kind::kLength, 5, true, false},
        {"LongestLength", Get("Content-Length: 999999999999999999\r\n"), Kind::kLength,
         999999999999999999u, true, false},
        {"Chunked", Get("Transfer-Encoding:\tChunked\r\n"), Kind::kChunked, 0, true, false},
        {"Close", Get("Connection: close\r\n"), Kind::kNone, 0, false, false},
        {"CloseInAList", Get("Connection: x,, CLOSE\r\n"), Kind::kNone, 0, false, false},
        {"CloseWins", Get("Connection: close\r\nConnection: keep-alive\r\n"), Kind::kNone, 0, false,
         false},
        {"Http10Closes", "GET / HTTP/1.0\r\n\r\n", Kind::kNone, 0, false, false},
        {"Http10KeepAlive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", Kind::kNone, 0,
         true, false},
        {"Expect", Get("Expect: 100-Continue\r\nContent-Length: 1\r\n"), Kind::kLength, 1, true,
         true},
        {"ExpectAnother", Get("Expect: more\r\n"), Kind::kNone, 0, true, false},
        {"ExpectInHttp10", "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", Kind::kNone, 0, false,
         false},
    }),
    [](const auto& info) { return info.param.name; });

TEST(RequestParser, MarksHopByHopHeadersAndThoseThatConnectionNames) {
  RequestParser parser{Limits{}};
  const std::string head =
      Get("Connection: X-Trace, host, content-length\r\nx-trace: 1\r\nX-Trace: 2\r\nX-Keep: 3\r\n"
          "TE: trailers\r\nKeep-Alive: 5\r\nTrailer: X\r\nUpgrade: h2c\r\nProxy-Connection: x\r\n"
          "Content-Length: 0\r\n");
  ASSERT_EQ(parser.Feed(head), Parse::kDone);
  std::vector<absl::string_view> end_to_end;
  for (const http::Header& header : parser.head().headers) {
    if (!header.hop_by_hop) end_to_end.push_back(header.name);
  }
  EXPECT_EQ(end_to_end, (std::vector<absl::string_view>{"Host", "X-Keep", "Content-Length"}));
}

TEST(RequestParser, KeepsOrderRepetitionAndSpellingOfHeaders) {
  RequestParser parser{Limits{}};
  const std::string head = Get("B: 1\r\na:\t two words \r\nb:\r\nC: caf\xe9\t!\r\n");
  ASSERT_EQ(parser.Feed(head), Parse::kDone);
  std::string seen;
  for (const http::Header& header : parser.head().headers) {
    absl::StrAppend(&seen, header.name, "=", header.value, ";");
  }
  EXPECT_EQ(seen, "Host=shop;B=1;a=two words;b=;C=caf\xe9\t!;");
}

TEST(RequestParser, HeadThatMovedBetweenFeedsPointsIntoTheLastBuffer) {
  RequestParser parser{Limits{}};
  const std::string whole = Get("X-Name: value\r\n");
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_EQ(parser.Feed(std::string(whole, 0, size)), Parse::kNeedMore);
  }
  const std::string last = whole + "GET /next";
  ASSERT_EQ(parser.Feed(last), Parse::kDone);
  EXPECT_EQ(parser.head().method.data(), last.data());
  EXPECT_EQ(parser.head().path, "/");
  EXPECT_EQ(parser.head().headers.Find("x-name"), "value");
  EXPECT_EQ(parser.head_bytes(), whole.size());
}

TEST(RequestParser, ReadsPipelinedHeadsOneAfterAnother) {
  RequestParser parser{Limits{}};
  const std::string first = Get("Connection: close\r\nContent-Length: 1\r\n");
  const std::string second = "GET /2 HTTP/1.0\r\n\r\n";
  ASSERT_EQ(parser.Feed(first + second), Parse::kDone);
  EXPECT_EQ(parser.head_bytes(), first.size());
  parser.Reset();
  ASSERT_EQ(parser.Feed(second), Parse::kDone);
  EXPECT_EQ(parser.head().version, HttpVersion::kHttp10);
  EXPECT_EQ(parser.head().target, "/2");
  EXPECT_EQ(parser.head().headers.size(), 0u);
  EXPECT_EQ(parser.framing().kind, Framing::Kind::kNone);
}

TEST(RequestParser, RefusalStaysUntilReset) {
  RequestParser parser{Limits{}};
  EXPECT_EQ(parser.Feed("GET /\r\n"), Parse::kError);
  EXPECT_EQ(parser.Feed(Get("")), Parse::kError);
  EXPECT_EQ(parser.error(), Error::kStartLine);
  parser.Reset();
  EXPECT_EQ(parser.Feed(Get("")), Parse::kDone);
  EXPECT_EQ(parser.error(), Error::kNone);
}

TEST(RequestParser, HeadAtTheBoundPassesAndOneByteMoreIsTooLarge) {
  const std::string head = Get("X: 12345\r\n");
  for (const bool at_once : {true, false}) {
    RequestParser fits{Limits{.head_bytes_max = head.size()}};
    RequestParser over{Limits{.head_bytes_max = head.size() - 1}};
    for (size_t size = at_once ? head.size() : 1; size <= head.size(); ++size) {
      fits.Feed(head.substr(0, size));
      over.Feed(head.substr(0, size));
    }
    EXPECT_EQ(fits.error(), Error::kNone);
    EXPECT_EQ(over.error(), Error::kHeadTooLarge);
  }
}

TEST(RequestParser, LineWithoutEndIsTooLargeAtTheBound) {
  RequestParser parser{Limits{.head_bytes_max = 64}};
  EXPECT_EQ(parser.Feed(std::string(63, 'A')), Parse::kNeedMore);
  EXPECT_EQ(parser.Feed(std::string(64, 'A')), Parse::kError);
  EXPECT_EQ(parser.error(), Error::kHeadTooLarge);
}

TEST(RequestParser, HundredHeadersPassAndOneMoreIsTooMany) {
  std::string fields;  // Beside Host.
  for (int i = 1; i < 100; ++i) absl::StrAppend(&fields, "X-", i, ": y\r\n");
  RequestParser parser{Limits{}};
  EXPECT_EQ(parser.Feed(Get(fields)), Parse::kDone);
  parser.Reset();
  EXPECT_EQ(parser.Feed(Get(fields + "X-100: y\r\n")), Parse::kError);
  EXPECT_EQ(parser.error(), Error::kTooManyHeaders);
}

}  // namespace
}  // namespace trellis::http1
