// HTTPS from clients: who is shown which certificate, what is agreed on, and that bytes arrive as
// over TCP.
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/tls/server_certificates.h"
#include "rapidjson/document.h"
#include "tests/integration/proxy_harness.h"
#include "tests/support/status_matchers.h"

namespace trellis::proxy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t kBig = 1 << 20;

bssl::UniquePtr<EVP_PKEY> NewKey(bool ecdsa) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (ecdsa) {
    bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
    CHECK(EC_KEY_generate_key(ec.get()) && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));
  } else {
    bssl::UniquePtr<RSA> rsa(RSA_new());
    bssl::UniquePtr<BIGNUM> e(BN_new());
    CHECK(BN_set_word(e.get(), RSA_F4) &&
          RSA_generate_key_ex(rsa.get(), 2048, e.get(), nullptr) &&
          EVP_PKEY_set1_RSA(key.get(), rsa.get()));
  }
  return key;
}

std::string Text(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio, &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

// Self-signed, for `names` ("DNS:a,DNS:b"), with its key.
std::string NewCertificate(const std::string& names, bool ecdsa = true) {
  const bssl::UniquePtr<EVP_PKEY> key = NewKey(ecdsa);
  bssl::UniquePtr<X509> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  if (!names.empty()) {
    bssl::UniquePtr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(
        nullptr, nullptr, NID_subject_alt_name, const_cast<char*>(names.c_str())));
    CHECK(extension != nullptr && X509_add_ext(certificate.get(), extension.get(), -1));
  }
  CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()));
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), certificate.get()) &&
        PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  return Text(bio.get());
}

struct Wish {
  std::string server_name = "svc.test";
  std::vector<std::string> protocols = {};
  uint16_t version = 0;    // 0: any.
  bool rsa_only = false;   // Takes no other signatures.
  SSL_SESSION* session = nullptr;
};

