// One TLS connection over a non-blocking socket.
//
// It never waits: each call does what the socket allows now and says kBlocked when it must become
// readable or writable first. Made for edge-triggered loops: after kBlocked, call again on the next
// event of the socket, whichever it is.
#ifndef TRELLIS_NODE_TLS_TLS_SESSION_H_
#define TRELLIS_NODE_TLS_TLS_SESSION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "auth/trust/identity.h"
#include "node/tls/tls_context.h"

namespace trellis::tls {

// Thread-safety: none; one thread.
class TlsSession {
 public:
  enum class Io {
    kDone,     // What was asked for, perhaps in part.
    kBlocked,  // Nothing: wait for the socket.
    kClosed,   // The peer sends no more (properly or not: HTTP/2 notices truncation itself).
    kFailed,   // failure() says why; the connection is over.
  };

  // Borrow both; `socket` stays the caller's to close, after the session is gone.
  TlsSession(const TlsContext& context, int socket);
  ~TlsSession();

  Io Handshake();
  // kDone once the first bytes from the peer are there (and stay to be read). A server sees our
  // certificate only after our side of the handshake is done (TLS 1.3), so for a client only this
  // shows that it was accepted.
  Io AwaitFirstBytes();
  Io Read(char* buffer, size_t capacity, size_t* bytes);
  Io Write(absl::string_view bytes, size_t* written);
  // Tells the peer that we send no more, if the socket takes it.
  void SendCloseNotify();

  // UNAUTHENTICATED, FAILED_PRECONDITION, PERMISSION_DENIED or INVALID_ARGUMENT: the verifier's
  // words, or the peer's alert in ours. UNAVAILABLE: the connection broke.
  const absl::Status& failure() const;
  // After the handshake. Empty: none was agreed.
  std::string alpn() const;
  // Who the peer proved to be; none on kAlpnEnroll's server side.
  const std::optional<trust::PeerIdentity>& peer() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::tls

#endif  // TRELLIS_NODE_TLS_TLS_SESSION_H_
