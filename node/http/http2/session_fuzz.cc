// A peer that sends anything, in pieces of any size, gets what it would get for it at once: the
// same events and the same bytes. Nothing that is passed on could be read otherwise over HTTP/1,
// bodies keep to their window, and every stream that was passed on is either open or closed once.
//
// Input: the first byte says whether we are the server, and how large the pieces are; then bytes as
// on the wire, the client's preface left out.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "node/http/http1/codec.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"
#include "tests/support/http2_frames.h"

namespace trellis::http2 {
namespace {

constexpr int kRequestsMax = 4;

void CheckFields(const http::HeaderMap& headers) {
  for (const http::Header& header : headers) {
    CHECK(http1::IsToken(header.name));
    CHECK(http1::FindControl(header.value) == absl::string_view::npos);
    CHECK(header.value.find_first_of("\r\n") == absl::string_view::npos);
  }
  CHECK(!headers.Has("connection") && !headers.Has("transfer-encoding"));
}

// Writes all it is told to one text, acts on it, and holds the session to its word.
template <typename Base>
class Witness : public Base {
 public:
  void OnData(StreamId stream, absl::string_view bytes, bool end) override {
    CHECK(open.count(stream) > 0);
    // In pieces, bytes come in more calls; those of a stream are one.
    absl::StrAppend(&bodies[stream], bytes);
    held[stream] += bytes.size();
    CHECK(held[stream] <= Limits{}.stream_window_bytes);
    if (end) {
      ended.push_back(stream);
      absl::StrAppend(&text, stream, " end\n");
    }
    // Every other stream has a reader.
    if (stream % 4 == 1) {
      session->Consume(stream, bytes.size());
      held[stream] = 0;
    }
  }
  void OnTrailers(StreamId stream, const http::HeaderMap& trailers) override {
    CHECK(open.count(stream) > 0);
    CheckFields(trailers);
    absl::StrAppend(&text, stream, " trailers ", FieldsText(trailers), "\n");
  }
  void OnBodySent(StreamId stream, size_t bytes) override {
    absl::StrAppend(&text, stream, " sent ", bytes, "\n");
  }
  void OnClosed(StreamId stream, ErrorCode code) override {
    CHECK(open.erase(stream) == 1);
    absl::StrAppend(&text, stream, " closed ", static_cast<uint32_t>(code), "\n");
  }
  void OnGoaway(StreamId last, ErrorCode code) override {
    absl::StrAppend(&text, "goaway ", last, " ", static_cast<uint32_t>(code), "\n");
  }
  void OnPingAck() override { absl::StrAppend(&text, "ping\n"); }

