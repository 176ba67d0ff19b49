// The way of a response: head, body; or an answer of our own.
#include <utility>

#include "node/proxy/connection.h"
#include "node/proxy/heads.h"

namespace trellis::proxy {
namespace {

// A body this small is copied behind its head: sending one piece costs the kernel less than two.
constexpr size_t kGatheredBodyBytesMax = 1024;

}  // namespace

bool Connection::StepResponse() {
  Exchange& x = *exchange_;
  if (!to_client_.empty()) return false;
  net::StreamSocket& target = x.target->socket();
  if (!target.readable()) return false;
  x.from_target.Keep();
  size_t got = 0;
  switch (target.Read(worker_.target_scratch.get(), kReadBytesMax, &got)) {
    case net::Io::kBlocked:
      // A target that takes no more and says nothing is as good as closed.
      if (x.request_phase != Exchange::RequestPhase::kAborted) return false;
      TargetEnded(/*cleanly=*/false);
      return state_ != State::kClosed;
    case net::Io::kClosed:
      TargetEnded(/*cleanly=*/true);
      return state_ != State::kClosed;
    case net::Io::kFailed:
      TargetEnded(/*cleanly=*/false);
      return state_ != State::kClosed;
    case net::Io::kDone:
      break;
  }
  x.from_target.Append(absl::string_view(worker_.target_scratch.get(), got));
  if (!std::exchange(x.attempt.any_response_byte, true)) {
    x.first_response_byte = worker_.loop.MonotonicNow();
  }
  if (x.response_phase == Exchange::ResponsePhase::kStreaming) {
    worker_.out.clear();
    PassResponseBody(/*with_head=*/false);
  } else {
    while (TakeResponseHead()) {
    }
  }
  return state_ != State::kClosed;
}

// True: that was an interim response, look for another.
bool Connection::TakeResponseHead() {
  Exchange& x = *exchange_;
  switch (x.response_parser.Feed(x.from_target.view(), x.to_head)) {
    case http1::Parse::kNeedMore:
      return false;
    case http1::Parse::kError:
      Reply(Reason::kTargetProtocolError, 0, http1::ErrorName(x.response_parser.error()));
      return false;
    case http1::Parse::kDone:
      break;
  }
  const http1::ResponseHead& head = x.response_parser.head();
  if (head.status >= 200) {
    StartResponse();
    return false;
  }
  TakeInterim(head);
  if (state_ == State::kClosed) return false;
  x.from_target.Consume(x.response_parser.head_bytes());
  x.response_parser.Reset();
  return !x.from_target.empty();
}

void Connection::TakeInterim(const http1::ResponseHead& head) {
  // "100 Continue" is ours to say, and HTTP/1.0 knows no interim responses (RFC 9110 15.2).
  if (head.status == 100 || exchange_->client_is_http10) return;
  worker_.out.clear();
  AppendInterimHead(head, &worker_.out);
  SendToClient(worker_.out, {});
}

void Connection::StartResponse() {
  using Kind = http1::Framing::Kind;
  Exchange& x = *exchange_;
  const http1::Framing framing = x.response_parser.framing();
  const bool length_unknown = framing.kind == Kind::kChunked || framing.kind == Kind::kUntilClose;
  x.status = x.response_parser.head().status;
  x.target_keep_alive = x.response_parser.keep_alive();
  x.has_response_body = framing.kind != Kind::kNone;
  if (x.has_response_body) x.response_body.Reset(framing);
  x.chunked_response = length_unknown && !x.client_is_http10;
  // An early response: what is left of the request may never be read, so nothing can follow it.
  const bool request_unfinished = x.request_phase != Exchange::RequestPhase::kSent;
  const bool too_old = worker_.loop.MonotonicNow() - opened_ >= worker_.options.connection_lifetime;
  x.close_after = !x.client_keep_alive || request_unfinished || too_old || worker_.draining ||
                  (length_unknown && x.client_is_http10);

  ClientHeadContext context;
  context.request_id = x.Text(x.request_id);
  context.chunked = x.chunked_response;
  context.close = x.close_after;
  context.announce_keep_alive = x.client_is_http10;
  worker_.out.clear();
  AppendClientHead(x.response_parser.head(), context, &worker_.out);
  x.from_target.Consume(x.response_parser.head_bytes());
  PassResponseBody(/*with_head=*/true);
}

// Passes on what has come of the body. `with_head`: worker_.out begins with the head.
void Connection::PassResponseBody(bool with_head) {
  Exchange& x = *exchange_;
  std::string& out = worker_.out;
  absl::string_view direct;  // Payload that needs no framing of ours: goes out uncopied.
  while (x.has_response_body && !x.response_body.done() && !x.from_target.empty()) {
    const http1::BodyDecoder::Piece piece = x.response_body.Decode(x.from_target.view());
    if (x.response_body.error() != http1::Error::kNone) {
      Reply(Reason::kTargetProtocolError, 0, http1::ErrorName(x.response_body.error()));
      return;
    }
    x.from_target.Consume(piece.consumed);
    if (piece.data.empty()) continue;
    if (x.chunked_response) {
      http1::AppendChunkHeader(piece.data.size(), &out);
      out.append(piece.data.data(), piece.data.size());
      out.append("\r\n");
    } else if (direct.empty()) {
      direct = piece.data;
    } else {
      // A chunked body for an HTTP/1.0 client, in pieces: gathered from the second on.
      if (!SendToClient(out, direct)) return;
      out.clear();
      x.response_phase = Exchange::ResponsePhase::kStreaming;
      direct = piece.data;
    }
  }
  const bool done = !x.has_response_body || x.response_body.done();
  if (done && x.chunked_response) http1::AppendLastChunk(x.response_body.trailers(), &out);
  x.response_phase = Exchange::ResponsePhase::kStreaming;
  if (with_head && direct.size() <= kGatheredBodyBytesMax) {
    out.append(direct.data(), direct.size());
    direct = {};
  }
  if (!SendToClient(out, direct)) return;
  if (done) ResponseDone();
}

// The target closed its side, or the connection broke.
void Connection::TargetEnded(bool cleanly) {
  Exchange& x = *exchange_;
  if (x.response_phase == Exchange::ResponsePhase::kStreaming) {
    if (!cleanly || !x.response_body.FinishAtClose()) {
      Reply(Reason::kTargetClosed);
      return;
    }
    worker_.out.clear();
    if (x.chunked_response) http1::AppendLastChunk(x.response_body.trailers(), &worker_.out);
    if (SendToClient(worker_.out, {})) ResponseDone();
    return;
  }
  if (!upstream::MayRetry(x.Text(x.method), x.attempt)) {
    Reply(Reason::kTargetClosed);
    return;
  }
  worker_.counters.upstream_retries.Add();
  x.target.reset();
  x.to_target.Clear();
  x.target_head_sent = false;
  x.attempt = {};
  x.attempt.retried = true;
  ChooseTarget();
}

void Connection::ResponseDone() {
  Exchange& x = *exchange_;
  x.response_phase = Exchange::ResponsePhase::kDone;
  // More bytes than the response had would be read as the next one's.
  const bool reusable = x.request_phase == Exchange::RequestPhase::kSent && x.target_keep_alive &&
                        x.from_target.empty();
  if (reusable) {
    worker_.pool.Release(std::move(x.target));
  } else {
    x.target.reset();
  }
}

bool Connection::SendToClient(absl::string_view head, absl::string_view body) {
  iovec pieces[2];
  int count = 0;
  for (const absl::string_view bytes : {head, body}) {
    if (!bytes.empty()) pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  if (count == 0) return true;
  exchange_->bytes_sent += head.size() + body.size();
  if (to_client_.Send(socket_, pieces, count) != net::Io::kFailed) return true;
  ClientGone();
  return false;
}

void Connection::Reply(Reason reason, int fixed_status, absl::string_view detail) {
  Exchange& x = *exchange_;
  const Answer& answer = AnswerFor(reason);
  x.reason = reason;
  x.failure = answer.failure_reason;
  if (x.request_phase == Exchange::RequestPhase::kHead) TakeUnreadableHead();
  x.request_phase = Exchange::RequestPhase::kAborted;
  x.target.reset();
  x.to_target.Clear();
  worker_.counters.answers_by_reason[static_cast<size_t>(reason)].Add();
  if (x.response_phase == Exchange::ResponsePhase::kStreaming) {
    // The client sees it by the missing rest of the length or of the chunks.
    worker_.counters.responses_cut.Add();
    Log();
    Close();
    return;
  }
  x.status = fixed_status != 0 ? fixed_status : answer.status;
  x.close_after = !DiscardRequestBody() || !x.client_keep_alive || worker_.draining;

  AnswerHead head;
  head.status = x.status;
  head.reason = reason;
  head.detail = detail;
  head.request_id = x.Text(x.request_id);
  head.with_reason = worker_.options.reason_header;
  head.close = x.close_after;
  head.announce_keep_alive = x.client_is_http10;
  head.to_head = x.to_head;
  worker_.out.clear();
  AppendAnswer(head, &worker_.out);
  x.response_phase = Exchange::ResponsePhase::kDone;
  SendToClient(worker_.out, {});
}

// Reads past the body as far as it is here. False: some of it is still to come, or it is malformed,
// so the connection cannot be used for another request.
bool Connection::DiscardRequestBody() {
  Exchange& x = *exchange_;
  while (!x.request_body_read() && !from_client_.empty()) {
    const size_t consumed = x.request_body.Decode(from_client_.view()).consumed;
    if (x.request_body.error() != http1::Error::kNone) return false;
    from_client_.Consume(consumed);
    x.bytes_received += consumed;
  }
  return x.request_body_read();
}

}  // namespace trellis::proxy
