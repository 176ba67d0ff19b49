#include "node/proxy/exchange.h"

#include <algorithm>
#include <utility>

#include "node/proxy/heads.h"
#include "node/proxy/resting.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

Exchange::Exchange(WorkerState& worker)
    : worker_(worker),
      timer_(worker.loop, [this] { OnTimeout(); }),
      http1_target_(worker, *this),
      http2_target_(worker, *this) {}

void Exchange::Reset() {
  client_ = nullptr;
  address_ = nullptr;
  end_ = Result::kProgress;
  timer_.Clear();

  request_phase_ = RequestPhase::kNone;
  shape_ = {};
  to_head_ = false;
  EmptyForNext(text_);
  method_ = path_ = host_ = user_agent_ = request_id_ = {};

  snapshot_.reset();
  service_ = nullptr;
  group_ = nullptr;
  routed_ = Reason::kNone;
  fixed_status_ = 0;
  tried_ = {};
  target_index_ = -1;
  EmptyForNext(target_head_);
  ReleaseTarget(/*complete=*/false);
  EmptyForNext(target_text_);
  attempt_ = {};

  response_phase_ = ResponsePhase::kAwaiting;
  status_ = 0;
  grpc_status_ = -1;
  reason_ = Reason::kNone;
  failure_ = {};

  start_ = request_sent_ = first_response_byte_ = absl::ZeroDuration();
  bytes_received_ = bytes_sent_ = 0;
}

void Exchange::Begin(ClientEnd* client, const ClientAddress* address) {
  client_ = client;
  address_ = address;
  start_ = worker_.loop.MonotonicNow();
  start_unix_seconds_ = absl::ToUnixSeconds(worker_.loop.WallNow());
}

void Exchange::Start(const http::RequestHead& head, const RequestShape& shape) {
  worker_.counters.requests.Add();
  shape_ = shape;
  bytes_received_ = shape.head_bytes;
  to_head_ = head.method == "HEAD";
  snapshot_ = worker_.snapshot;
  idle_timeout_ = worker_.options.idle_timeout;
  RememberForLog(head);
  routed_ = Route(head);
  if (routed_ == Reason::kNone) WriteTargetHead(head);
  request_phase_ = RequestPhase::kRouted;
}

void Exchange::Refuse(Reason reason, absl::string_view detail, size_t bytes) {
  worker_.counters.requests.Add();
  bytes_received_ = bytes;
  idle_timeout_ = worker_.options.idle_timeout;
  AppendNewRequestId(worker_.random, &text_);
  request_id_ = {0, static_cast<uint32_t>(text_.size())};
  Reply(reason, detail);
}

Exchange::TextSpan Exchange::Remember(absl::string_view piece) {
  const TextSpan span = {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(piece.size())};
  text_.append(piece.data(), piece.size());
  return span;
}

void Exchange::RememberForLog(const http::RequestHead& head) {
  method_ = Remember(head.method);
  path_ = Remember(head.path);
  host_ = Remember(head.authority);
  if (const auto agent = head.headers.Find("user-agent"); agent.has_value()) {
    user_agent_ = Remember(*agent);
  }
  const size_t begin = text_.size();
  AppendRequestId(head, worker_.random, &text_);
  request_id_ = {static_cast<uint32_t>(begin), static_cast<uint32_t>(text_.size() - begin)};
}

Exchange::Result Exchange::Step() {
  if (end_ != Result::kProgress) return end_;
  const bool progressed = TakeStep();
  if (end_ != Result::kProgress) return end_;
  return progressed ? Result::kProgress : Result::kBlocked;
}

bool Exchange::TakeStep() {
  if (response_phase_ == ResponsePhase::kDone) {
    if (!client_->takes_response()) return false;
    end_ = Result::kFinished;
    return true;
  }
  switch (request_phase_) {
    case RequestPhase::kNone:
      return false;
    case RequestPhase::kRouted:
      if (routed_ == Reason::kNone) {
        ChooseTarget();
      } else {
        Reply(routed_);
      }
      return true;
    case RequestPhase::kConnecting:
      return StepConnecting();
    case RequestPhase::kStreaming:
    case RequestPhase::kSent:
    case RequestPhase::kAborted:
      return StepRequest() || (end_ == Result::kProgress && StepResponse());
  }
  return false;
}

