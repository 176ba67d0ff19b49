#include "auth/trust/certificate.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/crypto/digest.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::trust {
namespace {

using X509Ptr = bssl::UniquePtr<X509>;

absl::StatusOr<X509Ptr> ParseDer(absl::string_view der) {
  if (der.empty() || der.size() > kMaxCertificateBytes) {
    return absl::InvalidArgumentError("certificate: empty or over 16 KiB");
  }
  const uint8_t* next = reinterpret_cast<const uint8_t*>(der.data());
  const uint8_t* const end = next + der.size();
  X509Ptr certificate(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
  ERR_clear_error();
  if (certificate == nullptr || next != end) {
    return absl::InvalidArgumentError("certificate: not an X.509 certificate in DER");
  }
  return certificate;
}

// The certificate's subject alternative names.
struct Names {
  std::string uri;
  std::vector<std::string> addresses;  // In the certificate's order.
};

absl::string_view Content(const ASN1_STRING* text) {
  return absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                           static_cast<size_t>(ASN1_STRING_length(text)));
}

absl::StatusOr<std::string> AddressText(absl::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  if (bytes.size() == sizeof(in_addr)) {
    return std::string(inet_ntop(AF_INET, bytes.data(), text, sizeof(text)));
  }
  if (bytes.size() == sizeof(in6_addr)) {
    return std::string(inet_ntop(AF_INET6, bytes.data(), text, sizeof(text)));
  }
  return absl::InvalidArgumentError("certificate: an IP address is of neither 4 nor 16 bytes");
}

// First a URI, then IP addresses, and nothing else.
absl::StatusOr<Names> ReadNames(const X509* certificate) {
  int critical = 0;
  bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
  ERR_clear_error();
  const size_t count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  if (count == 0 || count > 1 + kMaxAddresses) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate: it has ", count,
                     " subject alternative names; it must have its mesh identity and up to ",
                     kMaxAddresses, " addresses"));
  }
  Names result;
  for (size_t i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (i == 0 && name->type == GEN_URI) {
      result.uri = std::string(Content(name->d.uniformResourceIdentifier));
    } else if (i > 0 && name->type == GEN_IPADD) {
      ASSIGN_OR_RETURN(result.addresses.emplace_back(), AddressText(Content(name->d.iPAddress)));
    } else {
      return absl::InvalidArgumentError(
          "certificate: its subject alternative names are not a URI and then IP addresses");
    }
  }
  return result;
}

// Whoever the certificate says it is of; nobody has vouched for it yet.
absl::StatusOr<PeerIdentity> ReadIdentity(const X509* leaf, const MeshRoot& root) {
  ASSIGN_OR_RETURN(Names names, ReadNames(leaf));
  ASSIGN_OR_RETURN(PeerIdentity identity, PeerIdentity::ParseUri(names.uri));
  identity.addresses = std::move(names.addresses);
  RETURN_IF_ERROR(identity.ToUri().status());  // The addresses are in their one spelling.
  // Before the signature, which fails for another mesh's certificate anyway: the more helpful word.
  if (identity.mesh_id != root.mesh_id()) {
    return absl::UnauthenticatedError(
        absl::StrCat("certificate: of another mesh, ", absl::BytesToHexString(identity.mesh_id),
                     "; this one is ", absl::BytesToHexString(root.mesh_id())));
  }
  return identity;
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days;
  int seconds;
  if (!ASN1_TIME_diff(&days, &seconds, epoch.get(), time)) {
    ERR_clear_error();
    return absl::InvalidArgumentError("certificate: its validity is not a time");
  }
  return absl::UnixEpoch() + absl::Hours(24) * days + absl::Seconds(seconds);
}

std::string Rfc3339(const absl::StatusOr<absl::Time>& time) {
  if (!time.ok()) return "an unreadable time";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *time, absl::UTCTimeZone());
}

absl::Status Explain(int error, const X509* leaf, absl::Time now) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return absl::FailedPreconditionError(absl::StrCat("certificate: expired at ",
                                                        Rfc3339(ToTime(X509_get0_notAfter(leaf))),
                                                        "; it is now ", Rfc3339(now)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::FailedPreconditionError(
          absl::StrCat("certificate: not valid before ", Rfc3339(ToTime(X509_get0_notBefore(leaf))),
                       "; it is now ", Rfc3339(now), ": compare the clocks of the two hosts"));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return absl::UnauthenticatedError("certificate: not signed by the mesh's root");
    default:
      return absl::UnauthenticatedError(
          absl::StrCat("certificate: ", X509_verify_cert_error_string(error)));
  }
}

absl::Status VerifySignatureAndTime(X509* leaf, const MeshRoot& root, absl::Time now) {
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  CHECK(store != nullptr && context != nullptr && X509_STORE_add_cert(store.get(), root.get()) &&
        X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr));
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_depth(parameters, 1);  // The root signs leaves itself.
  const int verified = X509_verify_cert(context.get());
  ERR_clear_error();
  if (verified == 1) return absl::OkStatus();
  return Explain(X509_STORE_CTX_get_error(context.get()), leaf, now);
}

}  // namespace

