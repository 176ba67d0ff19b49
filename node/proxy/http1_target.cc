#include "node/proxy/http1_target.h"

#include <sys/epoll.h>

#include <utility>

#include "base/status_macros.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {
namespace {

iovec Piece(absl::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

Http1Target::Http1Target(WorkerState& worker, ResponseReader& user)
    : worker_(worker),
      user_(user),
      to_target_(&worker.gauge),
      parser_(http1::Limits{}),
      from_target_(&worker.gauge) {}

void Http1Target::Begin(bool chunked, bool to_head) {
  chunked_ = chunked;
  to_head_ = to_head;
  head_sent_ = broken_ = has_head_ = has_body_ = false;
  parser_.Reset();
}

bool Http1Target::TakeIdle(const net::Endpoint& endpoint, bool chunked, bool to_head,
                           bool repeatable) {
  // A request that could not be repeated asks the kernel first whether the target has closed; what
  // is left is the time a segment travels.
  while ((connection_ = worker_.pool.TakeIdle(endpoint, this)) != nullptr) {
    if (!repeatable && !connection_->socket().StillSilent()) continue;
    worker_.counters.upstream_reuses.Add();
    Begin(chunked, to_head);
    return true;
  }
  return false;
}

absl::Status Http1Target::Connect(const net::Endpoint& endpoint, bool chunked, bool to_head) {
  ASSIGN_OR_RETURN(connection_, worker_.pool.Connect(endpoint, this));
  worker_.counters.upstream_connects.Add();
  Begin(chunked, to_head);
  return absl::OkStatus();
}

TargetEnd::Connecting Http1Target::connecting() {
  if (!connection_->connecting()) return Connecting::kDone;
  if (!connection_->socket().writable()) return Connecting::kPending;
  return connection_->FinishConnect().ok() ? Connecting::kDone : Connecting::kFailed;
}

// --- The request ---------------------------------------------------------------------------------

bool Http1Target::takes_request() {
  if (broken_ || !connection_->socket().writable()) return false;
  if (to_target_.empty()) return true;
  const net::Io sent = to_target_.Flush(connection_->socket());
  if (sent == net::Io::kFailed) {
    broken_ = true;
    connection_->socket().Note(EPOLLIN);
  }
  return sent == net::Io::kDone;
}

bool Http1Target::Send(absl::string_view head, absl::string_view data, bool end,
                       const http::HeaderMap& trailers) {
  iovec pieces[2];
  int count = 0;
  if (!head_sent_) pieces[count++] = Piece(head);
  if (chunked_) {
    worker_.out.clear();
    if (!data.empty()) {
      http1::AppendChunkHeader(data.size(), &worker_.out);
      worker_.out.append(data.data(), data.size());
      worker_.out.append("\r\n");
    }
    if (end) http1::AppendLastChunk(trailers, &worker_.out);
    data = worker_.out;
  }
  if (!data.empty()) pieces[count++] = Piece(data);
  if (count == 0) return true;
  if (to_target_.Send(connection_->socket(), pieces, count) == net::Io::kFailed) {
    broken_ = true;
    connection_->socket().Note(EPOLLIN);  // The target may have answered before it closed.
    return false;
  }
  head_sent_ = true;
  return true;
}

// --- The response --------------------------------------------------------------------------------

TargetEnd::Read Http1Target::ReadResponse(ResponseReader& reader) {
  net::StreamSocket& socket = connection_->socket();
  if (!socket.readable()) return Read::kBlocked;
  from_target_.Keep();
  size_t got = 0;
  switch (socket.Read(worker_.target_scratch.get(), kReadBytesMax, &got)) {
    case net::Io::kBlocked:
      // A target that takes no more and says nothing is as good as closed.
      return broken_ ? Read::kEnded : Read::kBlocked;
    case net::Io::kClosed:
      return TakeEnd(/*cleanly=*/true, reader);
    case net::Io::kFailed:
      return TakeEnd(/*cleanly=*/false, reader);
    case net::Io::kDone:
      break;
  }
  from_target_.Append(absl::string_view(worker_.target_scratch.get(), got));
  reader.OnBytes();
  return has_head_ ? TakeBody(reader) : TakeHeads(reader);
}

TargetEnd::Read Http1Target::TakeHeads(ResponseReader& reader) {
  using Kind = http1::Framing::Kind;
  for (;;) {
    switch (parser_.Feed(from_target_.view(), to_head_)) {
      case http1::Parse::kNeedMore:
        return Read::kProgress;
      case http1::Parse::kError:
        return Read::kMalformed;
      case http1::Parse::kDone:
        break;
    }
    const http1::ResponseHead& head = parser_.head();
    if (head.status >= 200) break;
    if (!reader.OnInterim(head)) return Read::kProgress;
    from_target_.Consume(parser_.head_bytes());
    parser_.Reset();
    if (from_target_.empty()) return Read::kProgress;
  }
  const http1::Framing framing = parser_.framing();
  has_head_ = true;
  has_body_ = framing.kind != Kind::kNone;
  if (has_body_) body_.Reset(framing);
  const bool length_known = framing.kind == Kind::kNone || framing.kind == Kind::kLength;
  if (!reader.OnHead(parser_.head(), has_body_, length_known)) return Read::kProgress;
  from_target_.Consume(parser_.head_bytes());
  return TakeBody(reader);
}

TargetEnd::Read Http1Target::TakeBody(ResponseReader& reader) {
  while (has_body_ && !body_.done() && !from_target_.empty()) {
    const http1::BodyDecoder::Piece piece = body_.Decode(from_target_.view());
    if (body_.error() != http1::Error::kNone) return Read::kMalformed;
    from_target_.Consume(piece.consumed);
    if (!piece.data.empty() && !reader.OnBody(piece.data)) return Read::kProgress;
  }
  if (!has_body_ || body_.done()) {
    static const auto& kNoTrailers = *new http::HeaderMap();
    // INVARIANT: the decoder of a response without a body still has another's trailers.
    reader.OnEnd(has_body_ ? body_.trailers() : kNoTrailers);
  }
  return Read::kProgress;
}

// The target closed its side, or the connection broke.
TargetEnd::Read Http1Target::TakeEnd(bool cleanly, ResponseReader& reader) {
  if (!has_head_ || !cleanly || !body_.FinishAtClose()) return Read::kEnded;
  reader.OnEnd(body_.trailers());
  return Read::kProgress;
}

absl::string_view Http1Target::error() const {
  return http1::ErrorName(has_head_ ? body_.error() : parser_.error());
}

void Http1Target::Finish(bool complete) {
  if (connection_ == nullptr) return;
  // More bytes than the response had would be read as the next one's.
  if (complete && parser_.keep_alive() && from_target_.empty()) {
    worker_.pool.Release(std::move(connection_));
  }
  connection_.reset();
  to_target_.Clear();
  from_target_.Clear();
}

}  // namespace trellis::proxy
