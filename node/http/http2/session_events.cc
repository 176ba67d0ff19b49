// What the library tells a session, turned into events.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log/log.h"
#include "node/http/http2/library.h"

namespace trellis::http2 {

using internal::Stream;

namespace {

constexpr int kResetStream = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
constexpr uint32_t kUrgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY;

Session& ToSession(void* user) { return *static_cast<Session*>(user); }

absl::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

bool EndsStream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

void SubmitReset(nghttp2_session* session, int32_t id, ErrorCode code) {
  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, static_cast<uint32_t>(code));
}

}  // namespace

void Session::Library::SetCallbacks(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrameReceived);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnDataChunk);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, OnFrameSent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, OnFrameNotSent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnStreamClosed);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, SendBody);
}

nghttp2_session* Session::Library::NewSession(bool server, const SessionContext& context,
                                              Session* user) {
  const Limits& limits = context.limits();
  const SessionContext::Library& library = *context.library_;
  nghttp2_session* session = nullptr;
  // RFC 9113 6.5.2: a field counts for 32 bytes more than its text.
  const uint32_t list_bytes =
      static_cast<uint32_t>(limits.head_bytes_max + 32 * limits.headers_max);
  int result;
  if (server) {
    result = nghttp2_session_server_new2(&session, library.callbacks, user, library.options);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, list_bytes},
        // Without their tree there is none for a client to grow.
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    if (result == 0) result = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 4);
  } else {
    result = nghttp2_session_client_new2(&session, library.callbacks, user, library.options);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, list_bytes},
    };
    if (result == 0) result = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 3);
  }
  if (result == 0) {
    result = nghttp2_session_set_local_window_size(
        session, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(limits.connection_window_bytes));
  }
  CHECK(result == 0) << nghttp2_strerror(result);
  return session;
}

nghttp2_data_provider Session::Library::Body(Stream* stream) {
  nghttp2_data_provider body;
  body.source.ptr = stream;
  body.read_callback = ReadBody;
  return body;
}

int Session::Library::OnBeginHeaders(nghttp2_session* library, const nghttp2_frame* frame,
                                     void* user) {
  Session& session = ToSession(user);
  const int32_t id = frame->hd.stream_id;
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    if (session.drained_) {
      SubmitReset(library, id, ErrorCode::kRefusedStream);
      return kResetStream;
    }
    nghttp2_session_set_stream_user_data(library, id, session.Open(id));
    // One body after the other is the default; an endless one would starve those behind it.
    nghttp2_extpri priority = {kUrgency, /*inc=*/1};
    nghttp2_session_change_extpri_stream_priority(library, id, &priority,
                                                  /*ignore_client_signal=*/1);
  }
  if (session.head_ == nullptr) session.head_ = session.context_.NewHead();
  session.head_->reader.Clear();
  return 0;
}

int Session::Library::OnHeader(nghttp2_session* library, const nghttp2_frame* frame,
                               const uint8_t* name, size_t name_size, const uint8_t* value,
                               size_t value_size, uint8_t, void* user) {
  Session& session = ToSession(user);
  if (session.head_->reader.Add(View(name, name_size), View(value, value_size),
                                session.context_.limits())) {
    return 0;
  }
  SubmitReset(library, frame->hd.stream_id, ErrorCode::kEnhanceYourCalm);
  return kResetStream;
}

int Session::Library::OnFrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Session& session = ToSession(user);
  switch (frame->hd.type) {
    case NGHTTP2_DATA: {
      const Stream* const stream = session.Find(frame->hd.stream_id);
      if (stream != nullptr && !stream->discard && EndsStream(*frame)) {
        session.events_.OnData(stream->id, {}, /*end=*/true);
      }
      break;
    }
    case NGHTTP2_HEADERS: {
      Stream* const stream = session.Find(frame->hd.stream_id);
      if (stream == nullptr) break;
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        TakeRequest(session, *stream, EndsStream(*frame));
      } else if (!session.server_ && !stream->has_final) {
        TakeResponse(session, *stream, EndsStream(*frame));
      } else {
        TakeTrailers(session, *stream);
      }
      session.context_.Release(std::move(session.head_));
      break;
    }
    case NGHTTP2_RST_STREAM:
      session.context_.counters().resets_received.Add();
      break;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) break;
      if (std::memcmp(frame->ping.opaque_data, kDrainPing, sizeof(kDrainPing)) == 0) {
        if (session.draining_) session.DrainNow();
      } else {
        session.events_.OnPingAck();
      }
      break;
    case NGHTTP2_GOAWAY:
      session.events_.OnGoaway(frame->goaway.last_stream_id,
                               static_cast<ErrorCode>(frame->goaway.error_code));
      break;
    default:
      break;
  }
  return 0;
}

void Session::Library::TakeRequest(Session& session, Stream& stream, bool end) {
  auto& events = static_cast<ServerEvents&>(session.events_);
  Request& request = session.head_->request;
  const http1::Error error = session.head_->reader.Finish(&request);
  switch (error) {
    case http1::Error::kNone:
      session.context_.counters().requests.Add();
      stream.announced = true;
      request.end = end;
      return events.OnRequest(stream.id, request);
    case http1::Error::kHeadTooLarge:
    case http1::Error::kTooManyHeaders:
    case http1::Error::kMethod:
      session.context_.counters().refused.Add();
      stream.announced = true;
      stream.discard = true;
      return events.OnRefused(stream.id, error);
    default:
      return ResetMalformed(session, stream.id);
  }
}

