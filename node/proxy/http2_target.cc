#include "node/proxy/http2_target.h"

#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "node/proxy/resting.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

absl::Status Http2Target::Connect(const net::Endpoint& endpoint, bool tls, bool body) {
  ASSIGN_OR_RETURN(link_, worker_.http2_pool.Take(endpoint));
  (link_->is_new() ? worker_.counters.upstream_connects : worker_.counters.upstream_reuses).Add();
  tls_ = tls;
  has_request_body_ = body;
  reused_ = link_->reused();
  link_->Hold(this);
  return absl::OkStatus();
}

TargetEnd::Connecting Http2Target::connecting() {
  if (broken_) return Connecting::kFailed;
  return link_->connected() ? Connecting::kDone : Connecting::kPending;
}

// --- The request ---------------------------------------------------------------------------------

bool Http2Target::Send(absl::string_view head, absl::string_view data, bool end,
                       const http::HeaderMap& trailers) {
  if (over_) return false;
  if (id_ == 0) SubmitHead(head, /*end=*/!has_request_body_);
  if (id_ == 0) {
    over_ = true;
    code_ = http2::ErrorCode::kRefusedStream;
    return false;
  }
  if (!has_request_body_) return true;
  const bool with_trailers = end && trailers.size() > 0;
  if (!data.empty() || (end && !with_trailers)) {
    // INVARIANT: nothing waited, and the session's buffer takes what one read gives (worker_state.h).
    waiting_ += link_->SendData(id_, data, end && !with_trailers);
  }
  if (with_trailers) link_->SendTrailers(id_, trailers);
  return true;
}

// The head is our own text: each line ends in CR LF, and no value has either.
void Http2Target::SubmitHead(absl::string_view head, bool end) {
  const auto next_line = [&head] {
    const size_t size = head.find("\r\n");
    const absl::string_view line = head.substr(0, size);
    head.remove_prefix(size + 2);
    return line;
  };
  absl::string_view line = next_line();  // GET /path HTTP/1.1
  http2::RequestHeadToSend request;
  request.method = line.substr(0, line.find(' '));
  line.remove_prefix(request.method.size() + 1);
  request.target = line.substr(0, line.rfind(' '));
  request.scheme = tls_ ? "https" : "http";
  worker_.fields.Clear();
  while (!(line = next_line()).empty()) {
    const size_t colon = line.find(": ");
    const absl::string_view name = line.substr(0, colon);
    const absl::string_view value = line.substr(colon + 2);
    if (absl::EqualsIgnoreCase(name, "host")) request.authority = value;
    if (absl::EqualsIgnoreCase(name, "transfer-encoding")) continue;
    if (absl::EqualsIgnoreCase(name, "content-type")) {
      request.te_trailers = absl::StartsWithIgnoreCase(value, "application/grpc");
    }
    worker_.fields.Add(name, value);
  }
  id_ = link_->Submit(request, worker_.fields, end, this);
}

// --- The response --------------------------------------------------------------------------------

void Http2Target::OnInterim(const http1::ResponseHead& head) {
  // One that comes before the last was passed on takes its place: they only hint.
  interim_status_ = head.status;
  interim_.Assign(head.headers);
}

void Http2Target::OnResponse(const http2::Response& response) {
  status_ = response.head.status;
  fields_.Assign(response.head.headers);
  head_ends_ = ended_ = response.end;
}

void Http2Target::OnData(absl::string_view bytes, bool end) {
  body_.append(bytes.data(), bytes.size());
  worker_.gauge.Add(bytes.size());
  ended_ |= end;
}

void Http2Target::OnTrailers(const http::HeaderMap& trailers) {
  trailers_.Assign(trailers);
  ended_ = true;
}

void Http2Target::OnClosed(http2::ErrorCode code) {
  over_ = true;
  code_ = code;
}

void Http2Target::OnBroken() { over_ = broken_ = true; }

TargetEnd::Read Http2Target::ReadResponse(ResponseReader& reader) {
  if (interim_status_ != 0 || status_ != 0) reader.OnBytes();
  if (interim_status_ != 0) {
    http1::ResponseHead head;
    head.status = std::exchange(interim_status_, 0);
    head.headers = interim_.map();
    if (!reader.OnInterim(head)) return Read::kProgress;
  }
  if (status_ != 0 && !head_read_) {
    head_read_ = true;
    http1::ResponseHead head;
    head.status = status_;
    head.reason = http1::ReasonPhrase(status_);
    head.headers = fields_.map();
    const bool length_known = head_ends_ || fields_.map().Has("content-length");
    if (!reader.OnHead(head, !head_ends_, length_known)) return Read::kProgress;
  } else if (body_.empty() && !(ended_ && head_read_)) {
    if (!over_) return Read::kBlocked;
    return code_ == http2::ErrorCode::kRefusedStream ? Read::kRefused : Read::kEnded;
  }
  if (!body_.empty()) {
    reading_.swap(body_);
    body_.clear();
    worker_.gauge.Remove(reading_.size());
    if (!over_) link_->Consume(id_, reading_.size());
    if (!reader.OnBody(reading_)) return Read::kProgress;
  }
  if (ended_) reader.OnEnd(trailers_.map());
  return Read::kProgress;
}

void Http2Target::Finish(bool) {
  if (link_ == nullptr) return;
  std::exchange(link_, nullptr)->Forget(std::exchange(id_, 0), this);
  over_ = broken_ = head_read_ = head_ends_ = ended_ = false;
  code_ = http2::ErrorCode::kNoError;
  waiting_ = 0;
  interim_status_ = status_ = 0;
  interim_.Clear();
  fields_.Clear();
  trailers_.Clear();
  worker_.gauge.Remove(body_.size());
  EmptyForNext(body_);
  EmptyForNext(reading_);
}

}  // namespace trellis::proxy
