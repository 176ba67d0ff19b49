#include "node/tls/server_context.h"

#include <openssl/bio.h>
#include <openssl/cipher.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <vector>

#include "base/log/log.h"

namespace trellis::tls {
namespace {

// Sealed bytes read at once; and what is sealed in one record at most (RFC 8446 5.1).
constexpr size_t kReadBytesMax = 64 * 1024;
constexpr size_t kRecordBytesMax = 16 * 1024;

constexpr absl::string_view kHttp2 = "h2";
constexpr absl::string_view kHttp11 = "http/1.1";

// Of the thread: valid within one call.
char* ReadScratch() {
  thread_local const std::unique_ptr<char[]> scratch(new char[kReadBytesMax]);
  return scratch.get();
}

// The client's names, each behind its length; the first of ours that is among them.
int SelectProtocol(SSL*, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                   unsigned in_size, void*) {
  for (const absl::string_view ours : {kHttp2, kHttp11}) {
    for (unsigned at = 0; at + 1 + in[at] <= in_size; at += 1 + in[at]) {
      if (absl::string_view(reinterpret_cast<const char*>(in + at + 1), in[at]) != ours) continue;
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_NOACK;  // HTTP/1.1, as without ALPN.
}

// Whether the client takes signatures by ECDSA on the curves we have certificates of.
bool TakesEcdsa(const SSL_CLIENT_HELLO* hello) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (!SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_signature_algorithms, &data,
                                            &size)) {
    return false;
  }
  for (size_t i = 2; i + 1 < size; i += 2) {  // Behind the list's length.
    const int algorithm = data[i] << 8 | data[i + 1];
    if (algorithm == SSL_SIGN_ECDSA_SECP256R1_SHA256 ||
        algorithm == SSL_SIGN_ECDSA_SECP384R1_SHA384) {
      return true;
    }
  }
  return false;
}

class LayerImpl final : public ServerLayer {
 public:
  LayerImpl(SSL_CTX* context, absl::string_view received)
      : ssl_(SSL_new(context)), kept_(received) {
    CHECK(ssl_ != nullptr);
    BIO* const bio = BIO_new(Method());
    CHECK(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
    // What only the handshake needs is given back after it: most connections rest.
    SSL_set_shed_handshake_config(ssl_.get(), 1);
  }

  net::Io Handshake(net::StreamSocket& socket) override {
    input_ = kept_;
    for (;;) {
      const int result = SSL_do_handshake(ssl_.get());
      const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
      // Tickets, all that TLS 1.3 sends after the client's last word, go with the first response.
      const bool only_tickets =
          error == SSL_ERROR_NONE && SSL_version(ssl_.get()) == TLS1_3_VERSION;
      // Also the alert that says what was wrong.
      if (!only_tickets && Flush(socket) == net::Io::kFailed) return net::Io::kFailed;
      if (error == SSL_ERROR_NONE) {
        KeepInput();
        return net::Io::kDone;
      }
      if (error != SSL_ERROR_WANT_READ) return Failed();
      const net::Io read = Fill(socket);
      if (read == net::Io::kBlocked) KeepInput();
      if (read != net::Io::kDone) return read == net::Io::kBlocked ? read : net::Io::kFailed;
    }
  }

  net::Io Read(net::StreamSocket& socket, char* data, size_t size, size_t* got) override {
    *got = 0;
    input_ = kept_;
    const net::Io result = ReadUntilFull(socket, data, size, got);
    KeepInput();
    // The alert that says what was wrong; what else the library has to say goes with what we send.
    if (result == net::Io::kFailed) Flush(socket);
    if (*got == 0) return result;
    // What stopped it, or is left, shows at the next read.
    if (result != net::Io::kBlocked) socket.Note(EPOLLIN);
    return net::Io::kDone;
  }

  bool Seal(const iovec* pieces, int count, std::string* out) override {
    BeginSink(out);
    const bool sealed = SealAll(pieces, count);
    sink_ = &output_;
    return sealed;
  }

  void SealEnd(std::string* out) override {
    BeginSink(out);
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    sink_ = &output_;
  }

  bool speaks_http2() const override {
    const uint8_t* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return absl::string_view(reinterpret_cast<const char*>(name), size) == kHttp2;
  }
  bool resumed() const override { return SSL_session_reused(ssl_.get()); }
  std::string server_name() const override {
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }
  absl::string_view version() const override { return SSL_get_version(ssl_.get()); }
  absl::string_view cipher() const override {
    return SSL_CIPHER_get_name(SSL_get_current_cipher(ssl_.get()));
  }
  std::string failure() const override { return failure_; }

 private:
  static BIO_METHOD* Method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* const made = BIO_meth_new(0, "layer");
      CHECK(made != nullptr);
      BIO_meth_set_read(made, [](BIO* bio, char* out, int size) {
        BIO_clear_retry_flags(bio);
        absl::string_view& input = static_cast<LayerImpl*>(BIO_get_data(bio))->input_;
        if (input.empty()) {
          BIO_set_retry_read(bio);
          return -1;
        }
        const size_t taken = std::min(input.size(), static_cast<size_t>(size));
        std::copy_n(input.data(), taken, out);
        input.remove_prefix(taken);
        return static_cast<int>(taken);
      });
      BIO_meth_set_write(made, [](BIO* bio, const char* data, int size) {
        static_cast<LayerImpl*>(BIO_get_data(bio))->sink_->append(data, static_cast<size_t>(size));
        return size;
      });
      BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
      });
      return made;
    }();
    return method;
  }

  // What the library sends goes behind what it said unasked.
  void BeginSink(std::string* out) {
    out->assign(output_);  // Usually empty.
    output_ = std::string();
    sink_ = out;
  }

  bool SealAll(const iovec* pieces, int count) {
    size_t total = 0;
    for (int i = 0; i < count; ++i) total += pieces[i].iov_len;
    if (count > 1 && total <= kRecordBytesMax) {
      // Small pieces share a record, which costs more than copying them.
      char gathered[kRecordBytesMax];
      size_t at = 0;
      for (int i = 0; i < count; ++i) {
        std::copy_n(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len, gathered + at);
        at += pieces[i].iov_len;
      }
      if (!SealOne(gathered, total)) return false;
    } else {
      for (int i = 0; i < count; ++i) {
        if (!SealOne(pieces[i].iov_base, pieces[i].iov_len)) return false;
      }
    }
    return true;
  }

  net::Io ReadUntilFull(net::StreamSocket& socket, char* data, size_t size, size_t* got) {
    while (*got < size) {
      const int result =
          SSL_read(ssl_.get(), data + *got, static_cast<int>(std::min<size_t>(size - *got, 1 << 30)));
      if (result > 0) {
        *got += static_cast<size_t>(result);
        continue;
      }
      switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
          break;
        case SSL_ERROR_ZERO_RETURN:
          return net::Io::kClosed;
        default:
          return Failed();
      }
      const net::Io read = Fill(socket);
      if (read != net::Io::kDone) return read;
    }
    return net::Io::kDone;
  }

  // More sealed bytes, once all are used.
  net::Io Fill(net::StreamSocket& socket) {
    if (!socket.readable()) return net::Io::kBlocked;
    size_t got = 0;
    const net::Io read = socket.ReadRaw(ReadScratch(), kReadBytesMax, &got);
    input_ = absl::string_view(ReadScratch(), got);
    return read;
  }

  // Other connections use the scratch next.
  void KeepInput() {
    kept_ = std::string(input_);
    input_ = {};
  }

  bool SealOne(const void* data, size_t size) {
    if (size == 0) return true;
    if (SSL_write(ssl_.get(), data, static_cast<int>(size)) == static_cast<int>(size)) return true;
    Failed();
    return false;
  }

  net::Io Flush(net::StreamSocket& socket) {
    if (output_.empty() || !socket.writable()) return net::Io::kBlocked;
    const iovec piece = {output_.data(), output_.size()};
    size_t sent = 0;
    const net::Io result = socket.WriteRaw(&piece, 1, &sent);
    if (sent == output_.size()) {
      output_ = std::string();  // Its memory too: most connections rest.
    } else {
      output_.erase(0, sent);
    }
    return result;
  }

  net::Io Failed() {
    char text[128] = "";
    const uint32_t error = ERR_peek_error();
    if (error != 0) ERR_error_string_n(error, text, sizeof(text));
    failure_ = text;
    ERR_clear_error();
    return net::Io::kFailed;
  }

  const bssl::UniquePtr<SSL> ssl_;
  // Sealed bytes that came: what is being used, and what is kept of it from one call to the next.
  absl::string_view input_;
  std::string kept_;
  std::string output_;  // Sealed bytes to send that nobody asked for: of handshakes.
  std::string* sink_ = &output_;
  std::string failure_;
};

}  // namespace