absl::StatusOr<MeshRoot> MeshRoot::FromPem(absl::string_view pem) {
  ASSIGN_OR_RETURN(const std::string der, CertificateDerFromPem(pem));
  return FromDer(der);
}

absl::StatusOr<MeshRoot> MeshRoot::FromDer(absl::string_view der) {
  ASSIGN_OR_RETURN(X509Ptr certificate, ParseDer(der));
  ASSIGN_OR_RETURN(const Names names, ReadNames(certificate.get()));
  MeshRoot root;
  ASSIGN_OR_RETURN(root.mesh_id_, ParseMeshUri(names.uri));
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
  const bool sound = key != nullptr && X509_check_ca(certificate.get()) == 1 &&
                     X509_verify(certificate.get(), key.get()) == 1 && names.addresses.empty();
  ERR_clear_error();
  if (!sound) {
    return absl::InvalidArgumentError("root certificate: not a self-signed CA certificate");
  }
  root.der_ = std::string(der);
  root.certificate_ = std::shared_ptr<X509>(certificate.release(), X509_free);
  return root;
}

std::string MeshRoot::pem() const { return CertificatePemFromDer(der_); }

std::string MeshRoot::sha256() const { return crypto::Sha256String(der_); }

absl::StatusOr<PeerIdentity> VerifyChain(absl::string_view leaf_der, const MeshRoot& root,
                                         absl::Time now) {
  ASSIGN_OR_RETURN(const X509Ptr leaf, ParseDer(leaf_der));
  ASSIGN_OR_RETURN(PeerIdentity identity, ReadIdentity(leaf.get(), root));
  RETURN_IF_ERROR(VerifySignatureAndTime(leaf.get(), root, now));
  return identity;
}

absl::StatusOr<PeerIdentity> VerifyIssued(absl::string_view leaf_der, const MeshRoot& root) {
  ASSIGN_OR_RETURN(const X509Ptr leaf, ParseDer(leaf_der));
  ASSIGN_OR_RETURN(PeerIdentity identity, ReadIdentity(leaf.get(), root));
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(root.get()));
  const bool issued = key != nullptr && X509_verify(leaf.get(), key.get()) == 1;
  ERR_clear_error();
  if (issued) return identity;
  return absl::UnauthenticatedError("certificate: not signed by the mesh's root");
}

absl::StatusOr<PeerIdentity> VerifyForRenewal(absl::string_view leaf_der, const MeshRoot& root,
                                              absl::Time now) {
  absl::StatusOr<PeerIdentity> identity = VerifyChain(leaf_der, root, now);
  if (!absl::IsFailedPrecondition(identity.status())) return identity;
  ASSIGN_OR_RETURN(const Validity validity, CertificateValidity(leaf_der));
  if (now < validity.end || now - validity.end >= kRenewalGrace) return identity;
  return VerifyIssued(leaf_der, root);
}

absl::StatusOr<std::string> CertificateDerFromPem(absl::string_view pem) {
  if (pem.size() > 2 * kMaxCertificateBytes) {
    return absl::InvalidArgumentError("certificate: PEM over 32 KiB");
  }
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  uint8_t* data = nullptr;
  long size = 0;
  const int found = PEM_read_bio(bio.get(), &name, &header, &data, &size);
  ERR_clear_error();
  if (!found) return absl::InvalidArgumentError("certificate: not in PEM");
  bssl::UniquePtr<char> owned_name(name);
  bssl::UniquePtr<char> owned_header(header);
  bssl::UniquePtr<uint8_t> owned_data(data);
  if (strcmp(name, "CERTIFICATE") != 0) {
    return absl::InvalidArgumentError("certificate: the PEM block is not a CERTIFICATE");
  }
  std::string der(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  RETURN_IF_ERROR(ParseDer(der).status());
  return der;
}

std::string CertificatePemFromDer(absl::string_view der) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio(bio.get(), "CERTIFICATE", "", reinterpret_cast<const uint8_t*>(der.data()),
                      static_cast<long>(der.size())));
  const uint8_t* data;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio.get(), &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

absl::StatusOr<Validity> CertificateValidity(absl::string_view der) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseDer(der));
  Validity validity;
  ASSIGN_OR_RETURN(validity.begin, ToTime(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(validity.end, ToTime(X509_get0_notAfter(certificate.get())));
  return validity;
}

absl::StatusOr<std::string> CertificatePublicKey(absl::string_view der) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseDer(der));
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
  ERR_clear_error();
  if (key == nullptr) return absl::InvalidArgumentError("certificate: unreadable public key");
  bssl::ScopedCBB cbb;
  uint8_t* bytes = nullptr;
  size_t size = 0;
  CHECK(CBB_init(cbb.get(), 128) && EVP_marshal_public_key(cbb.get(), key.get()) &&
        CBB_finish(cbb.get(), &bytes, &size));
  bssl::UniquePtr<uint8_t> owned(bytes);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace trellis::trust
