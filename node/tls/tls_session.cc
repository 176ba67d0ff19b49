#include "node/tls/tls_session.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"

namespace trellis::tls {

namespace {

// BoringSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that went away would end the
// program with SIGPIPE.
int SocketOf(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

int BioWrite(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t sent;
  do {
    sent = ::send(SocketOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int BioRead(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t received;
  do {
    received = ::recv(SocketOf(bio), data, static_cast<size_t>(size), 0);
  } while (received < 0 && errno == EINTR);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_read(bio);
  return static_cast<int>(received);
}

long BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* SocketMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "trellis socket");
    CHECK(made != nullptr && BIO_meth_set_write(made, BioWrite) &&
          BIO_meth_set_read(made, BioRead) && BIO_meth_set_ctrl(made, BioControl));
    return made;
  }();
  return method;
}

int ImplIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

uint8_t AlertFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return SSL_AD_CERTIFICATE_EXPIRED;
    case absl::StatusCode::kPermissionDenied:
      return SSL_AD_ACCESS_DENIED;
    default:
      return SSL_AD_UNKNOWN_CA;
  }
}

// What BoringSSL's newest error means to a person.
absl::Status Describe(uint32_t error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
    return absl::UnavailableError(absl::StrCat("TLS: ", ERR_reason_error_string(error)));
  }
  switch (ERR_GET_REASON(error)) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return absl::UnauthenticatedError(
          "refused by the other side: our certificate is not of its mesh");
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return absl::UnauthenticatedError(
          "refused by the other side: our certificate is expired or not yet valid by its clock");
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return absl::PermissionDeniedError(
          "refused by the other side: we were evicted, or our certificate does not allow this");
    case SSL_R_TLSV1_ALERT_CERTIFICATE_REQUIRED:
      return absl::UnauthenticatedError("refused by the other side: it requires a certificate");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return absl::UnauthenticatedError("the peer showed no certificate");
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
      return absl::InvalidArgumentError(absl::StrCat("no protocol in common: the mesh port speaks ",
                                                     kAlpnHttp2, " and ", kAlpnEnroll));
    case SSL_R_HTTP_REQUEST:
      return absl::InvalidArgumentError("plain HTTP where TLS is spoken");
    case SSL_R_WRONG_VERSION_NUMBER:
      return absl::InvalidArgumentError("not TLS");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return absl::InvalidArgumentError("only TLS 1.3 is spoken");
    default:
      return absl::UnavailableError(absl::StrCat("TLS: ", ERR_reason_error_string(error)));
  }
}

absl::string_view SelectedProtocol(const SSL* ssl) {
  const uint8_t* name;
  unsigned size;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return absl::string_view(reinterpret_cast<const char*>(name), size);
}

}  // namespace

struct TlsSession::Impl {
  static ssl_verify_result_t Verify(SSL* ssl, uint8_t* out_alert);
  // Reads what `result` of an SSL_ call means.
  Io Outcome(int result);

  const TlsContext& context;
  bssl::UniquePtr<SSL> ssl;
  absl::Status failure;
  std::optional<trust::PeerIdentity> peer;
};

ssl_verify_result_t TlsSession::Impl::Verify(SSL* ssl, uint8_t* out_alert) {
  Impl& impl = *static_cast<Impl*>(SSL_get_ex_data(ssl, ImplIndex()));
  std::vector<absl::string_view> chain;
  for (const CRYPTO_BUFFER* buffer : SSL_get0_peer_certificates(ssl)) {
    chain.emplace_back(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(buffer)),
                       CRYPTO_BUFFER_len(buffer));
  }
  absl::StatusOr<trust::PeerIdentity> peer = impl.context.VerifierOf(SelectedProtocol(ssl))(chain);
  if (peer.ok()) {
    impl.peer = *std::move(peer);
    return ssl_verify_ok;
  }
  impl.failure = peer.status();
  *out_alert = AlertFor(impl.failure);
  return ssl_verify_invalid;
}

TlsSession::Io TlsSession::Impl::Outcome(int result) {
  const int system_error = errno;
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Io::kBlocked;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kClosed;
    case SSL_ERROR_SYSCALL:
      if (result == 0) return Io::kClosed;
      failure = absl::UnavailableError(absl::StrCat("connection: ", strerror(system_error)));
      return Io::kFailed;
    default:
      break;
  }
  // The verifier's own words say more than "certificate verify failed".
  if (failure.ok()) failure = Describe(ERR_peek_error());
  ERR_clear_error();
  return Io::kFailed;
}

TlsSession::TlsSession(const TlsContext& context, int socket)
    : impl_(new Impl{context, nullptr, {}, {}}) {
  impl_->ssl.reset(SSL_new(context.get()));
  SSL* const ssl = impl_->ssl.get();
  CHECK(ssl != nullptr && SSL_set_ex_data(ssl, ImplIndex(), impl_.get()));
  BIO* const bio = BIO_new(SocketMethod());
  CHECK(bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_custom_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, Impl::Verify);
  if (context.is_server()) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  const std::string offer = absl::StrCat(
      std::string(1, static_cast<char>(context.client_alpn().size())), context.client_alpn());
  CHECK(SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>(offer.data()),
                            static_cast<unsigned>(offer.size())) == 0);  // 0 is success here.
}

TlsSession::~TlsSession() = default;

TlsSession::Io TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(impl_->ssl.get());
  if (result != 1) return impl_->Outcome(result);
  if (!alpn().empty()) return Io::kDone;
  impl_->failure = absl::InvalidArgumentError("the peer asked for no protocol (ALPN)");
  return Io::kFailed;
}

TlsSession::Io TlsSession::AwaitFirstBytes() {
  ERR_clear_error();
  char byte;
  const int result = SSL_peek(impl_->ssl.get(), &byte, 1);
  return result > 0 ? Io::kDone : impl_->Outcome(result);
}

TlsSession::Io TlsSession::Read(char* buffer, size_t capacity, size_t* bytes) {
  ERR_clear_error();
  const int result =
      SSL_read(impl_->ssl.get(), buffer, static_cast<int>(std::min<size_t>(capacity, INT_MAX)));
  if (result <= 0) return impl_->Outcome(result);
  *bytes = static_cast<size_t>(result);
  return Io::kDone;
}

TlsSession::Io TlsSession::Write(absl::string_view bytes, size_t* written) {
  ERR_clear_error();
  const int result = SSL_write(impl_->ssl.get(), bytes.data(),
                               static_cast<int>(std::min<size_t>(bytes.size(), INT_MAX)));
  if (result <= 0) return impl_->Outcome(result);
  *written = static_cast<size_t>(result);
  return Io::kDone;
}

void TlsSession::SendCloseNotify() {
  ERR_clear_error();
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

const absl::Status& TlsSession::failure() const { return impl_->failure; }

std::string TlsSession::alpn() const { return std::string(SelectedProtocol(impl_->ssl.get())); }

const std::optional<trust::PeerIdentity>& TlsSession::peer() const { return impl_->peer; }

}  // namespace trellis::tls
