#include "node/proxy/http2_connection.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/match.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {
namespace {

// As HTTP/1 would count them, about: for the access log.
size_t HeadBytes(const http::RequestHead& head) {
  size_t bytes = head.method.size() + head.target.size();
  for (const http::Header& header : head.headers) {
    bytes += header.name.size() + header.value.size();
  }
  return bytes;
}

bool IsGrpc(const http::RequestHead& head) {
  const auto type = head.headers.Find("content-type");
  return type.has_value() && absl::StartsWithIgnoreCase(*type, "application/grpc");
}

}  // namespace

Http2Connection::Http2Connection(WorkerState& worker, net::StreamSocket socket,
                                 const ClientAddress& address)
    : worker_(worker),
      socket_(std::move(socket)),
      address_(address),
      opened_(worker.loop.MonotonicNow()),
      session_(&worker.http2, this),
      to_client_(&worker.gauge),
      timer_(worker.loop, [this] { Close(); }) {}

void Http2Connection::Start(absl::string_view bytes) {
  closed_ = false;
  if (!session_.Receive(bytes, worker_.loop.MonotonicNow()).ok()) {
    Close();
    return;
  }
  if (worker_.draining) session_.Drain();
  Pump();
}

void Http2Connection::Drain() {
  if (closed_) return;
  session_.Drain();
  Pump();
}

void Http2Connection::Abort() {
  if (closed_) return;
  for (const std::unique_ptr<Http2Stream>& stream : streams_) {
    stream->exchange().LogFailure("InternalError");
  }
  Close();
}

void Http2Connection::OnEvents(uint32_t events) {
  socket_.Note(events);
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    Close();
    return;
  }
  Pump();
}

void Http2Connection::PumpSoon(Http2Stream& stream) {
  Ready(stream);
  worker_.Yield(this);
}

void Http2Connection::Pump() {
  bool more = !closed_;
  for (int turn = 0; more && turn < kStepsPerTurnMax; ++turn) {
    more = Receive();
    if (!closed_) more |= PumpStreams();
    if (!closed_) more |= Flush();
    more &= !closed_;
  }
  if (closed_) return;
  if (session_.finished() && to_client_.empty()) {
    Close();
    return;
  }
  worker_.counters.buffered_bytes_max.Set(static_cast<int64_t>(worker_.gauge.bytes_max));
  if (more) worker_.Yield(this);
  // While there are streams, theirs run.
  if (streams_.empty()) {
    timer_.Set(worker_.options.idle_timeout);
  } else {
    timer_.Clear();
  }
}

bool Http2Connection::Receive() {
  if (!socket_.readable()) return false;
  size_t got = 0;
  switch (socket_.Read(worker_.client_scratch.get(), kReadBytesMax, &got)) {
    case net::Io::kBlocked:
      return false;
    case net::Io::kClosed:
    case net::Io::kFailed:
      // Who sends no more takes no more either: there is no half of a connection in HTTP/2.
      Close();
      return false;
    case net::Io::kDone:
      break;
  }
  const absl::string_view bytes(worker_.client_scratch.get(), got);
  if (!session_.Receive(bytes, worker_.loop.MonotonicNow()).ok()) Close();
  return true;
}

bool Http2Connection::PumpStreams() {
  pumping_.swap(ready_);
  for (const http2::StreamId id : pumping_) {
    if (Http2Stream* const stream = Find(id); stream != nullptr) PumpStream(*stream);
  }
  const bool any = !pumping_.empty();
  pumping_.clear();
  return any;
}

bool Http2Connection::Flush() {
  if (!to_client_.empty()) {
    const net::Io result = to_client_.Flush(socket_);
    if (result == net::Io::kFailed) Close();
    if (result != net::Io::kDone) return false;
  }
  if (!session_.wants_write()) return false;
  worker_.frames.clear();
  session_.Produce(kReadBytesMax, &worker_.frames);
  if (worker_.frames.empty()) return false;
  const iovec piece = {worker_.frames.data(), worker_.frames.size()};
  if (to_client_.Send(socket_, &piece, 1) == net::Io::kFailed) {
    Close();
    return false;
  }
  return true;
}

// --- Streams -------------------------------------------------------------------------------------