struct ServerContext::Library {
  static ServerContext* Of(const SSL* ssl) {
    return static_cast<ServerContext*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), Index()));
  }
  static int Index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
  }

  static ssl_select_cert_result_t SelectCertificate(const SSL_CLIENT_HELLO* hello) {
    ServerContext& context = *Of(hello->ssl);
    const char* const name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
    if (context.certificates_ == nullptr) return ssl_select_cert_error;
    const ServerCertificate* const certificate =
        context.certificates_->Find(name == nullptr ? "" : name, TakesEcdsa(hello));
    if (certificate == nullptr) return ssl_select_cert_error;
    SSL_CTX* const shows = context.ContextOf(*certificate);
    const bool set = shows != nullptr && SSL_set_SSL_CTX(hello->ssl, shows) != nullptr;
    return set ? ssl_select_cert_success : ssl_select_cert_error;
  }

  static int TicketKey(SSL* ssl, uint8_t* key_name, uint8_t* iv, EVP_CIPHER_CTX* cipher,
                       HMAC_CTX* hmac, int encrypt) {
    ServerContext& context = *Of(ssl);
    bool is_current = true;
    const auto key = encrypt ? context.tickets_.Current(context.clock_.MonotonicNow())
                             : context.tickets_.Find(key_name, &is_current);
    if (key == nullptr) return 0;  // The client begins anew.
    if (encrypt) {
      std::copy(key->name.begin(), key->name.end(), key_name);
      if (!RAND_bytes(iv, 16)) return -1;
    }
    const bool set =
        HMAC_Init_ex(hmac, key->hmac.data(), key->hmac.size(), EVP_sha256(), nullptr) &&
        (encrypt ? EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, key->aes.data(), iv)
                 : EVP_DecryptInit_ex(cipher, EVP_aes_128_cbc(), nullptr, key->aes.data(), iv));
    if (!set) return -1;
    return is_current ? 1 : 2;  // 2: good, and the client is given a new one.
  }
};

