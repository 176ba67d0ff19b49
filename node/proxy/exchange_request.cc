// The way of a request: route, target, connection, body.
#include <utility>

#include "absl/strings/match.h"
#include "node/proxy/exchange.h"
#include "node/proxy/heads.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {
namespace {

iovec Piece(absl::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

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
    const net::Endpoint& endpoint = group_->targets[index].endpoint;
    if (!attempt_.retried && TakeIdleTarget(endpoint)) {
      StartStreaming();
      return;
    }
    absl::StatusOr<std::unique_ptr<upstream::Connection>> target =
        worker_.pool.Connect(endpoint, this);
    if (target.ok()) {
      worker_.counters.upstream_connects.Add();
      target_ = *std::move(target);
      timer_.Set(worker_.options.connect_timeout);
      return;
    }
    worker_.counters.upstream_connect_failures.Add();
    if (!tried_.Add(index)) break;
  }
  Reply(Reason::kTargetConnectionFailed);
}

bool Exchange::TakeIdleTarget(const net::Endpoint& endpoint) {
  // A request that could not be repeated asks the kernel first whether the target has closed; what
  // is left is the time a segment travels.
  const bool repeatable = !shape_.has_body && upstream::IsIdempotent(Text(method_));
  while ((target_ = worker_.pool.TakeIdle(endpoint, this)) != nullptr) {
    if (repeatable || target_->socket().StillSilent()) {
      worker_.counters.upstream_reuses.Add();
      return true;
    }
  }
  return false;
}

bool Exchange::StepConnecting() {
  if (!target_->socket().writable()) return false;
  if (target_->FinishConnect().ok()) {
    StartStreaming();
  } else {
    TargetConnectFailed();
  }
  return true;
}

void Exchange::TargetConnectFailed() {
  worker_.counters.upstream_connect_failures.Add();
  target_.reset();
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
  if (request_phase_ != RequestPhase::kStreaming) return false;
  if (!target_->socket().writable()) return false;
  if (!to_target_.empty()) return SendToTarget(nullptr, 0, false);
  iovec pieces[2];
  int count = 0;
  if (!target_head_sent_) pieces[count++] = Piece(target_head_);
  bool with_body = false;
  if (!client_->body_read()) {
    const bool has_more = TakeRequestBody(&pieces[count]);
    if (end_ != Result::kProgress || request_phase_ == RequestPhase::kAborted) return true;
    if (!has_more && target_head_sent_) return false;
    with_body = pieces[count].iov_len > 0;
    if (with_body) ++count;
  }
  return SendToTarget(pieces, count, with_body);
}

// Takes what has come, and puts our framing on it. False: nothing has, or it was the last of this
// client's (then it was answered, or is gone).
bool Exchange::TakeRequestBody(iovec* piece) {
  const bool chunked = !shape_.length_known;
  *piece = {};
  worker_.out.clear();
  do {
    absl::string_view data;
    switch (client_->ReadBody(&data)) {
      case BodyRead::kData:
        break;
      case BodyRead::kBlocked:
        *piece = Piece(worker_.out);
        return !worker_.out.empty();
      case BodyRead::kEnded:
        Reply(Reason::kClientClosed);
        return false;
      case BodyRead::kGone:
        return Heard(false);
      case BodyRead::kMalformed:
        Reply(Reason::kBadRequest, client_->body_error());
        return false;
    }
    if (!chunked) {
      *piece = Piece(data);
      return true;
    }
    if (!data.empty()) {
      http1::AppendChunkHeader(data.size(), &worker_.out);
      worker_.out.append(data.data(), data.size());
      worker_.out.append("\r\n");
    }
  } while (!client_->body_read() && client_->has_body_bytes());
  if (client_->body_read()) http1::AppendLastChunk(client_->trailers(), &worker_.out);
  *piece = Piece(worker_.out);
  return true;
}

bool Exchange::SendToTarget(const iovec* pieces, int count, bool with_body) {
  net::StreamSocket& target = target_->socket();
  const net::Io result =
      count > 0 ? to_target_.Send(target, pieces, count) : to_target_.Flush(target);
  if (result == net::Io::kFailed) {
    // The target may have answered before it closed: read that, and if there is nothing, see
    // whether the request may go elsewhere.
    attempt_.any_byte_accepted = target_head_sent_;
    request_phase_ = RequestPhase::kAborted;
    target.Note(EPOLLIN);
    return true;
  }
  target_head_sent_ = true;
  attempt_.any_body_byte_sent |= with_body;
  if (result == net::Io::kBlocked) return count > 0;
  if (client_->body_read()) {
    request_phase_ = RequestPhase::kSent;
    request_sent_ = worker_.loop.MonotonicNow();
  }
  return true;
}

}  // namespace trellis::proxy