Http2Stream& Http2Connection::Open(http2::StreamId id) {
  // From here on the client may begin no more, and comes back on another connection.
  if (worker_.loop.MonotonicNow() - opened_ >= worker_.options.connection_lifetime) {
    session_.Drain();
  }
  std::unique_ptr<Http2Stream> stream = worker_.http2_streams.Take();
  stream->Begin(*this, id, address_, streams_.size());
  session_.SetOwner(id, stream.get());
  streams_.push_back(std::move(stream));
  Ready(*streams_.back());
  return *streams_.back();
}

Http2Stream* Http2Connection::Find(http2::StreamId id) const {
  return static_cast<Http2Stream*>(session_.Owner(id));
}

void Http2Connection::Ready(Http2Stream& stream) {
  if (!std::exchange(stream.ready, true)) ready_.push_back(stream.id());
}

void Http2Connection::PumpStream(Http2Stream& stream) {
  stream.ready = false;
  Exchange& exchange = stream.exchange();
  bool progressed = false;
  for (int steps = 0; steps < kStepsPerTurnMax; ++steps) {
    switch (exchange.Step()) {
      case Exchange::Result::kProgress:
        progressed = true;
        continue;
      case Exchange::Result::kBlocked:
        exchange.EndTurn(progressed);
        return;
      case Exchange::Result::kFinished:
        exchange.Log();
        Release(stream);
        return;
      case Exchange::Result::kClientGone:
        exchange.LogFailure("ClientConnectionClosed");
        session_.Reset(stream.id(), http2::ErrorCode::kCancel);
        Release(stream);
        return;
      case Exchange::Result::kCut:
        exchange.Log();
        session_.Reset(stream.id(), http2::ErrorCode::kInternalError);
        Release(stream);
        return;
    }
  }
  exchange.EndTurn(progressed);
  Ready(stream);
}

void Http2Connection::Release(Http2Stream& stream) {
  session_.SetOwner(stream.id(), nullptr);
  const size_t index = stream.index();
  worker_.http2_streams.Return(std::move(streams_[index]));
  if (index + 1 != streams_.size()) {
    streams_[index] = std::move(streams_.back());
    streams_[index]->set_index(index);
  }
  streams_.pop_back();
}

void Http2Connection::Close() {
  if (std::exchange(closed_, true)) return;
  timer_.Clear();
  worker_.loop.Unwatch(socket_.fd(), this);
  to_client_.Clear();
  for (std::unique_ptr<Http2Stream>& stream : streams_) {
    stream->exchange().LogFailure("ClientConnectionClosed");
    worker_.http2_streams.Return(std::move(stream));
  }
  streams_.clear();
  ready_.clear();
  worker_.Retire(this);
}

// --- What the session tells ----------------------------------------------------------------------

void Http2Connection::OnRequest(http2::StreamId id, const http2::Request& request) {
  Http2Stream& stream = Open(id);
  stream.has_body = !request.end;
  stream.exchange().Start(request.head, {.protocol = "HTTP/2",
                                         .head_bytes = HeadBytes(request.head),
                                         .has_body = !request.end,
                                         .length_known = request.content_length.has_value(),
                                         .expects_continue = request.expects_continue,
                                         .grpc = IsGrpc(request.head)});
}

void Http2Connection::OnRefused(http2::StreamId id, http1::Error error) {
  Open(id).exchange().Refuse(Reason::kBadRequest, http1::ErrorName(error), 0);
}

void Http2Connection::OnData(http2::StreamId id, absl::string_view bytes, bool end) {
  Http2Stream* const stream = Find(id);
  if (stream == nullptr) {
    session_.Consume(id, bytes.size());  // It was answered already.
    return;
  }
  stream->TakeBody(bytes, end);
  Ready(*stream);
}

void Http2Connection::OnTrailers(http2::StreamId id, const http::HeaderMap& trailers) {
  Http2Stream* const stream = Find(id);
  if (stream == nullptr) return;
  stream->TakeTrailers(trailers);
  Ready(*stream);
}

void Http2Connection::OnBodySent(http2::StreamId id, size_t bytes) {
  Http2Stream* const stream = Find(id);
  if (stream == nullptr) return;
  stream->BodyLeft(bytes);
  Ready(*stream);
}

void Http2Connection::OnClosed(http2::StreamId id, http2::ErrorCode) {
  Http2Stream* const stream = Find(id);
  if (stream == nullptr) return;
  if (stream->exchange().response_done()) {
    stream->exchange().Log();
  } else {
    stream->exchange().LogFailure("ClientConnectionClosed");
  }
  Release(*stream);
}

}  // namespace trellis::proxy
