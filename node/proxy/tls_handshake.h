// A client connection that begins with a TLS handshake. When that is done its socket goes to an
// Http2Connection or an Http1Connection, as ALPN says.
#ifndef TRELLIS_NODE_PROXY_TLS_HANDSHAKE_H_
#define TRELLIS_NODE_PROXY_TLS_HANDSHAKE_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "node/net/lazy_timer.h"
#include "node/net/stream_socket.h"
#include "node/proxy/client_connection.h"
#include "node/proxy/client_end.h"
#include "node/tls/server_context.h"

namespace trellis::proxy {

struct WorkerState;

class TlsHandshake final : public ClientConnection {
 public:
  TlsHandshake(WorkerState& worker, net::StreamSocket socket, const ClientAddress& address);
  ~TlsHandshake() override = default;
  // Begins in place of a connection that was watched (WorkerState::Replace); `bytes` came already.
  void Start(absl::string_view bytes);
  int fd() const { return socket_.fd(); }

  void Drain() override { Close(); }
  void Abort() override { Close(); }
  void OnEvents(uint32_t events) override;
  void Pump() override;

 private:
  void Finish();
  void Close();

  WorkerState& worker_;
  net::StreamSocket socket_;
  ClientAddress address_;
  std::unique_ptr<tls::ServerLayer> layer_;
  bool closed_ = true;
  net::LazyTimer timer_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_TLS_HANDSHAKE_H_
