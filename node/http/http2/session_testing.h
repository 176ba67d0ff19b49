// Both ends of a connection in memory, and users that write down what they are told.
#ifndef TRELLIS_NODE_HTTP_HTTP2_SESSION_TESTING_H_
#define TRELLIS_NODE_HTTP_HTTP2_SESSION_TESTING_H_

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "node/http/http2/session.h"

namespace trellis::http2 {

inline std::string FieldsText(const http::HeaderMap& headers) {
  std::string text;
  for (const http::Header& header : headers) {
    absl::StrAppend(&text, header.name, "=", header.value, header.hop_by_hop ? " hop" : "", ";");
  }
  return text;
}

// What was seen of a stream.
struct Seen {
  std::string head;      // Of the request, or the response.
  std::string interims;  // Status and fields of each.
  std::string body;
  std::string trailers;
  http1::Error refused = http1::Error::kNone;
  bool ended = false;
  bool closed = false;
  ErrorCode code = ErrorCode::kNoError;
};

// Consumes at once what comes, unless told otherwise.
template <typename Base>
class Recorder : public Base {
 public:
  void OnData(StreamId stream, absl::string_view bytes, bool end) override {
    absl::StrAppend(&seen[stream].body, bytes);
    seen[stream].ended |= end;
    if (consume) session->Consume(stream, bytes.size());
  }
  void OnTrailers(StreamId stream, const http::HeaderMap& trailers) override {
    seen[stream].trailers = FieldsText(trailers);
    seen[stream].ended = true;
  }
  void OnBodySent(StreamId stream, size_t bytes) override { sent[stream] += bytes; }
  void OnClosed(StreamId stream, ErrorCode code) override {
    seen[stream].closed = true;
    seen[stream].code = code;
  }
  void OnGoaway(StreamId last, ErrorCode code) override {
    absl::StrAppend(&goaways, last, " ", ErrorCodeName(code), ";");
  }
  void OnPingAck() override { ++pings; }

  Session* session = nullptr;
  bool consume = true;
  std::map<StreamId, Seen> seen;
  std::map<StreamId, size_t> sent;
  std::string goaways;
  int pings = 0;
};

class ServerRecorder : public Recorder<ServerEvents> {
 public:
  void OnRequest(StreamId stream, const Request& request) override {
    const http::RequestHead& head = request.head;
    seen[stream].head = absl::StrCat(head.method, " ", request.scheme, " ", head.authority, " ",
                                     head.target, " ", FieldsText(head.headers));
    seen[stream].ended = request.end;
    requests.push_back(stream);
  }
  void OnRefused(StreamId stream, http1::Error error) override { seen[stream].refused = error; }

  std::vector<StreamId> requests;
};

class ClientRecorder : public Recorder<ClientEvents> {
 public:
  void OnInterim(StreamId stream, const http1::ResponseHead& head) override {
    absl::StrAppend(&seen[stream].interims, head.status, " ", FieldsText(head.headers));
  }
  void OnResponse(StreamId stream, const Response& response) override {
    seen[stream].head = absl::StrCat(response.head.status, " ", FieldsText(response.head.headers));
    seen[stream].ended = response.end;
  }
};

// A client and a server joined by strings.
class Pair {
 public:
  explicit Pair(const Limits& server_limits = {}, const Limits& client_limits = {})
      : server_context(server_limits),
        client_context(client_limits),
        server(&server_context, &at_server),
        client(&client_context, &at_client) {
    at_server.session = &server;
    at_client.session = &client;
  }

  // Until neither has anything to say, `step` bytes at a time.
  void Run(size_t step = 1 << 16) {
    for (bool moved = true; moved;) {
      moved = Move(client, server, step);
      moved |= Move(server, client, step);
    }
  }
  static bool Move(Session& from, Session& to, size_t step) {
    std::string bytes;
    from.Produce(step, &bytes);
    for (absl::string_view rest = bytes; !rest.empty();) {
      const size_t size = std::min(step, rest.size());
      to.Receive(rest.substr(0, size), absl::ZeroDuration()).IgnoreError();
      rest.remove_prefix(size);
    }
    return !bytes.empty();
  }

  SessionContext server_context;
  SessionContext client_context;
  ServerRecorder at_server;
  ClientRecorder at_client;
  ServerSession server;
  ClientSession client;
};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_SESSION_TESTING_H_
