#include "node/proxy/tls_handshake.h"

#include <utility>

#include "base/log/log.h"
#include "node/proxy/http1_connection.h"
#include "node/proxy/http2_connection.h"
#include "node/proxy/worker_state.h"

namespace trellis::proxy {

TlsHandshake::TlsHandshake(WorkerState& worker, net::StreamSocket socket,
                           const ClientAddress& address)
    : worker_(worker),
      socket_(std::move(socket)),
      address_(address),
      timer_(worker.loop, [this] { Close(); }) {}

void TlsHandshake::Start(absl::string_view bytes) {
  closed_ = false;
  layer_ = worker_.tls.Accept(bytes);
  timer_.Set(worker_.options.handshake_timeout);
  Pump();
}

void TlsHandshake::OnEvents(uint32_t events) {
  socket_.Note(events);
  Pump();
}

void TlsHandshake::Pump() {
  if (closed_) return;
  switch (layer_->Handshake(socket_)) {
    case net::Io::kDone:
      Finish();
      return;
    case net::Io::kBlocked:
      return;
    case net::Io::kClosed:
    case net::Io::kFailed:
      LOG(DEBUG) << address_.text << ": no TLS: " << layer_->failure();
      worker_.counters.tls_failures.Add();
      Close();
  }
}

void TlsHandshake::Finish() {
  worker_.counters.tls_handshakes.Add();
  if (layer_->resumed()) worker_.counters.tls_resumptions.Add();
  const bool http2 = layer_->speaks_http2();
  address_.tls = true;
  address_.server_name = layer_->server_name();
  address_.tls_version = layer_->version();
  address_.tls_cipher = layer_->cipher();
  socket_.SetLayer(std::move(layer_));
  // The client's first request may be here already, read with the handshake's last bytes.
  socket_.Note(EPOLLIN);
  closed_ = true;
  timer_.Clear();
  if (http2) {
    auto next = std::make_unique<Http2Connection>(worker_, std::move(socket_), address_);
    Http2Connection& connection = *next;
    worker_.Replace(this, std::move(next), connection.fd());
    connection.Start({});
  } else {
    auto next = std::make_unique<Http1Connection>(worker_, std::move(socket_), address_);
    Http1Connection& connection = *next;
    worker_.Replace(this, std::move(next), connection.fd());
    connection.Resume();
  }
}

void TlsHandshake::Close() {
  if (std::exchange(closed_, true)) return;
  timer_.Clear();
  worker_.loop.Unwatch(socket_.fd(), this);
  worker_.Retire(this);
}

}  // namespace trellis::proxy
