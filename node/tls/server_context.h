// TLS towards callers: what a worker's connections have in common, and one connection's TLS.
//
// TLS 1.2 and 1.3, no client certificates, certificates by SNI, tickets, ALPN "h2" before "http/1.1"
// (none: HTTP/1.1; reference 6.3). Not the mesh port's TLS, which is tls_context.h.
#ifndef TRELLIS_NODE_TLS_SERVER_CONTEXT_H_
#define TRELLIS_NODE_TLS_SERVER_CONTEXT_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/runtime/scheduler.h"
#include "node/net/stream_socket.h"
#include "node/tls/server_certificates.h"
#include "node/tls/ticket_keys.h"

struct ssl_ctx_st;

namespace trellis::tls {

// One accepted connection. Give it to its StreamSocket when the handshake is done.
class ServerLayer : public net::StreamLayer {
 public:
  // Goes on with the handshake: kDone, kBlocked (call again on the next event), kFailed.
  virtual net::Io Handshake(net::StreamSocket& socket) = 0;

  // Once it is done.
  virtual bool speaks_http2() const = 0;
  virtual bool resumed() const = 0;
  virtual std::string server_name() const = 0;
  virtual absl::string_view version() const = 0;  // "TLSv1.3"; static, as the cipher's name.
  virtual absl::string_view cipher() const = 0;
  // Once it failed: the library's word.
  virtual std::string failure() const = 0;
};

// Thread-safety: none; one worker's. Outlives its layers.
class ServerContext {
 public:
  // `tickets` is borrowed, and the clock is what it is asked with.
  ServerContext(TicketKeys& tickets, Scheduler& clock);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // Handshakes that begin from now on show these.
  void SetCertificates(std::shared_ptr<const ServerCertificates> certificates);
  bool has_certificates() const { return certificates_ != nullptr && !certificates_->empty(); }

  // `received` came already.
  std::unique_ptr<ServerLayer> Accept(absl::string_view received);

 private:
  struct Library;  // The library's callbacks.
  using Context = std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)>;

  Context NewContext();
  ssl_ctx_st* ContextOf(const ServerCertificate& certificate);

  TicketKeys& tickets_;
  Scheduler& clock_;
  std::shared_ptr<const ServerCertificates> certificates_;
  const Context context_;  // In which handshakes begin.
  // Of the present certificates, by what they are.
  absl::flat_hash_map<const ServerCertificate*, Context> contexts_;
};

}  // namespace trellis::tls

#endif  // TRELLIS_NODE_TLS_SERVER_CONTEXT_H_