  Session* session = nullptr;
  std::string text;
  std::map<StreamId, std::string> bodies;
  std::map<StreamId, size_t> held;
  std::vector<StreamId> ended;
  std::map<StreamId, bool> open;
};

class ServerWitness : public Witness<ServerEvents> {
 public:
  void OnRequest(StreamId stream, const Request& request) override {
    CHECK(open.emplace(stream, true).second);
    const http::RequestHead& head = request.head;
    CheckFields(head.headers);
    CHECK(head.headers.begin()->name == "host" && head.headers.begin()->value == head.authority);
    std::string http1;
    http1::AppendRequestLine(head.method, head.target, &http1);
    http1::AppendEndToEnd(head.headers, &http1);
    http1 += "\r\n";
    http1::Limits roomy;
    roomy.head_bytes_max *= 2;
    roomy.headers_max += 1;  // The host.
    http1::RequestParser parser(roomy);
    CHECK(parser.Feed(http1) == http1::Parse::kDone) << http1::ErrorName(parser.error());
    CHECK(parser.head().path == head.path && parser.head().query == head.query);
    absl::StrAppend(&text, stream, " ", http1, request.end, "\n");
    auto& server = *static_cast<ServerSession*>(session);
    server.SubmitResponse(stream, 200, head.headers, /*end=*/stream % 8 == 1);
    server.SendData(stream, head.target, /*end=*/stream % 8 == 3);
    if (stream % 8 == 5) server.Reset(stream, ErrorCode::kCancel);
  }
  void OnRefused(StreamId stream, http1::Error error) override {
    CHECK(open.emplace(stream, true).second);
    absl::StrAppend(&text, stream, " ", http1::ErrorName(error), "\n");
    static_cast<ServerSession*>(session)->SubmitResponse(stream, 400, {}, /*end=*/true);
  }
};

class ClientWitness : public Witness<ClientEvents> {
 public:
  void OnInterim(StreamId stream, const http1::ResponseHead& head) override {
    CHECK(head.status >= 100 && head.status < 200 && head.status != 101);
    CheckFields(head.headers);
    absl::StrAppend(&text, stream, " ", head.status, FieldsText(head.headers), "\n");
  }
  void OnResponse(StreamId stream, const Response& response) override {
    CHECK(open.count(stream) > 0);
    CHECK(response.head.status >= 200 && response.head.status < 1000);
    CheckFields(response.head.headers);
    absl::StrAppend(&text, stream, " ", response.head.status, FieldsText(response.head.headers),
                    response.end, "\n");
  }
};

// What came of it all.
template <typename Base>
std::string Outcome(const Witness<Base>& witness, const std::string& out) {
  std::string outcome = witness.text;
  for (const StreamId stream : witness.ended) {
    absl::StrAppend(&outcome, stream, " ", witness.bodies.at(stream), "\n");
  }
  for (const http2_frames::Frame& frame : http2_frames::ParseFrames(out)) {
    if (frame.type == http2_frames::kWindowUpdate) continue;
    // Of two errors in one frame either may be named first: a GOAWAY's text is not compared.
    const size_t compared = frame.type == http2_frames::kGoaway ? 8 : frame.payload.size();
    absl::StrAppend(&outcome, frame.type, " ", frame.flags, " ", frame.stream, " ",
                    absl::string_view(frame.payload).substr(0, compared), "\n");
  }
  return outcome;
}

void Feed(Session& session, absl::string_view input, size_t step) {
  for (; !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
    if (!session.Receive(input.substr(0, step), absl::ZeroDuration()).ok()) {
      CHECK(session.finished());
      return;
    }
  }
}

std::string Serve(absl::string_view input, size_t step) {
  SessionContext context{Limits{}};
  ServerWitness witness;
  ServerSession session(&context, &witness);
  witness.session = &session;
  std::string out;
  session.Produce(1 << 20, &out);
  CHECK(session.Receive(kClientPreface, absl::ZeroDuration()).ok());
  Feed(session, input, step);
  session.Produce(1 << 20, &out);
  session.Drain();
  session.DrainNow();
  session.Produce(1 << 20, &out);
  CHECK(session.streams() >= witness.open.size());
  CHECK(!session.finished() || !session.wants_write());
  return Outcome(witness, out);
}

std::string Ask(absl::string_view input, size_t step) {
  SessionContext context{Limits{}};
  ClientWitness witness;
  ClientSession session(&context, &witness);
  witness.session = &session;
  for (int i = 0; i < kRequestsMax; ++i) {
    const RequestHeadToSend head = {i % 2 == 0 ? "GET" : "HEAD", "http", "shop.example", "/"};
    const StreamId id = session.SubmitRequest(head, {}, /*end=*/i < 2);
    witness.open.emplace(id, true);
    session.SendData(id, "body", /*end=*/i < 3);
  }
  std::string out;
  session.Produce(1 << 20, &out);
  Feed(session, input, step);
  session.Produce(1 << 20, &out);
  CHECK(session.streams() == witness.open.size());
  return Outcome(witness, out.substr(kClientPreface.size()));
}

void CheckSession(absl::string_view input) {
  if (input.empty()) return;
  const uint8_t how = static_cast<uint8_t>(input.front());
  input.remove_prefix(1);
  const size_t step = 1 + how / 2 % 64 + input.size() / 256;
  const auto run = how % 2 == 0 ? Serve : Ask;
  CHECK(run(input, step) == run(input, input.size()));
}

}  // namespace
}  // namespace trellis::http2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trellis::http2::CheckSession({reinterpret_cast<const char*>(data), size});
  return 0;
}
