#include "node/tls/server_certificates.h"

#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace trellis::tls {
namespace {

constexpr size_t kPemBytesMax = 256 * 1024;
constexpr size_t kChainMax = 10;

// Asked for the password of an encrypted key: there is nobody to ask.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadChain(absl::string_view pem) {
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<bssl::UniquePtr<X509>> chain;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    chain.emplace_back(one);
    if (chain.size() > kChainMax) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", kChainMax, " certificates"));
    }
  }
  ERR_clear_error();
  if (chain.empty()) return absl::InvalidArgumentError("no certificate in PEM");
  return chain;
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadKey(absl::string_view pem, bool* ecdsa) {
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError("no private key in PEM that is not encrypted");
  }
  *ecdsa = EVP_PKEY_id(key.get()) == EVP_PKEY_EC;
  if (*ecdsa) {
    const int curve =
        EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key.get())));
    if (curve == NID_X9_62_prime256v1 || curve == NID_secp384r1) return key;
  } else if (EVP_PKEY_id(key.get()) == EVP_PKEY_RSA && EVP_PKEY_bits(key.get()) >= 2048) {
    return key;
  }
  return absl::InvalidArgumentError(
      "the private key must be RSA of 2048 bits or more, or ECDSA on P-256 or P-384");
}

std::vector<std::string> HostNames(const X509* leaf) {
  std::vector<std::string> names;
  bssl::UniquePtr<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  if (all == nullptr) return names;
  for (const GENERAL_NAME* const name : all.get()) {
    if (name->type != GEN_DNS) continue;
    const absl::string_view text(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
        static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    names.push_back(absl::AsciiStrToLower(text));
  }
  return names;
}

absl::StatusOr<std::shared_ptr<crypto_buffer_st>> ToBuffer(X509* certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  const bssl::UniquePtr<uint8_t> owned(der);
  if (size <= 0) return absl::InvalidArgumentError("a certificate cannot be written as DER");
  return std::shared_ptr<crypto_buffer_st>(
      CRYPTO_BUFFER_new(der, static_cast<size_t>(size), nullptr), CRYPTO_BUFFER_free);
}

}  // namespace

absl::Status ServerCertificates::Add(absl::string_view pem) {
  if (pem.size() > kPemBytesMax) return absl::InvalidArgumentError("over 256 KiB");
  auto certificate = std::make_shared<ServerCertificate>();
  ASSIGN_OR_RETURN(const auto chain, ReadChain(pem));
  ASSIGN_OR_RETURN(auto key, ReadKey(pem, &certificate->ecdsa));
  const bssl::UniquePtr<EVP_PKEY> public_key(X509_get_pubkey(chain.front().get()));
  if (public_key == nullptr || EVP_PKEY_cmp(public_key.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::FailedPreconditionError("the private key is not the first certificate's");
  }
  const std::vector<std::string> names = HostNames(chain.front().get());
  if (names.empty()) {
    return absl::InvalidArgumentError(
        "the first certificate names no host: its subjectAltName has no dNSName");
  }
  for (const bssl::UniquePtr<X509>& one : chain) {
    ASSIGN_OR_RETURN(certificate->chain.emplace_back(), ToBuffer(one.get()));
  }
  certificate->key = std::shared_ptr<evp_pkey_st>(key.release(), EVP_PKEY_free);
  if (first_.empty()) first_ = names.front();
  for (const std::string& name : names) {
    Choice& choice = by_name_[name];
    (certificate->ecdsa ? choice.ecdsa : choice.rsa) = certificate;
  }
  return absl::OkStatus();
}

const ServerCertificate* ServerCertificates::Find(absl::string_view server_name, bool ecdsa) const {
  // No host's name ends in a digit (RFC 3696 2), and none has a colon.
  const bool is_name = !server_name.empty() && !absl::ascii_isdigit(server_name.back()) &&
                       server_name.find(':') == absl::string_view::npos;
  const std::string name = is_name ? absl::AsciiStrToLower(server_name) : first_;
  auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    const size_t dot = name.find('.');
    if (dot == std::string::npos || dot == 0) return nullptr;
    found = by_name_.find(absl::StrCat("*", absl::string_view(name).substr(dot)));
    if (found == by_name_.end()) return nullptr;
  }
  const Choice& choice = found->second;
  const bool use_ecdsa = choice.rsa == nullptr || (ecdsa && choice.ecdsa != nullptr);
  return use_ecdsa ? choice.ecdsa.get() : choice.rsa.get();
}

}  // namespace trellis::tls
