#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "auth/trust/authority.h"
#include "auth/trust/certificate.h"
#include "auth/trust/key_pair.h"
#include "auth/trust/signing_key.h"
#include "base/log/log.h"

// Whatever the bytes, nothing that this root did not sign is anybody; and PEM loads to the DER it
// holds.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::trust;
  static const MeshRoot* root = new MeshRoot(
      MeshAuthority::Create(std::string(16, 'm'), absl::FromUnixSeconds(1767225600))->root());
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);

  CHECK(!VerifyChain(bytes, *root, absl::FromUnixSeconds(1767225600)).ok());
  CHECK(!VerifyIssued(bytes, *root).ok());
  CHECK(!VerifyForRenewal(bytes, *root, absl::FromUnixSeconds(1767225600)).ok());
  (void)CertificateValidity(bytes);
  (void)MeshRoot::FromDer(bytes);
  (void)KeyPair::FromPem(bytes);
  if (const auto key = SigningKey::FromPem(bytes); key.ok()) {
    CHECK(SigningKey::FromPem(key->private_pem())->public_key() == key->public_key());
  }
  (void)CheckPublicKey(bytes);
  if (const auto der = CertificateDerFromPem(bytes); der.ok()) {
    CHECK(*CertificateDerFromPem(CertificatePemFromDer(*der)) == *der);
    CHECK(!VerifyChain(*der, *root, absl::FromUnixSeconds(1767225600)).ok());
  }
  return 0;
}
