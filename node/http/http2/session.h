// HTTP/2 without I/O: bytes in, events out; calls in, bytes out.
//
// Frames, HPACK and windows are libnghttp2's. Added here: heads held to HTTP/1's rules, body
// buffers, floods bounded and counted, streams that are over.
//
//   limits.h         Limits and Counters
//   error_code.h     why streams and sessions end
//   head_reader.h    Request and Response
//   session_context.h  what the sessions of a thread share
//
// Spec: RFC 9113; RFC 9218 is not heeded: streams take turns. Extended CONNECT (RFC 8441), CONNECT,
// push and h2c by Upgrade are not served. Thread-safety: none; a worker owns its sessions.
#ifndef TRELLIS_NODE_HTTP_HTTP2_SESSION_H_
#define TRELLIS_NODE_HTTP_HTTP2_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/http/header_map.h"
#include "node/http/http1/message.h"
#include "node/http/http2/error_code.h"
#include "node/http/http2/frame_guard.h"
#include "node/http/http2/frame_reader.h"
#include "node/http/http2/head_reader.h"
#include "node/http/http2/session_context.h"

struct nghttp2_session;

namespace trellis::http2 {

class FieldList;

using StreamId = int32_t;

// What a session tells its user, from inside Receive and Produce. Views die with the call. Any call
// on the session is allowed from within, but Receive, Produce and its destruction.
class Events {
 public:
  virtual ~Events() = default;

  // Part of the body. `end`: nothing follows, and `bytes` may be empty. What is not used at once
  // the user copies, and says Consume when it is rid of it.
  virtual void OnData(StreamId stream, absl::string_view bytes, bool end) = 0;
  // Nothing follows.
  virtual void OnTrailers(StreamId stream, const http::HeaderMap& trailers) = 0;
  // `bytes` of what SendData took have left: there is so much more room.
  virtual void OnBodySent(StreamId stream, size_t bytes) = 0;
  // The last word on a stream whose head was passed on, either way. kNoError: it ran its course,
  // or a server answered without waiting for the rest. kRefusedStream: nothing was done.
  virtual void OnClosed(StreamId stream, ErrorCode code) = 0;
  // The peer takes, and begins, no stream after this. Those of ours above `last` close by
  // kRefusedStream.
  virtual void OnGoaway(StreamId last, ErrorCode code) = 0;
  virtual void OnPingAck() {}
};

class ServerEvents : public Events {
 public:
  virtual void OnRequest(StreamId stream, const Request& request) = 0;
  // Well-formed, and not for us: kHeadTooLarge, kTooManyHeaders, kMethod (CONNECT). It wants an
  // answer; its body is dropped. Malformed requests are reset without a word (RFC 9113 8.1.1).
  virtual void OnRefused(StreamId stream, http1::Error error) = 0;
};

class ClientEvents : public Events {
 public:
  virtual void OnInterim(StreamId stream, const http1::ResponseHead& head) = 0;  // 1xx.
  virtual void OnResponse(StreamId stream, const Response& response) = 0;
};

// What both ends have in common. Calls on streams that are over, or never were, do nothing.
class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Works on what the peer sent, in pieces of any size. `now` is monotonic. Not OK when it cannot
  // go on and cannot even say so; else errors of the connection are in what Produce gives next, as
  // a GOAWAY, and finished() once it did.
  //   INVALID_ARGUMENT    the client's preface is not HTTP/2's
  //   RESOURCE_EXHAUSTED  a flood
  absl::Status Receive(absl::string_view bytes, absl::Duration now);

  // Appends frames until `out` has grown by `bytes_max` or more, by one frame at most, or none is
  // left that may be sent.
  void Produce(size_t bytes_max, std::string* out);
  // Produce would append something.
  bool wants_write() const;
  // Nothing more is to be received or sent: flush, and close the connection. Streams that are still
  // open then get no OnClosed.
  bool finished() const;
  // What our GOAWAY said, kNoError if it was none or no error.
  ErrorCode error() const { return error_; }

  // Takes the bytes there is room for, and tells how many; with `end` and all taken, the body is
  // whole. Zero for a stream that takes none.
  size_t SendData(StreamId stream, absl::string_view bytes, bool end);
  // Ends the body by trailers, those marked hop_by_hop left out. Copies them.
  void SendTrailers(StreamId stream, const http::HeaderMap& trailers);
  // Bytes SendData would take.
  size_t Room(StreamId stream) const;
  // The user is rid of `bytes` of OnData: the peer may send as many more.
  void Consume(StreamId stream, size_t bytes);
  // OnClosed follows with the same code, from Produce.
  void Reset(StreamId stream, ErrorCode code);

  // Of the user's; null until set.
  void SetOwner(StreamId stream, void* owner);
  void* Owner(StreamId stream) const;
  size_t streams() const { return streams_; }  // Open, either way.

  void Ping();
  // Streams under way go on, new ones are refused; finished() when the last is over. A server says
  // so twice, the second time when the client has answered (RFC 9113 6.8), or on DrainNow.
  void Drain();
  void DrainNow();

 protected:
  Session(bool server, SessionContext* context, Events* events);
  ~Session();

  struct Library;  // The library's callbacks and types.
  friend struct Library;
  friend class SessionContext;

  FieldList& fields() const;  // Scratch.
  bool closing() const { return broken_ || ending_; }
  bool draining() const { return draining_; }
  internal::Stream* Find(StreamId stream) const;
  internal::Stream* Open(StreamId stream);
  void Close(internal::Stream* stream);

  const bool server_;
  SessionContext& context_;
  Events& events_;
  nghttp2_session* session_ = nullptr;

 private:
  void End(ErrorCode code);  // By GOAWAY.

  FrameReader frames_;
  FrameGuard guard_;
  absl::Duration now_;
  std::unique_ptr<HeadInProgress> head_;  // While a block of fields is being read.
  internal::Stream* first_ = nullptr;
  size_t streams_ = 0;
  std::string* out_ = nullptr;  // Within Produce.
  size_t out_max_ = 0;
  bool broken_ = false;  // The library gave up.
  bool ending_ = false;  // We gave up, and say so.
  bool draining_ = false;
  bool drained_ = false;
  ErrorCode error_ = ErrorCode::kNoError;
};

// Downstream: clients speak to us.
class ServerSession : public Session {
 public:
  // Both outlive it. What Produce gives first are our settings.
  ServerSession(SessionContext* context, ServerEvents* events);

  // Fields marked hop_by_hop are left out, names sent in lower case. `end`: there is no body.
  // When the response is whole and the request is not, the stream is reset with kNoError (RFC 9113
  // 8.1).
  void SubmitResponse(StreamId stream, int status, const http::HeaderMap& headers, bool end);
  void SubmitInterim(StreamId stream, int status, const http::HeaderMap& headers);
};

// A request to a target. `headers` as SubmitResponse's; "host" is left out, the authority says it.
struct RequestHeadToSend {
  absl::string_view method;
  absl::string_view scheme;
  absl::string_view authority;
  absl::string_view target;
  bool te_trailers = false;  // "te: trailers": the one TE there may be.
};

// Upstream: we speak to targets.
class ClientSession : public Session {
 public:
  // Both outlive it. What Produce gives first are the preface and our settings.
  ClientSession(SessionContext* context, ClientEvents* events);

  // The target takes another request at once.
  bool CanSubmit() const;
  // REQUIRES: CanSubmit(). Returns the stream, whose OnClosed will come.
  StreamId SubmitRequest(const RequestHeadToSend& head, const http::HeaderMap& headers, bool end);
};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_SESSION_H_
