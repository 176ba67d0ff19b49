// The way of a response: head, body; or an answer of our own.
#include <utility>

#include "absl/strings/numbers.h"
#include "node/proxy/exchange.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

bool Exchange::StepResponse() {
  if (!client_->takes_response()) return false;
  const TargetEnd::Read read = target_->ReadResponse(*this);
  if (end_ != Result::kProgress) return true;
  switch (read) {
    case TargetEnd::Read::kBlocked:
      return false;
    case TargetEnd::Read::kEnded:
      TargetEnded();
      return true;
    case TargetEnd::Read::kRefused:
      attempt_.refused = true;
      TargetEnded();
      return true;
    case TargetEnd::Read::kMalformed:
      Reply(Reason::kTargetProtocolError, target_->error());
      return true;
    case TargetEnd::Read::kProgress:
      break;
  }
  if (response_phase_ == ResponsePhase::kStreaming) {
    Heard(client_->EndStep());
  } else if (response_phase_ == ResponsePhase::kDone) {
    ReleaseTarget(/*complete=*/request_phase_ == RequestPhase::kSent);
  }
  return true;
}

void Exchange::OnBytes() {
  if (std::exchange(attempt_.any_response_byte, true)) return;
  first_response_byte_ = worker_.loop.MonotonicNow();
}

bool Exchange::OnInterim(const http1::ResponseHead& head) {
  if (head.status == 100) return true;  // Ours to say.
  return Heard(client_->SendInterim(head));
}

bool Exchange::OnHead(const http1::ResponseHead& head, bool has_body, bool length_known) {
  status_ = head.status;
  NoteGrpcStatus(head.headers);  // Of one without a body.
  const ResponseStart start = {.head = head,
                               .request_id = Text(request_id_),
                               .has_body = has_body,
                               .length_known = length_known,
                               .request_whole = request_phase_ == RequestPhase::kSent};
  response_phase_ = ResponsePhase::kStreaming;
  return Heard(client_->BeginResponse(start));
}

bool Exchange::OnBody(absl::string_view data) { return Heard(client_->AddBody(data)); }

bool Exchange::OnEnd(const http::HeaderMap& trailers) {
  NoteGrpcStatus(trailers);
  if (!Heard(client_->EndResponse(trailers))) return false;
  response_phase_ = ResponsePhase::kDone;
  return true;
}

void Exchange::NoteGrpcStatus(const http::HeaderMap& fields) {
  if (!shape_.grpc) return;
  const auto text = fields.Find("grpc-status");
  int status = 0;
  if (text.has_value() && absl::SimpleAtoi(*text, &status)) grpc_status_ = status;
}

// The target closed its side, or the connection broke.
void Exchange::TargetEnded() {
  if (response_phase_ == ResponsePhase::kStreaming ||
      !upstream::MayRetry(Text(method_), attempt_)) {
    Reply(Reason::kTargetClosed);
    return;
  }
  worker_.counters.upstream_retries.Add();
  ReleaseTarget(/*complete=*/false);
  attempt_ = {};
  attempt_.retried = true;
  ChooseTarget();
}

void Exchange::Reply(Reason reason, absl::string_view detail) {
  const Answer& answer = AnswerFor(reason);
  reason_ = reason;
  failure_ = answer.failure_reason;
  request_phase_ = RequestPhase::kAborted;
  ReleaseTarget(/*complete=*/false);
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
  head.grpc = shape_.grpc;
  head.grpc = shape_.grpc;
  response_phase_ = ResponsePhase::kDone;
  Heard(client_->SendAnswer(head));
}

}  // namespace trellis::proxy
