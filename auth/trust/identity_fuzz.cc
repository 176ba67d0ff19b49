#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "auth/trust/identity.h"
#include "base/log/log.h"

// What parses is exactly what its identity prints: no two URIs mean the same peer.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view uri(reinterpret_cast<const char*>(data), size);
  const auto identity = trellis::trust::PeerIdentity::ParseUri(uri);
  if (!identity.ok()) return 0;
  const auto printed = identity->ToUri();
  CHECK(printed.ok() && *printed == uri);
  return 0;
}