bool Exchange::Heard(bool client_is_there) {
  if (!client_is_there) end_ = Result::kClientGone;
  return client_is_there;
}

void Exchange::EndTurn(bool progressed) {
  if (target_ != nullptr) target_->EndTurn();
  // While it connects, the time for that runs.
  if (progressed && started() && request_phase_ != RequestPhase::kConnecting) {
    timer_.Set(idle_timeout_);
  }
}

void Exchange::OnTimeout() {
  TakeTimeout();
  client_->Pump();
}

void Exchange::TakeTimeout() {
  if (response_phase_ == ResponsePhase::kDone || !client_->takes_response()) {
    Heard(false);  // It takes nothing any more.
    return;
  }
  switch (request_phase_) {
    case RequestPhase::kNone:
    case RequestPhase::kRouted:
      return;
    case RequestPhase::kConnecting:
      TargetConnectFailed();
      return;
    case RequestPhase::kStreaming:
      // Whose turn was it? With nothing on its way to the target, the client's.
      Reply(target_->takes_request() ? Reason::kClientTimeout : Reason::kTargetTimeout);
      return;
    case RequestPhase::kSent:
    case RequestPhase::kAborted:
      Reply(Reason::kTargetTimeout);
  }
}

void Exchange::LogFailure(absl::string_view failure) {
  if (failure_.empty()) failure_ = failure;
  Log();
}

void Exchange::Log() {
  worker_.counters.responses_by_class[status_ / 100 < 6 ? status_ / 100 : 5].Add();
  const absl::Duration now = worker_.loop.MonotonicNow();
  worker_.counters.request_seconds.Record(now - start_);
  if (request_sent_ != absl::ZeroDuration() && first_response_byte_ >= request_sent_) {
    worker_.counters.target_seconds.Record(first_response_byte_ - request_sent_);
  }
  if (worker_.options.access_log == nullptr) return;
  const Snapshot* snapshot = snapshot_ != nullptr ? snapshot_.get() : worker_.snapshot.get();

  telemetry::AccessLogRecord record;
  if (snapshot != nullptr) {
    record.source_vpc_id = snapshot->source_vpc_id;
    record.source_vpc_arn = snapshot->source_vpc_arn;
  }
  if (service_ != nullptr) {
    record.service_arn = service_->arn;
    record.service_network_arn = service_->service_network_arn;
  }
  if (group_ != nullptr) {
    record.target_group_arn = group_->arn;
    record.destination_vpc_id = group_->vpc_id;
  }
  record.resolved_user = "Unknown";
  record.source_ip_port = address_->text;
  record.target_ip_port = target_text_;
  if (address_->tls) {
    record.tls_version = address_->tls_version;
    record.ssl_cipher = address_->tls_cipher;
    record.server_name_indication = address_->server_name;
  }
  record.request_method = Text(method_);
  record.request_path = Text(path_);
  record.host_header = Text(host_);
  record.user_agent = Text(user_agent_);
  record.request_id = Text(request_id_);
  record.protocol = shape_.protocol;
  record.failure_reason = failure_;
  record.trellis_reason = AnswerFor(reason_).name;
  record.start_unix_seconds = start_unix_seconds_;
  record.response_code = status_;
  record.grpc_response_code = std::max(grpc_status_, 0);
  record.bytes_received = bytes_received_;
  record.bytes_sent = bytes_sent_;
  record.duration_ms = absl::ToInt64Milliseconds(now - start_);
  if (request_sent_ != absl::ZeroDuration()) {
    record.request_to_target_ms = absl::ToInt64Milliseconds(request_sent_ - start_);
  }
  if (first_response_byte_ != absl::ZeroDuration()) {
    record.response_from_target_ms = absl::ToInt64Milliseconds(now - first_response_byte_);
  }
  worker_.log.Append(record);
}

}  // namespace trellis::proxy
