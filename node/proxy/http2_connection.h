// One HTTP/2 client connection, and its streams: each a client's end of an exchange of its own.
//
//   http2_connection.cc  bytes in and out, turns, streams coming and going
//   http2_stream.{h,cc}  what an exchange reads from, and sends on, a stream
//
// The session tells what came from inside Receive and Produce; streams it concerns are pumped after
// that. Frames of one turn leave together.
#ifndef TRELLIS_NODE_PROXY_HTTP2_CONNECTION_H_
#define TRELLIS_NODE_PROXY_HTTP2_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "node/http/http2/session.h"
#include "node/net/lazy_timer.h"
#include "node/net/stream_socket.h"
#include "node/proxy/client_connection.h"
#include "node/proxy/client_end.h"
#include "node/proxy/http2_stream.h"

namespace trellis::proxy {

class Http2Connection final : public ClientConnection, private http2::ServerEvents {
 public:
  Http2Connection(WorkerState& worker, net::StreamSocket socket, const ClientAddress& address);
  ~Http2Connection() override = default;
  // Begins to serve in place of a connection that was watched (WorkerState::Replace); `bytes` came
  // already.
  void Start(absl::string_view bytes);
  int fd() const { return socket_.fd(); }

  void Drain() override;
  void Abort() override;
  void OnEvents(uint32_t events) override;
  void Pump() override;

  // --- For its streams ---
  http2::ServerSession& session() { return session_; }
  // Pumps the stream, and sends what comes of it, before the worker sleeps.
  void PumpSoon(Http2Stream& stream);

 private:
  // ServerEvents.
  void OnRequest(http2::StreamId id, const http2::Request& request) override;
  void OnRefused(http2::StreamId id, http1::Error error) override;
  void OnData(http2::StreamId id, absl::string_view bytes, bool end) override;
  void OnTrailers(http2::StreamId id, const http::HeaderMap& trailers) override;
  void OnBodySent(http2::StreamId id, size_t bytes) override;
  void OnClosed(http2::StreamId id, http2::ErrorCode code) override;
  void OnGoaway(http2::StreamId, http2::ErrorCode) override {}

  Http2Stream& Open(http2::StreamId id);
  Http2Stream* Find(http2::StreamId id) const;
  void Ready(Http2Stream& stream);
  void PumpStream(Http2Stream& stream);
  // The stream is over for us; the session may have some of it to send yet.
  void Release(Http2Stream& stream);
  bool Receive();
  bool PumpStreams();
  bool Flush();
  void Close();

  WorkerState& worker_;
  net::StreamSocket socket_;
  const ClientAddress address_;
  const absl::Duration opened_;
  http2::ServerSession session_;
  net::SendQueue to_client_;
  std::vector<std::unique_ptr<Http2Stream>> streams_;
  std::vector<http2::StreamId> ready_;    // To be pumped.
  std::vector<http2::StreamId> pumping_;  // Of ready_, in PumpStreams.
  bool closed_ = true;
  net::LazyTimer timer_;  // Of idling.
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_HTTP2_CONNECTION_H_
