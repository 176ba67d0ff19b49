#include "node/tls/tls_context.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "auth/trust/key_pair.h"
#include "base/crypto/digest.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::tls {
namespace {

bool IsProtocol(const uint8_t* data, size_t size, absl::string_view protocol) {
  return absl::string_view(reinterpret_cast<const char*>(data), size) == protocol;
}

// Chosen before the certificate request goes out, so this is where enrolment is let in without one.
// Nothing secret is served there; the handshake still shows the host that the root is the pinned.
int SelectProtocol(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                   unsigned in_size, void*) {
  for (unsigned at = 0; at + 1 + in[at] <= in_size; at += 1 + in[at]) {
    const uint8_t* const name = in + at + 1;
    const bool enroll = IsProtocol(name, in[at], kAlpnEnroll);
    if (!enroll && !IsProtocol(name, in[at], kAlpnHttp2) && !IsProtocol(name, in[at], kAlpnRenew)) {
      continue;
    }
    if (enroll) SSL_set_custom_verify(ssl, SSL_VERIFY_NONE, nullptr);
    *out = name;
    *out_size = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bssl::UniquePtr<CRYPTO_BUFFER> ToBuffer(absl::string_view der) {
  return bssl::UniquePtr<CRYPTO_BUFFER>(
      CRYPTO_BUFFER_new(reinterpret_cast<const uint8_t*>(der.data()), der.size(), nullptr));
}

}  // namespace

Verifier VerifyByRoot(trust::MeshRoot root, Now now) {
  return [root = std::move(root), now = std::move(now)](
             const std::vector<absl::string_view>& chain) -> absl::StatusOr<trust::PeerIdentity> {
    return trust::VerifyChain(chain.front(), root, now());
  };
}

Verifier VerifyForRenewal(trust::MeshRoot root, Now now) {
  return [root = std::move(root), now = std::move(now)](
             const std::vector<absl::string_view>& chain) -> absl::StatusOr<trust::PeerIdentity> {
    return trust::VerifyForRenewal(chain.front(), root, now());
  };
}

Verifier VerifyByPin(std::string root_sha256, Now now) {
  return [pin = std::move(root_sha256), now = std::move(now)](
             const std::vector<absl::string_view>& chain) -> absl::StatusOr<trust::PeerIdentity> {
    for (const absl::string_view der : chain) {
      if (crypto::Sha256String(der) != pin) continue;
      ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromDer(der));
      ASSIGN_OR_RETURN(trust::PeerIdentity peer, trust::VerifyChain(chain.front(), root, now()));
      if (peer.kind == trust::PeerKind::kAgent && peer.role == trust::PeerRole::kAdmin) return peer;
      return absl::UnauthenticatedError(
          absl::StrCat("certificate: ", peer.ToString(),
                       " admits nobody; only an agent whose role is admin gets the join token"));
    }
    return absl::UnauthenticatedError(
        "certificate: the agent's root is not the one the join token names: another mesh answers "
        "at that address");
  };
}

TlsContext::TlsContext(bool is_server, absl::string_view client_alpn, Verifier verifier,
                       Verifier renewal_verifier)
    : context_(SSL_CTX_new(TLS_with_buffers_method()), SSL_CTX_free),
      is_server_(is_server),
      client_alpn_(client_alpn),
      verifier_(std::move(verifier)),
      renewal_verifier_(renewal_verifier != nullptr ? std::move(renewal_verifier) : verifier_) {
  CHECK(context_ != nullptr);
  SSL_CTX* const context = context_.get();
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) &&
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION));
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // The pump's buffers move and a record may go out in parts.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (is_server) SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
}

absl::Status TlsContext::Use(const Credentials& credentials) {
  ASSIGN_OR_RETURN(const std::string leaf,
                   trust::CertificateDerFromPem(credentials.certificate_pem));
  ASSIGN_OR_RETURN(const trust::MeshRoot root, trust::MeshRoot::FromPem(credentials.root_pem));
  ASSIGN_OR_RETURN(const trust::KeyPair key, trust::KeyPair::FromPem(credentials.key_pem));
  // The root goes along for hosts that know no more of it than its hash.
  const auto leaf_buffer = ToBuffer(leaf);
  const auto root_buffer = ToBuffer(root.der());
  CRYPTO_BUFFER* const chain[] = {leaf_buffer.get(), root_buffer.get()};
  if (!SSL_CTX_set_chain_and_key(context_.get(), chain, 2, key.get(), nullptr)) {
    ERR_clear_error();
    return absl::FailedPreconditionError("the private key is not the certificate's");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::ForServer(const Credentials& credentials,
                                                                  Verifier verifier,
                                                                  Verifier renewal_verifier) {
  std::unique_ptr<TlsContext> context(
      new TlsContext(true, "", std::move(verifier), std::move(renewal_verifier)));
  RETURN_IF_ERROR(context->Use(credentials));
  return context;
}

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::ForMember(const Credentials& credentials,
                                                                  Verifier verifier,
                                                                  absl::string_view protocol) {
  std::unique_ptr<TlsContext> context(
      new TlsContext(false, protocol, std::move(verifier), nullptr));
  RETURN_IF_ERROR(context->Use(credentials));
  return context;
}

std::unique_ptr<TlsContext> TlsContext::ForEnrollment(Verifier verifier) {
  return std::unique_ptr<TlsContext>(
      new TlsContext(false, kAlpnEnroll, std::move(verifier), nullptr));
}

}  // namespace trellis::tls
