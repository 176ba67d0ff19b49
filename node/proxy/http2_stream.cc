#include "node/proxy/http2_stream.h"

#include "absl/strings/str_cat.h"
#include "node/proxy/heads.h"
#include "node/proxy/http2_connection.h"
#include "node/proxy/resting.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

void Http2Stream::Reset() {
  connection_ = nullptr;
  id_ = 0;
  worker_.gauge.Remove(body_.size());
  EmptyForNext(body_);
  EmptyForNext(reading_);
  has_body = ready = ended_ = end_read_ = response_has_body_ = false;
  trailers_.Clear();
  waiting_ = 0;
  exchange_.Reset();
}

void Http2Stream::Begin(Http2Connection& connection, http2::StreamId id,
                        const ClientAddress& address, size_t index) {
  connection_ = &connection;
  id_ = id;
  index_ = index;
  exchange_.Begin(this, &address);
}

void Http2Stream::Pump() { connection_->PumpSoon(*this); }

// --- The request ---------------------------------------------------------------------------------

void Http2Stream::TakeBody(absl::string_view bytes, bool end) {
  body_.append(bytes.data(), bytes.size());
  worker_.gauge.Add(bytes.size());
  ended_ |= end;
}

BodyRead Http2Stream::ReadBody(absl::string_view* data) {
  if (body_.empty() && !ended_) return BodyRead::kBlocked;
  reading_.swap(body_);
  body_.clear();
  end_read_ = ended_;
  worker_.gauge.Remove(reading_.size());
  // What goes on to the target waits there, and no more is read meanwhile.
  connection_->session().Consume(id_, reading_.size());
  exchange_.NoteReceived(reading_.size());
  *data = reading_;
  return BodyRead::kData;
}

// --- The response --------------------------------------------------------------------------------

bool Http2Stream::SendContinue() {
  worker_.fields.Clear();
  connection_->session().SubmitInterim(id_, 100, worker_.fields);
  return true;
}

bool Http2Stream::SendInterim(const http1::ResponseHead& head) {
  connection_->session().SubmitInterim(id_, head.status, head.headers);
  return true;
}

bool Http2Stream::SendAnswer(const AnswerHead& answer) {
  if (answer.grpc) return SendGrpcAnswer(answer);
  const std::string text = AnswerText(answer);
  const std::string length = absl::StrCat(text.size());
  worker_.fields.Clear();
  worker_.fields.Add("content-type", "text/plain");
  worker_.fields.Add("content-length", length);
  if (!answer.request_id.empty()) worker_.fields.Add("x-amzn-requestid", answer.request_id);
  if (answer.with_reason) worker_.fields.Add("x-trellis-reason", AnswerFor(answer.reason).name);
  SubmitHead(answer.status, answer.to_head);
  response_has_body_ = !answer.to_head;
  if (!answer.to_head && !AddBody(text)) return false;
  static const auto& kNoTrailers = *new http::HeaderMap();
  return EndResponse(kNoTrailers);
}

// "Trailers-Only": the status is in the one head there is (gRPC over HTTP/2, "Responses").
bool Http2Stream::SendGrpcAnswer(const AnswerHead& answer) {
  std::string text = AnswerText(answer);
  text.pop_back();  // Its newline.
  const std::string status = absl::StrCat(static_cast<int>(GrpcStatusOf(answer.status)));
  worker_.fields.Clear();
  worker_.fields.Add("content-type", "application/grpc");
  worker_.fields.Add("grpc-status", status);
  worker_.fields.Add("grpc-message", text);  // Plain ASCII without "%": nothing to escape.
  if (!answer.request_id.empty()) worker_.fields.Add("x-amzn-requestid", answer.request_id);
  if (answer.with_reason) worker_.fields.Add("x-trellis-reason", AnswerFor(answer.reason).name);
  SubmitHead(200, /*end=*/true);
  return true;
}

bool Http2Stream::BeginResponse(const ResponseStart& start) {
  response_has_body_ = start.has_body;
  worker_.fields.Clear();
  for (const http::Header& header : start.head.headers) {
    if (header.hop_by_hop || IsOursToSay(header.name)) continue;
    worker_.fields.Add(header.name, header.value);
  }
  worker_.fields.Add("x-amzn-requestid", start.request_id);
  SubmitHead(start.head.status, !start.has_body);
  return true;
}

void Http2Stream::SubmitHead(int status, bool end) {
  for (const http::Header& header : worker_.fields) {
    exchange_.NoteSent(header.name.size() + header.value.size());
  }
  connection_->session().SubmitResponse(id_, status, worker_.fields, end);
}

bool Http2Stream::AddBody(absl::string_view data) {
  // INVARIANT: nothing waits when a step begins, and one gives no more than the session's buffer
  // takes (worker.cc).
  const size_t taken = connection_->session().SendData(id_, data, /*end=*/false);
  waiting_ += taken;
  exchange_.NoteSent(taken);
  return taken == data.size();
}

bool Http2Stream::EndResponse(const http::HeaderMap& trailers) {
  if (!response_has_body_) return true;
  if (trailers.size() > 0) {
    connection_->session().SendTrailers(id_, trailers);
  } else {
    connection_->session().SendData(id_, {}, /*end=*/true);
  }
  return true;
}

}  // namespace trellis::proxy
