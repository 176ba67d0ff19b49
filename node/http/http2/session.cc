#include "node/http/http2/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "node/http/http2/library.h"

namespace trellis::http2 {

using internal::Stream;

Session::Session(bool server, SessionContext* context, Events* events)
    : server_(server),
      context_(*context),
      events_(*events),
      session_(Library::NewSession(server, *context, this)),
      frames_(server ? kClientPreface.size() : 0),
      guard_(server, context->limits(), &context->counters()) {}

Session::~Session() {
  nghttp2_session_del(session_);
  while (first_ != nullptr) Close(first_);
  if (head_ != nullptr) context_.Release(std::move(head_));
}

absl::Status Session::Receive(absl::string_view bytes, absl::Duration now) {
  now_ = now;
  while (!bytes.empty() && !closing()) {
    bool complete;
    const size_t size = frames_.Next(bytes, &complete);
    if (complete) {
      const ErrorCode error = guard_.Admit(frames_.header(), now);
      if (error != ErrorCode::kNoError) {
        End(error);
        break;
      }
    }
    const ssize_t result =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), size);
    if (result < 0) {
      broken_ = true;
      const char* const text = nghttp2_strerror(static_cast<int>(result));
      return result == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? absl::InvalidArgumentError(text)
                                                    : absl::ResourceExhaustedError(text);
    }
    if (complete &&
        nghttp2_session_get_outbound_queue_size(session_) > context_.limits().queued_frames_max) {
      context_.counters().queue_floods.Add();
      End(ErrorCode::kEnhanceYourCalm);
    }
    bytes.remove_prefix(size);
  }
  return absl::OkStatus();
}

void Session::Produce(size_t bytes_max, std::string* out) {
  if (broken_) return;
  out_ = out;
  out_max_ = out->size() + bytes_max;
  while (out->size() < out_max_) {
    const uint8_t* data;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) broken_ = true;
    if (size <= 0) break;  // Nothing left, or SendBody has filled `out`.
    out->append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
  out_ = nullptr;
}

bool Session::wants_write() const { return !broken_ && nghttp2_session_want_write(session_) != 0; }

bool Session::finished() const {
  return broken_ || (nghttp2_session_want_read(session_) == 0 && !wants_write());
}

size_t Session::SendData(StreamId id, absl::string_view bytes, bool end) {
  Stream* const stream = Find(id);
  if (stream == nullptr || !stream->has_body || stream->ended) return 0;
  const size_t taken = std::min(bytes.size(), Room(id));
  stream->AppendBody(bytes.substr(0, taken));
  stream->ended = end && taken == bytes.size();
  if (stream->deferred && (taken > 0 || stream->ended)) {
    stream->deferred = false;
    nghttp2_session_resume_data(session_, id);
  }
  return taken;
}

void Session::SendTrailers(StreamId id, const http::HeaderMap& trailers) {
  Stream* const stream = Find(id);
  if (stream == nullptr || !stream->has_body || stream->ended) return;
  stream->has_trailers = PackFields(trailers, &stream->trailers);
  SendData(id, {}, /*end=*/true);
}

size_t Session::Room(StreamId id) const {
  const Stream* const stream = Find(id);
  if (stream == nullptr || !stream->has_body || stream->ended) return 0;
  const size_t most = context_.limits().send_buffer_bytes;
  return most - std::min(most, stream->body_left());
}

void Session::Consume(StreamId id, size_t bytes) {
  Stream* const stream = Find(id);
  if (stream == nullptr) return;
  bytes = std::min(bytes, stream->unconsumed);
  stream->unconsumed -= bytes;
  nghttp2_session_consume_stream(session_, id, bytes);
}

void Session::Reset(StreamId id, ErrorCode code) {
  Stream* const stream = Find(id);
  if (stream == nullptr) return;
  stream->discard = true;
  stream->owner_reset = true;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, static_cast<uint32_t>(code));
}

void Session::SetOwner(StreamId id, void* owner) {
  if (Stream* const stream = Find(id); stream != nullptr) stream->owner = owner;
}

void* Session::Owner(StreamId id) const {
  const Stream* const stream = Find(id);
  return stream == nullptr ? nullptr : stream->owner;
}

