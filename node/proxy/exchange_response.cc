// The way of a response: head, body; or an answer of our own.
#include <utility>

#include "node/proxy/exchange.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

bool Exchange::StepResponse() {
  if (!client_->takes_response()) return false;
  net::StreamSocket& target = target_->socket();
  if (!target.readable()) return false;
  from_target_.Keep();
  size_t got = 0;
  switch (target.Read(worker_.target_scratch.get(), kReadBytesMax, &got)) {
    case net::Io::kBlocked:
      // A target that takes no more and says nothing is as good as closed.
      if (request_phase_ != RequestPhase::kAborted) return false;
      TargetEnded(/*cleanly=*/false);
      return true;
    case net::Io::kClosed:
      TargetEnded(/*cleanly=*/true);
      return true;
    case net::Io::kFailed:
      TargetEnded(/*cleanly=*/false);
      return true;
    case net::Io::kDone:
      break;
  }
  from_target_.Append(absl::string_view(worker_.target_scratch.get(), got));
  if (!std::exchange(attempt_.any_response_byte, true)) {
    first_response_byte_ = worker_.loop.MonotonicNow();
  }
  if (response_phase_ == ResponsePhase::kStreaming) {
    PassResponseBody();
  } else {
    while (TakeResponseHead()) {
    }
  }
  return true;
}

// True: that was an interim response, look for another.
bool Exchange::TakeResponseHead() {
  switch (response_parser_.Feed(from_target_.view(), to_head_)) {
    case http1::Parse::kNeedMore:
      return false;
    case http1::Parse::kError:
      Reply(Reason::kTargetProtocolError, http1::ErrorName(response_parser_.error()));
      return false;
    case http1::Parse::kDone:
      break;
  }
  const http1::ResponseHead& head = response_parser_.head();
  if (head.status >= 200) {
    StartResponse();
    return false;
  }
  // "100 Continue" is ours to say.
  if (head.status != 100 && !Heard(client_->SendInterim(head))) return false;
  from_target_.Consume(response_parser_.head_bytes());
  response_parser_.Reset();
  return !from_target_.empty();
}

void Exchange::StartResponse() {
  using Kind = http1::Framing::Kind;
  const http1::Framing framing = response_parser_.framing();
  const http1::ResponseHead& head = response_parser_.head();
  status_ = head.status;
  target_keep_alive_ = response_parser_.keep_alive();
  has_response_body_ = framing.kind != Kind::kNone;
  if (has_response_body_) response_body_.Reset(framing);
  const ResponseStart start = {
      .head = head,
      .request_id = Text(request_id_),
      .has_body = has_response_body_,
      .length_known = framing.kind == Kind::kNone || framing.kind == Kind::kLength,
      .request_whole = request_phase_ == RequestPhase::kSent};
  if (!Heard(client_->BeginResponse(start))) return;
  response_phase_ = ResponsePhase::kStreaming;
  from_target_.Consume(response_parser_.head_bytes());
  PassResponseBody();
}

// Passes on what has come of the body.
void Exchange::PassResponseBody() {
  while (has_response_body_ && !response_body_.done() && !from_target_.empty()) {
    const http1::BodyDecoder::Piece piece = response_body_.Decode(from_target_.view());
    if (response_body_.error() != http1::Error::kNone) {
      Reply(Reason::kTargetProtocolError, http1::ErrorName(response_body_.error()));
      return;
    }
    from_target_.Consume(piece.consumed);
    if (!piece.data.empty() && !Heard(client_->AddBody(piece.data))) return;
  }
  if (has_response_body_ && !response_body_.done()) {
    Heard(client_->EndStep());
  } else {
    EndResponse();
  }
}

void Exchange::EndResponse() {
  static const auto& kNoTrailers = *new http::HeaderMap();
  // INVARIANT: the decoder of a response without a body still has another's trailers.
  const http::HeaderMap& trailers = has_response_body_ ? response_body_.trailers() : kNoTrailers;
  if (Heard(client_->EndResponse(trailers))) ResponseDone();
}

// The target closed its side, or the connection broke.
void Exchange::TargetEnded(bool cleanly) {
  if (response_phase_ == ResponsePhase::kStreaming) {
    if (!cleanly || !response_body_.FinishAtClose()) {
      Reply(Reason::kTargetClosed);
    } else {
      EndResponse();
    }
    return;
  }
  if (!upstream::MayRetry(Text(method_), attempt_)) {
    Reply(Reason::kTargetClosed);
    return;
  }
  worker_.counters.upstream_retries.Add();
  target_.reset();
  to_target_.Clear();
  target_head_sent_ = false;
  attempt_ = {};
  attempt_.retried = true;
  ChooseTarget();
}

void Exchange::ResponseDone() {
  response_phase_ = ResponsePhase::kDone;
  // More bytes than the response had would be read as the next one's.
  const bool reusable =
      request_phase_ == RequestPhase::kSent && target_keep_alive_ && from_target_.empty();
  if (reusable) {
    worker_.pool.Release(std::move(target_));
  } else {
    target_.reset();
  }
}

void Exchange::Reply(Reason reason, absl::string_view detail) {
  const Answer& answer = AnswerFor(reason);
  reason_ = reason;
  failure_ = answer.failure_reason;
  request_phase_ = RequestPhase::kAborted;
  target_.reset();
  to_target_.Clear();
  worker_.counters.answers_by_reason[static_cast<size_t>(reason)].Add();
  if (response_phase_ == ResponsePhase::kStreaming) {
    worker_.counters.responses_cut.Add();
    end_ = Result::kCut;
    return;
  }
  status_ = fixed_status_ != 0 && reason == Reason::kFixedResponse ? fixed_status_ : answer.status;
  AnswerHead head;
  head.status = status_;
  head.reason = reason;
  head.detail = detail;
  head.request_id = Text(request_id_);
  head.with_reason = worker_.options.reason_header;
  head.to_head = to_head_;
  head.grpc = grpc_;
  response_phase_ = ResponsePhase::kDone;
  Heard(client_->SendAnswer(head));
}

}  // namespace trellis::proxy
