#include "node/http/http1/writer.h"

#include <string>

#include "gtest/gtest.h"

namespace trellis::http1 {
namespace {

TEST(Writer, HopByHopFieldsAreKnownInAnyCase) {
  for (const absl::string_view name :
       {"Connection", "keep-alive", "TE", "Trailer", "TRANSFER-ENCODING", "Upgrade",
        "Proxy-Connection", "Proxy-Authenticate", "proxy-authorization"}) {
    EXPECT_TRUE(IsHopByHop(name)) << name;
  }
  for (const absl::string_view name : {"", "Host", "Content-Length", "Expect", "Trailers", "Proxy",
                                       "Content-Encoding", "Transfer-Encodings", "Date"}) {
    EXPECT_FALSE(IsHopByHop(name)) << name;
  }
}

TEST(Writer, HeadsComeOutLineByLineWithoutHopByHopHeaders) {
  http::HeaderMap headers;
  headers.Add("Host", "shop");
  headers.Add("X-Trace", "1", /*hop_by_hop=*/true);
  headers.Add("X-Empty", "");
  std::string out;
  AppendRequestLine("GET", "/a?b", &out);
  AppendEndToEnd(headers, &out);
  EXPECT_EQ(out, "GET /a?b HTTP/1.1\r\nHost: shop\r\nX-Empty: \r\n");
  out.clear();
  AppendStatusLine(404, ReasonPhrase(404), &out);
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\n");
}

TEST(Writer, ChunksAreFramedInHex) {
  std::string out;
  AppendChunkHeader(255, &out);
  EXPECT_EQ(out, "ff\r\n");
  out.clear();
  http::HeaderMap trailers;
  AppendLastChunk(trailers, &out);
  EXPECT_EQ(out, "0\r\n\r\n");
  out.clear();
  trailers.Add("grpc-status", "0");
  AppendLastChunk(trailers, &out);
  EXPECT_EQ(out, "0\r\ngrpc-status: 0\r\n\r\n");
}

TEST(Writer, CodeWithoutANameIsUnknown) {
  EXPECT_EQ(ReasonPhrase(503), "Service Unavailable");
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
}

}  // namespace
}  // namespace trellis::http1
