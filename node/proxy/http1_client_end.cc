// What an exchange reads from, and sends on, an HTTP/1 connection.
#include <utility>

#include "node/proxy/heads.h"
#include "node/proxy/http1_connection.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {
namespace {

constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// A body this small is copied behind its head: sending one piece costs the kernel less than two.
constexpr size_t kGatheredBodyBytesMax = 1024;

}  // namespace

BodyRead Http1Connection::ReadBody(absl::string_view* data) {
  Http1Request& request = *request_;
  if (from_client_.empty()) {
    if (!socket_.readable()) return BodyRead::kBlocked;
    const net::Io read = ReadFromClient();
    if (read == net::Io::kBlocked) return BodyRead::kBlocked;
    if (read == net::Io::kClosed) return BodyRead::kEnded;
    if (read == net::Io::kFailed) return BodyRead::kGone;
  }
  const http1::BodyDecoder::Piece piece = request.body.Decode(from_client_.view());
  if (request.body.error() != http1::Error::kNone) {
    request.client_keep_alive = false;  // Where the next request begins is unknown.
    from_client_.Clear();
    return BodyRead::kMalformed;
  }
  from_client_.Consume(piece.consumed);
  request.exchange.NoteReceived(piece.consumed);
  *data = piece.data;
  return BodyRead::kData;
}

absl::string_view Http1Connection::body_error() const {
  return http1::ErrorName(request_->body.error());
}

bool Http1Connection::SendContinue() { return Send(kContinue, {}); }

bool Http1Connection::SendInterim(const http1::ResponseHead& head) {
  if (request_->client_is_http10) return true;  // It knows none (RFC 9110 15.2).
  worker_.out.clear();
  AppendInterimHead(head, &worker_.out);
  return Send(worker_.out, {});
}

bool Http1Connection::SendAnswer(const AnswerHead& answer) {
  Http1Request& request = *request_;
  request.close_after = !DiscardBody() || !request.client_keep_alive || worker_.draining;
  AnswerHead head = answer;
  head.close = request.close_after;
  head.announce_keep_alive = request.client_is_http10;
  worker_.out.clear();
  AppendAnswer(head, &worker_.out);
  return Send(worker_.out, {});
}

// What a step gives gathers in worker_.out, but for one piece of payload.
std::string& Http1Connection::Gather() {
  if (!std::exchange(request_->gathering, true)) worker_.out.clear();
  return worker_.out;
}

bool Http1Connection::BeginResponse(const ResponseStart& start) {
  Http1Request& request = *request_;
  request.chunked_response = !start.length_known && !request.client_is_http10;
  // An early response: what is left of the request may never be read, so nothing can follow it.
  const bool too_old = worker_.loop.MonotonicNow() - opened_ >= worker_.options.connection_lifetime;
  request.close_after = !request.client_keep_alive || !start.request_whole || too_old ||
                        worker_.draining || (!start.length_known && request.client_is_http10);
  ClientHeadContext context;
  context.request_id = start.request_id;
  context.chunked = request.chunked_response;
  context.close = request.close_after;
  context.announce_keep_alive = request.client_is_http10;
  AppendClientHead(start.head, context, &Gather());
  request.with_head = true;
  return true;
}

bool Http1Connection::AddBody(absl::string_view data) {
  Http1Request& request = *request_;
  std::string& out = Gather();
  if (request.chunked_response) {
    http1::AppendChunkHeader(data.size(), &out);
    out.append(data.data(), data.size());
    out.append("\r\n");
    return true;
  }
  if (!request.direct.empty()) {
    // A chunked body for an HTTP/1.0 client, in pieces: sent one by one from the second on.
    if (!Send(out, request.direct)) return false;
    out.clear();
  }
  request.direct = data;
  return true;
}

bool Http1Connection::EndStep() {
  Http1Request& request = *request_;
  std::string& out = Gather();
  absl::string_view direct = std::exchange(request.direct, {});
  if (request.with_head && direct.size() <= kGatheredBodyBytesMax) {
    out.append(direct.data(), direct.size());
    direct = {};
  }
  request.with_head = request.gathering = false;
  return Send(out, direct);
}

bool Http1Connection::EndResponse(const http::HeaderMap& trailers) {
  if (request_->chunked_response) http1::AppendLastChunk(trailers, &Gather());
  return EndStep();
}

bool Http1Connection::Send(absl::string_view first, absl::string_view second) {
  iovec pieces[2];
  int count = 0;
  for (const absl::string_view bytes : {first, second}) {
    if (!bytes.empty()) pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  if (count == 0) return true;
  request_->exchange.NoteSent(first.size() + second.size());
  return to_client_.Send(socket_, pieces, count) != net::Io::kFailed;
}

// Reads past the body as far as it is here. False: some of it is still to come, or it is malformed,
// so the connection cannot be used for another request.
bool Http1Connection::DiscardBody() {
  Http1Request& request = *request_;
  while (!body_read() && !from_client_.empty()) {
    const size_t consumed = request.body.Decode(from_client_.view()).consumed;
    if (request.body.error() != http1::Error::kNone) return false;
    from_client_.Consume(consumed);
    request.exchange.NoteReceived(consumed);
  }
  return body_read();
}

}  // namespace trellis::proxy
