// What a request and its response cost a server's session, bytes to events to bytes.
#include <string>

#include "benchmark/benchmark.h"
#include "node/http/http2/frame_guard.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"

namespace trellis::http2 {
namespace {

// Answers each request at once.
class Answerer : public ServerEvents {
 public:
  explicit Answerer(size_t body_bytes) : body_(body_bytes, 'x') {
    headers_.Add("content-type", "application/json");
    headers_.Add("server", "nginx/1.22.1");
    headers_.Add("date", "Sun, 06 Nov 1994 08:49:37 GMT");
  }
  void OnRequest(StreamId stream, const Request&) override {
    session->SubmitResponse(stream, 200, headers_, body_.empty());
    session->SendData(stream, body_, /*end=*/true);
  }
  void OnRefused(StreamId, http1::Error) override {}
  void OnData(StreamId, absl::string_view, bool) override {}
  void OnTrailers(StreamId, const http::HeaderMap&) override {}
  void OnBodySent(StreamId, size_t) override {}
  void OnClosed(StreamId, ErrorCode) override {}
  void OnGoaway(StreamId, ErrorCode) override {}

  ServerSession* session = nullptr;

 private:
  const std::string body_;
  http::HeaderMap headers_;
};

// The client's part is not timed: its bytes for many requests are made beforehand.
void BM_Request(benchmark::State& state) {
  constexpr int kRequests = 100;  // At once, as h2load -m 100 sends them.
  SessionContext server_context{Limits{}};
  SessionContext client_context{Limits{}};
  Answerer answerer(static_cast<size_t>(state.range(0)));
  ServerSession server(&server_context, &answerer);
  answerer.session = &server;
  ClientRecorder at_client;
  ClientSession client(&client_context, &at_client);
  at_client.session = &client;
  http::HeaderMap headers;
  headers.Add("user-agent", "h2load nghttp2/1.52.0");
  headers.Add("accept", "*/*");
  std::string in;
  std::string out;
  for (auto _ : state) {
    state.PauseTiming();
    at_client.seen.clear();
    in.clear();
    for (int i = 0; i < kRequests; ++i) {
      client.SubmitRequest({"GET", "http", "shop.example", "/api/items/42"}, headers, true);
    }
    client.Produce(1 << 20, &in);
    out.clear();
    state.ResumeTiming();
    server.Receive(in, absl::ZeroDuration()).IgnoreError();
    server.Produce(1 << 24, &out);
    state.PauseTiming();
    client.Receive(out, absl::ZeroDuration()).IgnoreError();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kRequests);
}
BENCHMARK(BM_Request)->ArgName("body_bytes")->Arg(0)->Arg(128)->Arg(4096);

// What cutting frames and judging them adds.
void BM_GuardFrame(benchmark::State& state) {
  const Limits limits;
  Counters counters;
  FrameReader reader(0);
  FrameGuard guard(/*server=*/true, limits, &counters);
  const std::string frame = std::string("\0\0\x20\1\5\0\0\0\1", 9) + std::string(32, 'x');
  for (auto _ : state) {
    bool complete;
    reader.Next(frame, &complete);
    benchmark::DoNotOptimize(guard.Admit(reader.header(), absl::ZeroDuration()));
  }
}
BENCHMARK(BM_GuardFrame);

void BM_SessionMade(benchmark::State& state) {
  SessionContext context{Limits{}};
  Answerer answerer(0);
  for (auto _ : state) ServerSession session(&context, &answerer);
}
BENCHMARK(BM_SessionMade);

}  // namespace
}  // namespace trellis::http2
