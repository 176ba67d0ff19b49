// Property: an identity that is read is one that would be written: printed, it is read as the same.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "tools/trellisctl/identity_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trellis::ctl;
  const auto identity = ParseIdentity(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!identity.ok()) {
    CHECK(!identity.status().message().empty());
    return 0;
  }
  const auto again = ParseIdentity(IdentityFileText(*identity));
  CHECK(again.ok()) << IdentityFileText(*identity);
  CHECK(again->key_pem == identity->key_pem) << again->key_pem;
  CHECK(again->certificate_pem == identity->certificate_pem) << again->certificate_pem;
  CHECK(again->root_pem == identity->root_pem) << again->root_pem;
  return 0;
}
