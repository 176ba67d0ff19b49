// The certificates that callers are shown, and which of them fits a name.
#ifndef TRELLIS_NODE_TLS_SERVER_CERTIFICATES_H_
#define TRELLIS_NODE_TLS_SERVER_CERTIFICATES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct crypto_buffer_st;
struct evp_pkey_st;

namespace trellis::tls {

// A chain, leaf first, and the leaf's private key.
struct ServerCertificate {
  std::vector<std::shared_ptr<crypto_buffer_st>> chain;  // DER.
  std::shared_ptr<evp_pkey_st> key;
  bool ecdsa = false;  // Otherwise RSA.
};

// Filled once, then shared by all workers and never changed.
class ServerCertificates {
 public:
  // `pem`: the chain, leaf first, and the private key, unencrypted, in any order of the two.
  //   INVALID_ARGUMENT     it cannot be read; no certificate or key is there; the leaf names no host
  //                        (subjectAltName, dNSName); keys other than RSA and ECDSA P-256 or P-384
  //   FAILED_PRECONDITION  the key is not the leaf's
  // For a name that is there already the later one of a kind of key counts.
  absl::Status Add(absl::string_view pem);

  // For the host name a client asks for (SNI): the certificate of that very name, else of a wildcard
  // that stands for its first label; for no name, or an IP address, those of the first certificate
  // that was added. Null: none fits. `ecdsa`: the client takes such signatures; it
  // is given an RSA certificate where it does not, or where there is no other.
  const ServerCertificate* Find(absl::string_view server_name, bool ecdsa) const;

  bool empty() const { return by_name_.empty(); }

 private:
  struct Choice {
    std::shared_ptr<const ServerCertificate> ecdsa;
    std::shared_ptr<const ServerCertificate> rsa;
  };

  std::string first_;                                // The name to which the nameless are led.
  absl::flat_hash_map<std::string, Choice> by_name_;  // In lower case: a.example, *.example.
};

}  // namespace trellis::tls

#endif  // TRELLIS_NODE_TLS_SERVER_CERTIFICATES_H_