// A client with blocking calls over one of the harness's sockets.
class TlsClient {
 public:
  TlsClient(Peer peer, const Wish& wish) : peer_(std::move(peer)) {
    context_.reset(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_set_ex_data(context_.get(), 0, this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      static_cast<TlsClient*>(SSL_get_app_data(ssl))->session_.reset(session);
      return 1;
    });
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_app_data(ssl_.get(), this);
    if (!wish.server_name.empty()) {
      SSL_set_tlsext_host_name(ssl_.get(), wish.server_name.c_str());
    }
    std::string protocols;
    for (const std::string& one : wish.protocols) {
      protocols.push_back(static_cast<char>(one.size()));
      protocols += one;
    }
    if (!protocols.empty()) {
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const uint8_t*>(protocols.data()),
                          protocols.size());
    }
    if (wish.version != 0) {
      SSL_set_min_proto_version(ssl_.get(), wish.version);
      SSL_set_max_proto_version(ssl_.get(), wish.version);
    }
    if (wish.rsa_only) {
      const uint16_t algorithms[] = {SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256};
      SSL_set_verify_algorithm_prefs(ssl_.get(), algorithms, 2);
    }
    if (wish.session != nullptr) SSL_set_session(ssl_.get(), wish.session);
    SSL_set_fd(ssl_.get(), peer_.fd());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()); }
  std::string protocol() const {
    const uint8_t* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  }
  int key_kind() const {
    const bssl::UniquePtr<X509> shown(SSL_get_peer_certificate(ssl_.get()));
    const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(shown.get()));
    return EVP_PKEY_id(key.get());
  }
  SSL_SESSION* session() const { return session_.get(); }
  int fd() const { return peer_.fd(); }

  void Write(absl::string_view bytes) {
    EXPECT_EQ(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
  }
  // Empty at the end.
  std::string ReadSome() {
    char buffer[16384];
    const int got = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : "";
  }
  std::string ReadUntilSize(size_t size) {
    std::string all;
    while (all.size() < size) {
      const std::string some = ReadSome();
      if (some.empty()) break;
      all += some;
    }
    return all;
  }
  std::string ReadResponse() {
    std::string all;
    while (!absl::StrContains(all, "\r\n\r\n") || !absl::EndsWith(all, "ok")) {
      const std::string some = ReadSome();
      if (some.empty()) break;
      all += some;
    }
    return all;
  }
  // Whether the other side said that it ends.
  bool EndedProperly() {
    while (!ReadSome().empty()) {
    }
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  Peer peer_;
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
  bssl::UniquePtr<SSL_SESSION> session_;
  bool connected_ = false;
};

class TlsTest : public ProxyTest {
 protected:
  TlsTest() { ServeTls(); }

  void ServeTls() {
    CompiledService service = Service(Forward({&target_}));
    service.listeners[0].tls = true;
    Serve(std::move(service));
    Show({NewCertificate("DNS:svc.test,DNS:*.wild.test")});
  }
  void Show(const std::vector<std::string>& pems) {
    auto certificates = std::make_shared<tls::ServerCertificates>();
    for (const std::string& pem : pems) ASSERT_OK(certificates->Add(pem));
    pool_->SetCertificates(std::move(certificates));
  }
  std::unique_ptr<TlsClient> NewClient(const Wish& wish = {}) {
    return std::make_unique<TlsClient>(Connect(), wish);
  }
  std::string Ask(TlsClient& client, absl::string_view request = kGet) {
    client.Write(request);
    if (!at_target_.valid()) at_target_ = target_.Accept();
    const std::string seen = at_target_.ReadUntil("\r\n\r\n");
    at_target_.Write(kOk);
    EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200 OK\r\n"));
    return seen;
  }

  FakeTarget target_;
  Peer at_target_;
};

TEST_F(TlsTest, RequestsAndResponsesPass) {
  auto client = NewClient();
  ASSERT_TRUE(client->connected());
  EXPECT_THAT(Ask(*client), HasSubstr("x-forwarded-proto: https\r\n"));
  Ask(*client);
  EXPECT_EQ(client->protocol(), "");
  client.reset();
  rapidjson::Document line;
  line.Parse(LogLines().at(0).c_str());
  EXPECT_STREQ(line["tlsVersion"].GetString(), "TLSv1.3");
  EXPECT_THAT(line["sslCipher"].GetString(), StartsWith("TLS_"));
  EXPECT_STREQ(line["serverNameIndication"].GetString(), "svc.test");
  EXPECT_STREQ(line["protocol"].GetString(), "HTTP/1.1");
}

TEST_F(TlsTest, Version12IsSpokenToo) {
  auto client = NewClient({.version = TLS1_2_VERSION});
  ASSERT_TRUE(client->connected());
  Ask(*client);
  EXPECT_FALSE(NewClient({.version = TLS1_1_VERSION})->connected());
}

TEST_F(TlsTest, Http2IsPreferredWhereTheClientOffersIt) {
  EXPECT_EQ(NewClient({.protocols = {"http/1.1", "h2"}})->protocol(), "h2");
  EXPECT_EQ(NewClient({.protocols = {"http/1.1"}})->protocol(), "http/1.1");
  EXPECT_TRUE(NewClient({.protocols = {"other"}})->connected());
  auto client = NewClient({.protocols = {"h2"}});
  client->Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  client->Write(absl::string_view("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS.
  EXPECT_EQ(client->ReadUntilSize(9).substr(3, 1), "\4");
}

TEST_F(TlsTest, CertificatesAreChosenByNameAndByWhatTheClientTakes) {
  Show({NewCertificate("DNS:svc.test"), NewCertificate("DNS:svc.test", /*ecdsa=*/false),
        NewCertificate("DNS:*.Wild.test")});
  EXPECT_EQ(NewClient()->key_kind(), EVP_PKEY_EC);
  EXPECT_EQ(NewClient({.rsa_only = true})->key_kind(), EVP_PKEY_RSA);
  EXPECT_TRUE(NewClient({.server_name = "SVC.test"})->connected());
  EXPECT_TRUE(NewClient({.server_name = "a.wild.test"})->connected());
  EXPECT_FALSE(NewClient({.server_name = "a.b.wild.test"})->connected());
  EXPECT_FALSE(NewClient({.server_name = "wild.test"})->connected());
  EXPECT_FALSE(NewClient({.server_name = "other.test"})->connected());
  EXPECT_EQ(NewClient({.server_name = ""})->key_kind(), EVP_PKEY_EC);
  EXPECT_TRUE(NewClient({.server_name = "127.0.0.1"})->connected());
  EXPECT_EQ(Counters().tls_failures, 3u);
}

TEST_F(TlsTest, TicketsResume) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto first = NewClient({.version = version});
    Ask(*first);  // By then the ticket has come, in TLS 1.3 too.
    ASSERT_NE(first->session(), nullptr);
    auto second = NewClient({.version = version, .session = first->session()});
    ASSERT_TRUE(second->connected());
    EXPECT_TRUE(second->resumed());
    Ask(*second);
  }
  WaitUntil([&] { return Counters().tls_resumptions == 2; });
}

TEST_F(TlsTest, LargeBodiesArriveWholeBothWays) {
  auto client = NewClient();
  const std::string body(kBig, 'b');
  std::thread at_target([&] {
    Peer target = target_.Accept();
    target.ReadUntil("\r\n\r\n");
    EXPECT_EQ(target.ReadExactly(kBig), body);
    target.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kBig, "\r\n\r\n"));
    target.Write(body);
  });
  client->Write(absl::StrCat("PUT / HTTP/1.1\r\nHost: svc.test\r\nContent-Length: ", kBig,
                             "\r\n\r\n", body));
  std::string answer = client->ReadUntilSize(kBig);
  const size_t head = answer.find("\r\n\r\n") + 4;
  if (answer.size() < head + kBig) answer += client->ReadUntilSize(head + kBig - answer.size());
  at_target.join();
  EXPECT_EQ(answer.substr(head), body);
}