void Session::Library::TakeResponse(Session& session, Stream& stream, bool end) {
  auto& events = static_cast<ClientEvents&>(session.events_);
  Response& response = session.head_->response;
  if (session.head_->reader.Finish(&response) != http1::Error::kNone) {
    return ResetMalformed(session, stream.id);
  }
  if (stream.discard) return;
  if (response.head.status < 200) return events.OnInterim(stream.id, response.head);
  stream.has_final = true;
  response.end = end;
  events.OnResponse(stream.id, response);
}

void Session::Library::TakeTrailers(Session& session, Stream& stream) {
  http::HeaderMap& trailers = session.head_->trailers;
  if (session.head_->reader.FinishTrailers(session.context_.limits(), &trailers) !=
      http1::Error::kNone) {
    return ResetMalformed(session, stream.id);
  }
  if (!stream.discard) session.events_.OnTrailers(stream.id, trailers);
}

void Session::Library::ResetMalformed(Session& session, int32_t id) {
  SubmitReset(session.session_, id, ErrorCode::kProtocolError);
}

int Session::Library::OnDataChunk(nghttp2_session* library, uint8_t, int32_t id,
                                  const uint8_t* data, size_t size, void* user) {
  Session& session = ToSession(user);
  nghttp2_session_consume_connection(library, size);
  Stream* const stream = session.Find(id);
  // What overruns its window the library resets, and passes on all the same.
  const size_t window =
      std::max<size_t>(session.context_.limits().stream_window_bytes, NGHTTP2_INITIAL_WINDOW_SIZE);
  if (stream != nullptr && stream->unconsumed + size > window) stream->discard = true;
  if (stream == nullptr || stream->discard) {
    nghttp2_session_consume_stream(library, id, size);
    return 0;
  }
  stream->unconsumed += size;
  session.events_.OnData(id, View(data, size), /*end=*/false);
  return 0;
}

int Session::Library::OnFrameSent(nghttp2_session* library, const nghttp2_frame* frame,
                                  void* user) {
  Session& session = ToSession(user);
  const int32_t id = frame->hd.stream_id;
  switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS: {
      session.guard_.NoteSent();
      Stream* const stream = session.Find(id);
      if (stream == nullptr) break;
      stream->sent_head = true;
      if (!EndsStream(*frame)) break;
      stream->finished = true;
      if (session.server_ && nghttp2_session_get_stream_remote_close(library, id) == 0) {
        stream->discard = true;
        stream->owner_reset = true;
        SubmitReset(library, id, ErrorCode::kNoError);
      }
      break;
    }
    case NGHTTP2_RST_STREAM:
      CountReset(session, *frame);
      break;
    case NGHTTP2_GOAWAY:
      if (frame->goaway.error_code == NGHTTP2_NO_ERROR) break;
      session.error_ = static_cast<ErrorCode>(frame->goaway.error_code);
      session.context_.counters().goaways_sent.Add();
      break;
    default:
      break;
  }
  return 0;
}

void Session::Library::CountReset(Session& session, const nghttp2_frame& frame) {
  const Stream* const stream = session.Find(frame.hd.stream_id);
  if (session.drained_ || (stream != nullptr && stream->owner_reset)) return;
  if (frame.rst_stream.error_code != NGHTTP2_REFUSED_STREAM) {
    session.context_.counters().malformed.Add();
  }
  const ErrorCode error = session.guard_.NoteForcedReset(session.now_);
  if (error != ErrorCode::kNoError) session.End(error);
}

// A head that is larger than the library will send.
int Session::Library::OnFrameNotSent(nghttp2_session* library, const nghttp2_frame* frame,
                                     int error, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS || error != NGHTTP2_ERR_FRAME_SIZE_ERROR) return 0;
  Stream* const stream = ToSession(user).Find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  stream->owner_reset = true;
  SubmitReset(library, frame->hd.stream_id, ErrorCode::kInternalError);
  return 0;
}

int Session::Library::OnStreamClosed(nghttp2_session*, int32_t id, uint32_t code, void* user) {
  Session& session = ToSession(user);
  Stream* const stream = session.Find(id);
  if (stream == nullptr) return 0;
  if (stream->finished && code == NGHTTP2_NO_ERROR) session.guard_.NoteServed();
  if (stream->announced) session.events_.OnClosed(id, static_cast<ErrorCode>(code));
  session.Close(stream);
  return 0;
}

ssize_t Session::Library::ReadBody(nghttp2_session* library, int32_t id, uint8_t*, size_t size,
                                   uint32_t* flags, nghttp2_data_source* source, void* user) {
  Stream& stream = *static_cast<Stream*>(source->ptr);
  const size_t left = stream.body_left();
  if (left == 0 && !stream.ended) {
    stream.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left > size || !stream.ended) return static_cast<ssize_t>(std::min(left, size));
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.has_trailers) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    FieldList& fields = ToSession(user).fields();
    fields.Clear();
    fields.AddPacked(stream.trailers);
    if (nghttp2_submit_trailer(library, id, fields.data(), fields.size()) != 0) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }
  return static_cast<ssize_t>(left);
}

int Session::Library::SendBody(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head,
                               size_t size, nghttp2_data_source* source, void* user) {
  Session& session = ToSession(user);
  Stream& stream = *static_cast<Stream*>(source->ptr);
  std::string& out = *session.out_;
  out.append(reinterpret_cast<const char*>(head), kFrameHeaderBytes);
  const absl::string_view bytes = stream.TakeBody(size);
  out.append(bytes.data(), bytes.size());
  stream.ForgetTaken();
  if (size > 0) session.events_.OnBodySent(frame->hd.stream_id, size);
  return out.size() >= session.out_max_ ? NGHTTP2_ERR_PAUSE : 0;
}

}  // namespace trellis::http2