void Session::Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void Session::Drain() {
  if (draining_ || closing()) return;
  if (!server_) return DrainNow();
  draining_ = true;
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kDrainPing);
}

void Session::DrainNow() {
  if (drained_ || closing()) return;
  draining_ = drained_ = true;
  const int32_t last = server_ ? nghttp2_session_get_last_proc_stream_id(session_) : 0;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
}

void Session::End(ErrorCode code) {
  if (closing()) return;
  ending_ = true;
  nghttp2_session_terminate_session(session_, static_cast<uint32_t>(code));
}

FieldList& Session::fields() const { return context_.library_->fields; }

Stream* Session::Find(StreamId id) const {
  void* const known = nghttp2_session_get_stream_user_data(session_, id);
  if (known != nullptr || server_) return static_cast<Stream*>(known);
  // INVARIANT: heads go out in the order of their streams, so those not sent come first.
  for (Stream* stream = first_; stream != nullptr && !stream->sent_head; stream = stream->next) {
    if (stream->id == id) return stream;
  }
  return nullptr;
}

Stream* Session::Open(StreamId id) {
  Stream* const stream = context_.NewStream().release();
  stream->id = id;
  stream->next = first_;
  if (first_ != nullptr) first_->previous = stream;
  first_ = stream;
  ++streams_;
  return stream;
}

void Session::Close(Stream* stream) {
  (stream->previous != nullptr ? stream->previous->next : first_) = stream->next;
  if (stream->next != nullptr) stream->next->previous = stream->previous;
  --streams_;
  context_.Release(std::unique_ptr<Stream>(stream));
}

ServerSession::ServerSession(SessionContext* context, ServerEvents* events)
    : Session(/*server=*/true, context, events) {}

void ServerSession::SubmitResponse(StreamId id, int status, const http::HeaderMap& headers,
                                   bool end) {
  Stream* const stream = Find(id);
  if (stream == nullptr || stream->has_head) return;
  stream->has_head = true;
  stream->has_body = !end;
  FieldList& fields = this->fields();
  const absl::AlphaNum code(status);
  fields.Clear();
  fields.Add(":status", code.Piece());
  fields.Add(headers, /*host=*/true);
  const nghttp2_data_provider body = Library::Body(stream);
  nghttp2_submit_response(session_, id, fields.data(), fields.size(), end ? nullptr : &body);
}

void ServerSession::SubmitInterim(StreamId id, int status, const http::HeaderMap& headers) {
  Stream* const stream = Find(id);
  if (stream == nullptr || stream->has_head) return;
  FieldList& fields = this->fields();
  const absl::AlphaNum code(status);
  fields.Clear();
  fields.Add(":status", code.Piece());
  fields.Add(headers, /*host=*/true);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), fields.size(),
                         nullptr);
}

ClientSession::ClientSession(SessionContext* context, ClientEvents* events)
    : Session(/*server=*/false, context, events) {}

bool ClientSession::CanSubmit() const {
  return !closing() && !draining() && nghttp2_session_check_request_allowed(session_) != 0 &&
         streams() <
             nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

StreamId ClientSession::SubmitRequest(const RequestHeadToSend& head, const http::HeaderMap& headers,
                                      bool end) {
  CHECK(CanSubmit()) << "the caller asks before it submits";
  FieldList& fields = this->fields();
  fields.Clear();
  fields.Add(":method", head.method);
  fields.Add(":scheme", head.scheme);
  fields.Add(":authority", head.authority);
  fields.Add(":path", head.target);
  fields.Add(headers, /*host=*/false);
  if (head.te_trailers) fields.Add("te", "trailers");
  // The library gives ids in this order, and tells the stream only when its head goes out.
  const StreamId id = static_cast<StreamId>(nghttp2_session_get_next_stream_id(session_));
  Stream* const stream = Open(id);
  stream->announced = true;
  stream->has_head = true;
  stream->has_body = !end;
  context_.counters().requests.Add();
  const nghttp2_data_provider body = Library::Body(stream);
  const int32_t submitted = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                                   end ? nullptr : &body, stream);
  CHECK(submitted == id) << nghttp2_strerror(submitted);
  return id;
}

}  // namespace trellis::http2
