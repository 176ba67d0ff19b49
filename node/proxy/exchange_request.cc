// The way of a request: route, target, connection, body.
#include <utility>

#include "node/proxy/exchange.h"
#include "node/proxy/heads.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

Reason Exchange::Route(const http::RequestHead& head) {
  if (snapshot_ != nullptr) service_ = snapshot_->FindService(head.authority);
  if (service_ == nullptr) return Reason::kUnknownHost;
  idle_timeout_ = service_->idle_timeout;
  const CompiledListener* const listener = service_->FindListener(address_->port);
  if (listener == nullptr) return Reason::kNoListener;
  if (listener->tls != address_->tls) return Reason::kWrongScheme;
  const int rule = listener->rules.Match(head);
  const CompiledAction& action = rule < 0 ? listener->default_action : listener->actions[rule];
  if (action.fixed_status != 0) {
    fixed_status_ = action.fixed_status;
    return Reason::kFixedResponse;
  }
  const int share =
      action.forward.size() == 1 && action.total_weight > 0
          ? 0
          : routing::PickShare(action.total_weight, worker_.random.Next64(), action.forward,
                               [](const CompiledAction::Share& share) { return share.weight; });
  if (share < 0) return Reason::kNoWeight;
  group_ = action.forward[share].group.get();
  if (group_ == nullptr) return Reason::kTargetGroupMissing;
  if (group_->targets.empty()) return Reason::kNoTarget;
  return Reason::kNone;
}

void Exchange::WriteTargetHead(const http::RequestHead& head) {
  TargetHeadContext context;
  context.client_address = address_->address;
  context.port = address_->port;
  context.tls = address_->tls;
  context.request_id = Text(request_id_);
  context.service_arn = service_->arn;
  context.service_network_arn = service_->service_network_arn;
  context.target_group_arn = group_->arn;
  context.source_vpc_arn = snapshot_->source_vpc_arn;
  context.chunked = shape_.has_body && !shape_.length_known;
  AppendTargetHead(head, context, &target_head_);
}

// A target that cannot be connected to costs the client nothing but time: nothing was sent, so the
// next target gets the request, whatever its method (docs/decisions/0005).
void Exchange::ChooseTarget() {
  request_phase_ = RequestPhase::kConnecting;
  uint32_t* const cursor = worker_.CursorOf(group_);
  while (tried_.size() < worker_.options.connect_attempts_max) {
    const int index = routing::PickTarget(
        group_->targets, [](const CompiledTarget& target) { return target.health->Get(); }, tried_,
        cursor);
    if (index < 0) break;
    target_index_ = index;
    if (TakeTarget(group_->targets[index].endpoint).ok()) {
      if (target_->connecting() == TargetEnd::Connecting::kDone) {
        StartStreaming();
      } else {
        timer_.Set(worker_.options.connect_timeout);
      }
      return;
    }
    worker_.counters.upstream_connect_failures.Add();
    if (!tried_.Add(index)) break;
  }
  Reply(Reason::kTargetConnectionFailed);
}

absl::Status Exchange::TakeTarget(const net::Endpoint& endpoint) {
  if (group_->http2) {
    target_ = &http2_target_;
    return http2_target_.Connect(endpoint, address_->tls, shape_.has_body);
  }
  target_ = &http1_target_;
  const bool chunked = shape_.has_body && !shape_.length_known;
  const bool repeatable = !shape_.has_body && upstream::IsIdempotent(Text(method_));
  if (!attempt_.retried && http1_target_.TakeIdle(endpoint, chunked, to_head_, repeatable)) {
    return absl::OkStatus();
  }
  return http1_target_.Connect(endpoint, chunked, to_head_);
}

void Exchange::ReleaseTarget(bool complete) {
  if (target_ != nullptr) target_->Finish(complete);
  target_ = nullptr;
  request_given_ = false;
}

bool Exchange::StepConnecting() {
  switch (target_->connecting()) {
    case TargetEnd::Connecting::kPending:
      return false;
    case TargetEnd::Connecting::kDone:
      StartStreaming();
      return true;
    case TargetEnd::Connecting::kFailed:
      TargetConnectFailed();
      return true;
  }
  return false;
}

void Exchange::TargetConnectFailed() {
  worker_.counters.upstream_connect_failures.Add();
  ReleaseTarget(/*complete=*/false);
  if (tried_.Add(target_index_)) {
    ChooseTarget();
  } else {
    Reply(Reason::kTargetConnectionFailed);
  }
}

void Exchange::StartStreaming() {
  request_phase_ = RequestPhase::kStreaming;
  target_text_.assign(target_->endpoint_text().data(), target_->endpoint_text().size());
  attempt_.connection_was_reused = target_->reused();
  // The client waits for leave to send its body; with a connected target it has it. One whose body
  // is here already does not wait (RFC 9110 10.1.1).
  if (std::exchange(shape_.expects_continue, false) && !client_->has_body_bytes()) {
    Heard(client_->SendContinue());
  }
}

bool Exchange::StepRequest() {
  if (request_phase_ != RequestPhase::kStreaming || !target_->takes_request()) return false;
  if (request_given_) {
    request_phase_ = RequestPhase::kSent;
    request_sent_ = worker_.loop.MonotonicNow();
    return true;
  }
  absl::string_view data;
  if (!client_->body_read()) {
    const bool has_more = TakeRequestBody(&data);
    if (end_ != Result::kProgress || request_phase_ == RequestPhase::kAborted) return true;
    if (!has_more && target_->head_sent()) return false;
  }
  static const auto& kNoTrailers = *new http::HeaderMap();
  request_given_ = client_->body_read();
  const bool with_trailers = request_given_ && shape_.has_body;
  attempt_.any_byte_accepted = target_->head_sent();
  if (!target_->Send(target_head_, data, request_given_,
                     with_trailers ? client_->trailers() : kNoTrailers)) {
    // The target may have answered before it closed: read that, and if there is nothing, see
    // whether the request may go elsewhere.
    request_phase_ = RequestPhase::kAborted;
    return true;
  }
  attempt_.any_byte_accepted = true;
  attempt_.any_body_byte_sent |= !data.empty();
  return true;
}

// Takes what has come of the body, framing taken off: in pieces, and gathered if there are several.
// False: nothing has, or it was the last of this client's (then it was answered, or is gone).
bool Exchange::TakeRequestBody(absl::string_view* data) {
  *data = {};
  do {
    if (!data->empty() && data->data() != worker_.gathered.data()) {
      worker_.gathered.assign(data->data(), data->size());
    }
    absl::string_view piece;
    switch (client_->ReadBody(&piece)) {
      case BodyRead::kData:
        break;
      case BodyRead::kBlocked:
        return !data->empty();
      case BodyRead::kEnded:
        Reply(Reason::kClientClosed);
        return false;
      case BodyRead::kGone:
        return Heard(false);
      case BodyRead::kMalformed:
        Reply(Reason::kBadRequest, client_->body_error());
        return false;
    }
    if (data->empty()) {
      *data = piece;
    } else {
      worker_.gathered.append(piece.data(), piece.size());
      *data = worker_.gathered;
    }
  } while (!client_->body_read() && client_->has_body_bytes() && data->size() < kReadBytesMax);
  return true;
}

}  // namespace trellis::proxy
