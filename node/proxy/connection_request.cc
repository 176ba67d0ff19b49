// The way of a request: head, route, target, connection, body.
#include <utility>

#include "node/proxy/connection.h"
#include "node/proxy/heads.h"

namespace trellis::proxy {
namespace {

constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

TextSpan Remember(absl::string_view piece, std::string* text) {
  const TextSpan span = {static_cast<uint32_t>(text->size()), static_cast<uint32_t>(piece.size())};
  text->append(piece.data(), piece.size());
  return span;
}

iovec Piece(absl::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

bool Connection::StepHead() {
  if (from_client_.empty()) {
    if (!socket_.readable()) return false;
    const net::Io read = ReadFromClient();
    if (read != net::Io::kDone) {
      if (read != net::Io::kBlocked) Close();
      return false;
    }
  }
  if (exchange_ == nullptr) {
    exchange_ = worker_.exchanges.Take();
    exchange_->start = worker_.loop.MonotonicNow();
    exchange_->start_unix_seconds = absl::ToUnixSeconds(worker_.loop.WallNow());
  }
  http1::RequestParser& parser = exchange_->request_parser;
  switch (parser.Feed(from_client_.view())) {
    case http1::Parse::kDone:
      StartExchange();
      return true;
    case http1::Parse::kError:
      worker_.counters.requests.Add();
      Reply(parser.error() == http1::Error::kVersion ? Reason::kUnsupportedVersion
                                                     : Reason::kBadRequest,
            0, http1::ErrorName(parser.error()));
      return true;
    case http1::Parse::kNeedMore:
      break;
  }
  if (!socket_.readable()) return false;
  switch (ReadFromClient()) {
    case net::Io::kDone:
      return true;
    case net::Io::kBlocked:
      return false;
    case net::Io::kClosed:
      worker_.counters.requests.Add();
      Reply(Reason::kClientClosed);
      return true;
    case net::Io::kFailed:
      Close();
      return false;
  }
  return false;
}

void Connection::StartExchange() {
  Exchange& x = *exchange_;
  const http1::RequestParser& parser = x.request_parser;
  const http::RequestHead& head = parser.head();
  worker_.counters.requests.Add();
  x.bytes_received = parser.head_bytes();
  x.to_head = head.method == "HEAD";
  x.client_is_http10 = head.version == http::HttpVersion::kHttp10;
  x.client_keep_alive = parser.keep_alive();
  x.expects_continue = parser.expects_continue();
  const http1::Framing framing = parser.framing();
  x.has_request_body = framing.kind != http1::Framing::Kind::kNone;
  x.chunked_request = framing.kind == http1::Framing::Kind::kChunked;
  if (x.has_request_body) x.request_body.Reset(framing);
  x.snapshot = worker_.snapshot;
  x.idle_timeout = worker_.options.idle_timeout;
  RememberForLog(head);

  int fixed_status = 0;
  const Reason reason = Route(head, &fixed_status);
  if (reason == Reason::kNone) WriteTargetHead(head);
  x.request_phase = Exchange::RequestPhase::kConnecting;
  // From here on the head's views are gone.
  from_client_.Consume(parser.head_bytes());
  if (reason == Reason::kNone) {
    ChooseTarget();
  } else {
    Reply(reason, fixed_status);
  }
}

void Connection::RememberForLog(const http::RequestHead& request) {
  Exchange& x = *exchange_;
  x.method = Remember(request.method, &x.text);
  x.path = Remember(request.path, &x.text);
  x.host = Remember(request.authority, &x.text);
  if (const auto agent = request.headers.Find("user-agent"); agent.has_value()) {
    x.user_agent = Remember(*agent, &x.text);
  }
  const size_t begin = x.text.size();
  AppendRequestId(request, worker_.random, &x.text);
  x.request_id = {static_cast<uint32_t>(begin), static_cast<uint32_t>(x.text.size() - begin)};
}

// Malformed, too large or never whole. What it says of itself is not believed, its id included; the
// answer and the log have one all the same, so that a client's report leads to the line.
void Connection::TakeUnreadableHead() {
  Exchange& x = *exchange_;
  x.bytes_received = from_client_.view().size();
  const size_t begin = x.text.size();
  AppendNewRequestId(worker_.random, &x.text);
  x.request_id = {static_cast<uint32_t>(begin), static_cast<uint32_t>(x.text.size() - begin)};
}

Reason Connection::Route(const http::RequestHead& request, int* fixed_status) {
  Exchange& x = *exchange_;
  if (x.snapshot != nullptr) x.service = x.snapshot->FindService(request.authority);
  if (x.service == nullptr) return Reason::kUnknownHost;
  x.idle_timeout = x.service->idle_timeout;
  const CompiledListener* const listener = x.service->FindListener(port_);
  if (listener == nullptr) return Reason::kNoListener;
  const int rule = listener->rules.Match(request);
  const CompiledAction& action = rule < 0 ? listener->default_action : listener->actions[rule];
  if (action.fixed_status != 0) {
    *fixed_status = action.fixed_status;
    return Reason::kFixedResponse;
  }
  const int share =
      action.forward.size() == 1 && action.total_weight > 0
          ? 0
          : routing::PickShare(action.total_weight, worker_.random.Next64(), action.forward,
                               [](const CompiledAction::Share& share) { return share.weight; });
  if (share < 0) return Reason::kNoWeight;
  x.group = action.forward[share].group.get();
  if (x.group == nullptr) return Reason::kTargetGroupMissing;
  if (x.group->targets.empty()) return Reason::kNoTarget;
  return Reason::kNone;
}

void Connection::WriteTargetHead(const http::RequestHead& request) {
  Exchange& x = *exchange_;
  TargetHeadContext context;
  context.client_address = peer_address_;
  context.port = port_;
  context.request_id = x.Text(x.request_id);
  context.service_arn = x.service->arn;
  context.service_network_arn = x.service->service_network_arn;
  context.target_group_arn = x.group->arn;
  context.source_vpc_arn = x.snapshot->source_vpc_arn;
  context.chunked = x.chunked_request;
  AppendTargetHead(request, context, &x.target_head);
}

// A target that cannot be connected to costs the client nothing but time: nothing was sent, so the
// next target gets the request, whatever its method (docs/decisions/0005).
void Connection::ChooseTarget() {
  Exchange& x = *exchange_;
  x.request_phase = Exchange::RequestPhase::kConnecting;
  uint32_t* const cursor = worker_.CursorOf(x.group);
  while (x.tried.size() < worker_.options.connect_attempts_max) {
    const int index = routing::PickTarget(
        x.group->targets, [](const CompiledTarget& target) { return target.health->Get(); },
        x.tried, cursor);
    if (index < 0) break;
    x.target_index = index;
    const net::Endpoint& endpoint = x.group->targets[index].endpoint;
    if (!x.attempt.retried && TakeIdleTarget(endpoint)) {
      StartStreaming();
      return;
    }
    absl::StatusOr<std::unique_ptr<upstream::Connection>> target =
        worker_.pool.Connect(endpoint, this);
    if (target.ok()) {
      worker_.counters.upstream_connects.Add();
      x.target = *std::move(target);
      timer_.Set(worker_.options.connect_timeout);
      return;
    }
    worker_.counters.upstream_connect_failures.Add();
    if (!x.tried.Add(index)) break;
  }
  Reply(Reason::kTargetConnectionFailed);
}

bool Connection::TakeIdleTarget(const net::Endpoint& endpoint) {
  Exchange& x = *exchange_;
  // A request that could not be repeated asks the kernel first whether the target has closed; what
  // is left is the time a segment travels.
  const bool repeatable = !x.has_request_body && upstream::IsIdempotent(x.Text(x.method));
  while ((x.target = worker_.pool.TakeIdle(endpoint, this)) != nullptr) {
    if (repeatable || x.target->socket().StillSilent()) {
      worker_.counters.upstream_reuses.Add();
      return true;
    }
  }
  return false;
}

bool Connection::StepConnecting() {
  upstream::Connection& target = *exchange_->target;
  if (!target.socket().writable()) return false;
  if (target.FinishConnect().ok()) {
    StartStreaming();
  } else {
    TargetConnectFailed();
  }
  return true;
}

void Connection::TargetConnectFailed() {
  Exchange& x = *exchange_;
  worker_.counters.upstream_connect_failures.Add();
  x.target.reset();
  if (x.tried.Add(x.target_index)) {
    ChooseTarget();
  } else {
    Reply(Reason::kTargetConnectionFailed);
  }
}

void Connection::StartStreaming() {
  Exchange& x = *exchange_;
  x.request_phase = Exchange::RequestPhase::kStreaming;
  x.target_text.assign(x.target->endpoint_text().data(), x.target->endpoint_text().size());
  x.attempt.connection_was_reused = x.target->reused();
  // The client waits for leave to send its body; with a connected target it has it. One whose body
  // is here already does not wait (RFC 9110 10.1.1).
  if (std::exchange(x.expects_continue, false) && from_client_.empty()) {
    SendToClient(kContinue, {});
  }
}

bool Connection::StepRequest() {
  Exchange& x = *exchange_;
  if (x.request_phase != Exchange::RequestPhase::kStreaming) return false;
  net::StreamSocket& target = x.target->socket();
  if (!target.writable()) return false;
  if (!x.to_target.empty()) return SendToTarget(nullptr, 0, false);
  iovec pieces[2];
  int count = 0;
  if (!x.target_head_sent) pieces[count++] = Piece(x.target_head);
  bool with_body = false;
  if (!x.request_body_read()) {
    if (x.target_head_sent && from_client_.empty()) {
      if (!socket_.readable()) return false;
      const net::Io read = ReadFromClient();
      if (read == net::Io::kBlocked) return false;
      if (read == net::Io::kClosed) Reply(Reason::kClientClosed);
      if (read == net::Io::kFailed) ClientGone();
      if (read != net::Io::kDone) return state_ != State::kClosed;
    }
    if (!TakeRequestBody(&pieces[count])) return state_ != State::kClosed;
    with_body = pieces[count].iov_len > 0;
    if (with_body) ++count;
  }
  return SendToTarget(pieces, count, with_body);
}

// Takes the framing off what the client sent, and puts our own on it. False: malformed, answered.
bool Connection::TakeRequestBody(iovec* piece) {
  Exchange& x = *exchange_;
  *piece = {};
  worker_.out.clear();
  while (!from_client_.empty() && !x.request_body.done()) {
    const http1::BodyDecoder::Piece decoded = x.request_body.Decode(from_client_.view());
    if (x.request_body.error() != http1::Error::kNone) {
      x.client_keep_alive = false;  // Where the next request begins is unknown.
      from_client_.Clear();
      Reply(Reason::kBadRequest, 0, http1::ErrorName(x.request_body.error()));
      return false;
    }
    from_client_.Consume(decoded.consumed);
    x.bytes_received += decoded.consumed;
    if (!x.chunked_request) {
      *piece = Piece(decoded.data);
      return true;
    }
    if (!decoded.data.empty()) {
      http1::AppendChunkHeader(decoded.data.size(), &worker_.out);
      worker_.out.append(decoded.data.data(), decoded.data.size());
      worker_.out.append("\r\n");
    }
  }
  if (x.chunked_request && x.request_body.done()) {
    http1::AppendLastChunk(x.request_body.trailers(), &worker_.out);
  }
  *piece = Piece(worker_.out);
  return true;
}

bool Connection::SendToTarget(const iovec* pieces, int count, bool with_body) {
  Exchange& x = *exchange_;
  net::StreamSocket& target = x.target->socket();
  const net::Io result =
      count > 0 ? x.to_target.Send(target, pieces, count) : x.to_target.Flush(target);
  if (result == net::Io::kFailed) {
    // The target may have answered before it closed: read that, and if there is nothing, see
    // whether the request may go elsewhere.
    x.attempt.any_byte_accepted = x.target_head_sent;
    x.request_phase = Exchange::RequestPhase::kAborted;
    target.Note(EPOLLIN);
    return true;
  }
  x.target_head_sent = true;
  x.attempt.any_body_byte_sent |= with_body;
  if (result == net::Io::kBlocked) return count > 0;
  if (x.request_body_read()) {
    x.request_phase = Exchange::RequestPhase::kSent;
    x.request_sent = worker_.loop.MonotonicNow();
  }
  return true;
}

}  // namespace trellis::proxy
