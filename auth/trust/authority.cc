#include "auth/trust/authority.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crypto/digest.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::trust {
namespace {

// All CHECKs below fail only for lack of memory or a wrong constant: what callers pass is checked
// before.

void SetSerial(X509* certificate) {
  std::string bytes = crypto::RandomBytes(16);
  // Positive and 16 bytes long whatever the dice say (RFC 5280, 4.1.2.2).
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);
  bssl::UniquePtr<BIGNUM> number(
      BN_bin2bn(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), nullptr));
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void SetValidity(X509* certificate, absl::Time begin, absl::Time end) {
  CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(begin)) != nullptr);
  CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(end)) != nullptr);
}

bssl::UniquePtr<X509_NAME> Name(absl::string_view common_name) {
  bssl::UniquePtr<X509_NAME> name(X509_NAME_new());
  CHECK(X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8,
                                   reinterpret_cast<const uint8_t*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0));
  return name;
}

void AddName(GENERAL_NAMES* names, int type, ASN1_STRING* value, absl::string_view content) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  CHECK(ASN1_STRING_set(value, content.data(), static_cast<int>(content.size())));
  GENERAL_NAME_set0_value(name.get(), type, value);
  CHECK(bssl::PushToStack(names, std::move(name)));
}

void AddNames(X509* certificate, absl::string_view uri,
              const std::vector<std::string>& addresses = {}) {
  bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  AddName(names.get(), GEN_URI, ASN1_IA5STRING_new(), uri);
  for (const std::string& address : addresses) {
    char bytes[sizeof(in6_addr)];
    const bool ipv4 = inet_pton(AF_INET, address.c_str(), bytes) == 1;
    CHECK(ipv4 || inet_pton(AF_INET6, address.c_str(), bytes) == 1);
    AddName(names.get(), GEN_IPADD, ASN1_OCTET_STRING_new(),
            absl::string_view(bytes, ipv4 ? sizeof(in_addr) : sizeof(in6_addr)));
  }
  CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT));
}

// `usages` are the bits of KeyUsage (RFC 5280, 4.2.1.3).
void AddKeyUsage(X509* certificate, std::initializer_list<int> usages) {
  bssl::UniquePtr<ASN1_BIT_STRING> bits(ASN1_BIT_STRING_new());
  for (const int bit : usages) CHECK(ASN1_BIT_STRING_set_bit(bits.get(), bit, 1));
  CHECK(X509_add1_ext_i2d(certificate, NID_key_usage, bits.get(), 1, X509V3_ADD_DEFAULT));
}

void AddBasicConstraints(X509* certificate, bool is_authority) {
  bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  constraints->ca = is_authority ? 0xff : 0;
  if (is_authority) {
    constraints->pathlen = ASN1_INTEGER_new();
    CHECK(ASN1_INTEGER_set(constraints->pathlen, 0));  // It signs leaves only.
  }
  CHECK(X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints.get(), 1,
                          X509V3_ADD_DEFAULT));
}

std::string SignedDer(X509* certificate, const KeyPair& key) {
  CHECK(X509_sign(certificate, key.get(), EVP_sha256()));
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  CHECK(size > 0);
  bssl::UniquePtr<uint8_t> owned(der);
  return std::string(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
}

constexpr int kDigitalSignature = 0;
constexpr int kKeyCertSign = 5;
constexpr int kCrlSign = 6;

}  // namespace

absl::StatusOr<MeshAuthority> MeshAuthority::Create(absl::string_view mesh_id, absl::Time now) {
  ASSIGN_OR_RETURN(const std::string uri, MeshUri(mesh_id));
  const KeyPair key = KeyPair::Generate();
  bssl::UniquePtr<X509> certificate(X509_new());
  const auto name = Name(absl::StrCat("Trellis mesh ", absl::BytesToHexString(mesh_id)));
  CHECK(X509_set_version(certificate.get(), X509_VERSION_3));
  SetSerial(certificate.get());
  SetValidity(certificate.get(), now - kClockAllowance, now + kRootLifetime);
  CHECK(X509_set_subject_name(certificate.get(), name.get()));
  CHECK(X509_set_issuer_name(certificate.get(), name.get()));
  CHECK(X509_set_pubkey(certificate.get(), key.get()));
  AddBasicConstraints(certificate.get(), true);
  AddKeyUsage(certificate.get(), {kKeyCertSign, kCrlSign});
  AddNames(certificate.get(), uri);
  ASSIGN_OR_RETURN(MeshRoot root, MeshRoot::FromDer(SignedDer(certificate.get(), key)));
  return MeshAuthority(key, std::move(root));
}

absl::StatusOr<MeshAuthority> MeshAuthority::Load(absl::string_view root_pem,
                                                  absl::string_view key_pem) {
  ASSIGN_OR_RETURN(MeshRoot root, MeshRoot::FromPem(root_pem));
  ASSIGN_OR_RETURN(KeyPair key, KeyPair::FromPem(key_pem));
  ASSIGN_OR_RETURN(const std::string certified, CertificatePublicKey(root.der()));
  if (certified != key.public_der()) {
    return absl::FailedPreconditionError(
        "root key: it is not the key of the root certificate; both must come from one `init`");
  }
  return MeshAuthority(std::move(key), std::move(root));
}

absl::StatusOr<std::string> MeshAuthority::Issue(absl::string_view public_key_der,
                                                 const PeerIdentity& identity, absl::Time now,
                                                 absl::Duration lifetime) const {
  RETURN_IF_ERROR(CheckPublicKey(public_key_der));
  ASSIGN_OR_RETURN(const std::string uri, identity.ToUri());
  if (identity.mesh_id != root_.mesh_id()) {
    return absl::InvalidArgumentError("identity: mesh id is not that of this root");
  }
  if (lifetime <= absl::ZeroDuration() || lifetime > kRootLifetime) {
    return absl::InvalidArgumentError(absl::StrCat("lifetime: ", absl::FormatDuration(lifetime),
                                                   " is not between 0 and the root's 10 years"));
  }
  CBS cbs;
  CBS_init(&cbs, reinterpret_cast<const uint8_t*>(public_key_der.data()), public_key_der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&cbs));
  bssl::UniquePtr<X509> certificate(X509_new());
  const auto subject =
      Name(identity.kind == PeerKind::kAgent ? absl::StrCat("agent ", NodeHex(identity.node))
                                             : identity.operator_name);
  CHECK(X509_set_version(certificate.get(), X509_VERSION_3));
  SetSerial(certificate.get());
  SetValidity(certificate.get(), now - kClockAllowance, now + lifetime);
  CHECK(X509_set_subject_name(certificate.get(), subject.get()));
  CHECK(X509_set_issuer_name(certificate.get(), X509_get_subject_name(root_.get())));
  CHECK(X509_set_pubkey(certificate.get(), key.get()));
  AddBasicConstraints(certificate.get(), false);
  AddKeyUsage(certificate.get(), {kDigitalSignature});
  AddNames(certificate.get(), uri, identity.addresses);
  return CertificatePemFromDer(SignedDer(certificate.get(), key_));
}

}  // namespace trellis::trust
