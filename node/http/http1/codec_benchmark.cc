#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "node/http/http1/codec.h"

namespace trellis::http1 {
namespace {

constexpr absl::string_view kRequest =
    "GET /api/items/42?color=red&size=m HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef; theme=dark\r\n"
    "X-Request-Id: 7d0c0d4e-6d1b-4a55-9b0e-1c2d3e4f5a6b\r\n"
    "Cache-Control: no-cache\r\n"
    "Referer: https://shop.example.com/\r\n"
    "\r\n";

constexpr absl::string_view kSmallRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

constexpr absl::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 1024\r\n"
    "Connection: keep-alive\r\n"
    "ETag: \"0123456789abcdef\"\r\n"
    "\r\n";

void ParseRequests(benchmark::State& state, absl::string_view bytes) {
  RequestParser parser{Limits{}};
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.Feed(bytes));
    parser.Reset();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}

void BM_ParseRequestOfTenHeaders(benchmark::State& state) { ParseRequests(state, kRequest); }
BENCHMARK(BM_ParseRequestOfTenHeaders);

void BM_ParseRequestOfOneHeader(benchmark::State& state) { ParseRequests(state, kSmallRequest); }
BENCHMARK(BM_ParseRequestOfOneHeader);

void BM_ParseRequestByteByByte(benchmark::State& state) {
  RequestParser parser{Limits{}};
  for (auto _ : state) {
    for (size_t size = 1; size <= kRequest.size(); ++size) {
      benchmark::DoNotOptimize(parser.Feed(kRequest.substr(0, size)));
    }
    parser.Reset();
  }
}
BENCHMARK(BM_ParseRequestByteByByte);

void BM_ParseResponse(benchmark::State& state) {
  ResponseParser parser{Limits{}};
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.Feed(kResponse, false));
    parser.Reset();
  }
}
BENCHMARK(BM_ParseResponse);

void BM_DecodeChunks(benchmark::State& state) {
  const size_t size = static_cast<size_t>(state.range(0));
  std::string body;
  for (int i = 0; i < 16; ++i) {
    AppendChunkHeader(size, &body);
    absl::StrAppend(&body, std::string(size, 'x'), "\r\n");
  }
  AppendLastChunk({}, &body);
  BodyDecoder decoder;
  for (auto _ : state) {
    decoder.Reset(Framing{Framing::Kind::kChunked, 0});
    for (absl::string_view rest = body; !rest.empty();) {
      const BodyDecoder::Piece piece = decoder.Decode(rest);
      benchmark::DoNotOptimize(piece.data.data());
      rest.remove_prefix(piece.consumed);
    }
  }
}
BENCHMARK(BM_DecodeChunks)->ArgName("chunk_bytes")->Arg(16)->Arg(4096);

}  // namespace
}  // namespace trellis::http1
