// What all TLS connections of one kind have in common: certificate, verification, protocols.
//
// TLS 1.3 only, both ends verified, no resumption: every connection proves anew who is there.
// Decision: docs/decisions/0002-one-tls-stack.md.
#ifndef TRELLIS_NODE_TLS_TLS_CONTEXT_H_
#define TRELLIS_NODE_TLS_TLS_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"

struct ssl_ctx_st;

namespace trellis::tls {

// Protocols of the mesh port (ALPN, RFC 7301).
inline constexpr absl::string_view kAlpnHttp2 = "h2";                 // gRPC between members.
inline constexpr absl::string_view kAlpnEnroll = "trellis-enroll/1";  // gRPC, no certificate yet.
inline constexpr absl::string_view kAlpnRenew = "trellis-renew/1";  // gRPC, it may just have ended.

using Now = std::function<absl::Time()>;

// Decides who the peer is by the chain it sent, leaf first, in DER; never empty. An error ends the
// handshake, and its code chooses the alert the peer gets: FAILED_PRECONDITION certificate_expired,
// PERMISSION_DENIED access_denied, any other unknown_ca. Called on the connection's thread.
using Verifier =
    std::function<absl::StatusOr<trust::PeerIdentity>(const std::vector<absl::string_view>& chain)>;

// Accepts what `root` signed and is valid at `now()`.
Verifier VerifyByRoot(trust::MeshRoot root, Now now);
// As VerifyByRoot, but ended for less than trust::kRenewalGrace will do.
Verifier VerifyForRenewal(trust::MeshRoot root, Now now);
// For a host that has a join token only: the chain must carry the root of that SHA-256, and the
// leaf must be an admin agent's: a worker whose key is stolen must not collect tokens.
Verifier VerifyByPin(std::string root_sha256, Now now);

// What an agent or operator shows.
struct Credentials {
  std::string certificate_pem;
  std::string key_pem;
  std::string root_pem;
};

// Thread-safety: none; the thread of its sessions, which it outlives.
class TlsContext {
 public:
  // The mesh port: asks for and requires a certificate, but on kAlpnEnroll, where there is none
  // yet. Peers on kAlpnRenew are for `renewal_verifier` (none: `verifier`) to judge. Connections
  // without one of the three protocols are refused.
  //   INVALID_ARGUMENT      a certificate or key cannot be read
  //   FAILED_PRECONDITION   the key is not the certificate's
  static absl::StatusOr<std::unique_ptr<TlsContext>> ForServer(const Credentials& credentials,
                                                               Verifier verifier,
                                                               Verifier renewal_verifier = nullptr);
  // Speaks `protocol`, kAlpnHttp2 or kAlpnRenew. Same errors.
  static absl::StatusOr<std::unique_ptr<TlsContext>> ForMember(
      const Credentials& credentials, Verifier verifier, absl::string_view protocol = kAlpnHttp2);
  // Shows no certificate, speaks kAlpnEnroll.
  static std::unique_ptr<TlsContext> ForEnrollment(Verifier verifier);

  // What sessions made from now on show. Same errors; nothing changed then.
  absl::Status Use(const Credentials& credentials);

  ssl_ctx_st* get() const { return context_.get(); }  // For TlsSession.
  // Who judges a peer that agreed on `protocol`.
  const Verifier& VerifierOf(absl::string_view protocol) const {
    return protocol == kAlpnRenew ? renewal_verifier_ : verifier_;
  }
  bool is_server() const { return is_server_; }
  absl::string_view client_alpn() const { return client_alpn_; }

 private:
  friend class TlsContextTestPeer;

  TlsContext(bool is_server, absl::string_view client_alpn, Verifier verifier,
             Verifier renewal_verifier);

  const std::shared_ptr<ssl_ctx_st> context_;
  const bool is_server_;
  const absl::string_view client_alpn_;
  const Verifier verifier_;
  const Verifier renewal_verifier_;
};

}  // namespace trellis::tls

#endif  // TRELLIS_NODE_TLS_TLS_CONTEXT_H_