TEST_F(TlsTest, AnEndIsToldAndACutIsNot) {
  auto client = NewClient();
  client->Write("GET / HTTP/1.1\r\nHost: svc.test\r\nConnection: close\r\n\r\n");
  Peer target = target_.Accept();
  target.ReadUntil("\r\n\r\n");
  target.Write(kOk);
  EXPECT_TRUE(client->EndedProperly());
  auto cut = NewClient();
  cut->Write(kGet);
  target.ReadUntil("\r\n\r\n");
  target.Write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome");
  target.Close();
  EXPECT_FALSE(cut->EndedProperly());
}

TEST_F(TlsTest, TheOtherSchemeIsRefused) {
  Peer plain = Connect();
  plain.Write(kGet);
  EXPECT_THAT(plain.ReadResponse(), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("wrong_scheme")));
  Serve(Service(Forward({&target_})));
  auto client = NewClient();
  client->Write(kGet);
  EXPECT_THAT(client->ReadSome(), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("wrong_scheme")));
}

TEST_F(TlsTest, GarbageAndSilenceEndTheConnection) {
  Options options;
  options.handshake_timeout = absl::Milliseconds(1);
  Start(options);
  ServeTls();
  Peer garbage = Connect();
  garbage.Write(absl::StrCat("\x16", std::string(3000, '\xff')));
  garbage.ReadToEnd();
  Peer silent = Connect();
  silent.Write("\x16");
  EXPECT_TRUE(silent.AtEnd());
}

TEST_F(TlsTest, WithoutCertificatesNobodyShakesHands) {
  Show({});
  EXPECT_FALSE(NewClient()->connected());
}

TEST(ServerCertificatesTest, WhatCannotServeIsRefusedInWords) {
  using absl::StatusCode;
  tls::ServerCertificates certificates;
  const std::string good = NewCertificate("DNS:a.test");
  const std::string key_of_another = NewCertificate("DNS:a.test");
  const size_t key_at = good.find("-----BEGIN PRIVATE");
  EXPECT_OK(certificates.Add(good));
  EXPECT_THAT(certificates.Add(""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no certificate")));
  EXPECT_THAT(certificates.Add(good.substr(0, key_at)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no private key")));
  EXPECT_THAT(certificates.Add(good.substr(0, key_at) +
                               key_of_another.substr(key_of_another.find("-----BEGIN PRIVATE"))),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("not the first")));
  EXPECT_THAT(certificates.Add(NewCertificate("IP:192.0.2.1")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("names no host")));
}

}  // namespace
}  // namespace trellis::proxy
