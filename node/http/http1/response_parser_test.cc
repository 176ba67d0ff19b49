#include "node/http/http1/response_parser.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trellis::http1 {
namespace {

using Kind = Framing::Kind;

struct ResponseCase {
  const char* name;
  absl::string_view head;
  bool to_head;
  int status;
  absl::string_view reason;
  Kind kind;
  uint64_t length;
  bool keep_alive;
};
class ResponseParserTest : public testing::TestWithParam<ResponseCase> {};

TEST_P(ResponseParserTest, SaysHowTheMessageGoesOn) {
  ResponseParser parser{Limits{}};
  ASSERT_EQ(parser.Feed(GetParam().head, GetParam().to_head), Parse::kDone)
      << ErrorName(parser.error());
  EXPECT_EQ(parser.head().status, GetParam().status);
  EXPECT_EQ(parser.head().reason, GetParam().reason);
  EXPECT_EQ(parser.framing().kind, GetParam().kind);
  EXPECT_EQ(parser.framing().length, GetParam().length);
  EXPECT_EQ(parser.keep_alive(), GetParam().keep_alive);
  EXPECT_EQ(parser.head_bytes(), GetParam().head.size());
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112Section6, ResponseParserTest,
    testing::ValuesIn(std::vector<ResponseCase>{
        {"Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200, "OK", Kind::kLength,
         5, true},
        {"LengthZero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, "OK",
         Kind::kNone, 0, true},
        {"Chunked", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", false, 404,
         "Not Found", Kind::kChunked, 0, true},
        {"NeitherRunsUntilClose", "HTTP/1.1 200 OK\r\n\r\n", false, 200, "OK", Kind::kUntilClose, 0,
         false},
        {"Http10UntilClose", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", false, 200, "OK",
         Kind::kUntilClose, 0, false},
        {"Http10KeepAlive",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", false, 200, "OK",
         Kind::kLength, 1, true},
        {"Close", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n", false, 200,
         "OK", Kind::kLength, 1, false},
        {"ToHeadWithLength", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, 200, "OK",
         Kind::kNone, 0, true},
        {"ToHeadChunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 200, "OK",
         Kind::kNone, 0, true},
        {"ToHeadWithNeither", "HTTP/1.1 200 OK\r\n\r\n", true, 200, "OK", Kind::kNone, 0, true},
        {"Interim", "HTTP/1.1 100 Continue\r\n\r\n", false, 100, "Continue", Kind::kNone, 0, true},
        {"EarlyHints", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false, 103, "Early Hints",
         Kind::kNone, 0, true},
        {"NoContent", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, 204,
         "No Content", Kind::kNone, 0, true},
        {"NotModified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304,
         "Not Modified", Kind::kNone, 0, true},
        {"EmptyReason", "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", false, 299, "", Kind::kNone,
         0, true},
        {"NoSpaceBeforeReason", "HTTP/1.1 999\r\nContent-Length: 0\r\n\r\n", false, 999, "",
         Kind::kNone, 0, true},
    }),
    [](const auto& info) { return info.param.name; });

TEST(ResponseParser, DropsContentLengthWhereNoneMayBeAndKeepsItInNotModified) {
  ResponseParser parser{Limits{}};
  ASSERT_EQ(parser.Feed("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false),
            Parse::kDone);
  EXPECT_TRUE(parser.head().headers.begin()->hop_by_hop);
  parser.Reset();
  ASSERT_EQ(parser.Feed("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false),
            Parse::kDone);
  EXPECT_FALSE(parser.head().headers.begin()->hop_by_hop);
}

TEST(ResponseParser, FinalHeadFollowsInterimOne) {
  ResponseParser parser{Limits{}};
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string final = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  ASSERT_EQ(parser.Feed(interim + final, false), Parse::kDone);
  ASSERT_EQ(parser.head_bytes(), interim.size());
  parser.Reset();
  ASSERT_EQ(parser.Feed(final, false), Parse::kDone);
  EXPECT_EQ(parser.head().status, 200);
}

TEST(ResponseParser, HeadThatMovedBetweenFeedsPointsIntoTheLastBuffer) {
  ResponseParser parser{Limits{}};
  const std::string whole = "HTTP/1.1 200 Fine\r\nX-Name: value\r\nContent-Length: 0\r\n\r\n";
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_EQ(parser.Feed(std::string(whole, 0, size), false), Parse::kNeedMore);
  }
  ASSERT_EQ(parser.Feed(whole, false), Parse::kDone);
  EXPECT_EQ(parser.head().reason.data(), whole.data() + 13);
  EXPECT_EQ(parser.head().headers.Find("x-name"), "value");
}

TEST(ResponseParser, BytesThatBeginNoResponseAreRefusedAtOnce) {
  ResponseParser parser{Limits{}};
  EXPECT_EQ(parser.Feed("<", false), Parse::kError);
  EXPECT_EQ(parser.error(), Error::kStartLine);
}

}  // namespace
}  // namespace trellis::http1