ServerContext::ServerContext(TicketKeys& tickets, Scheduler& clock)
    : tickets_(tickets), clock_(clock), context_(NewContext()) {}

void ServerContext::SetCertificates(std::shared_ptr<const ServerCertificates> certificates) {
  contexts_.clear();  // Connections that use one keep it.
  certificates_ = std::move(certificates);
}

// One for each certificate, made when it is first shown: whether a key is its certificate's is
// checked once then, and not in each handshake.
ssl_ctx_st* ServerContext::ContextOf(const ServerCertificate& certificate) {
  const auto found = contexts_.find(&certificate);
  if (found != contexts_.end()) return found->second.get();
  Context context = NewContext();
  std::vector<CRYPTO_BUFFER*> chain;
  for (const auto& one : certificate.chain) chain.push_back(one.get());
  if (!SSL_CTX_set_chain_and_key(context.get(), chain.data(), chain.size(), certificate.key.get(),
                                 nullptr)) {
    return nullptr;
  }
  return contexts_.emplace(&certificate, std::move(context)).first->second.get();
}

ServerContext::Context ServerContext::NewContext() {
  Context owned(SSL_CTX_new(TLS_with_buffers_method()), SSL_CTX_free);
  SSL_CTX* const context = owned.get();
  CHECK(context != nullptr);
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION));
  CHECK(SSL_CTX_set_ex_data(context, Library::Index(), this));
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Tickets alone: a cache would be a worker's own.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  const uint32_t lifetime = static_cast<uint32_t>(
      absl::ToInt64Seconds((TicketKeys::kKept - 1) * TicketKeys::kRotation));
  SSL_CTX_set_timeout(context, lifetime);
  SSL_CTX_set_session_psk_dhe_timeout(context, lifetime);
  CHECK(SSL_CTX_set_num_tickets(context, 1));
  CHECK(SSL_CTX_set_tlsext_ticket_key_cb(context, Library::TicketKey));
  SSL_CTX_set_select_certificate_cb(context, Library::SelectCertificate);
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
  return owned;
}

ServerContext::~ServerContext() = default;

std::unique_ptr<ServerLayer> ServerContext::Accept(absl::string_view received) {
  return std::make_unique<LayerImpl>(context_.get(), received);
}

}  // namespace trellis::tls
