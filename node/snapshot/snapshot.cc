#include "node/snapshot/snapshot.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "node/snapshot/authority.h"

namespace trellis {

const CompiledListener* CompiledService::FindListener(uint16_t port) const {
  for (const CompiledListener& listener : listeners) {
    if (listener.port == port) return &listener;
  }
  return nullptr;
}

const CompiledService* Snapshot::FindService(absl::string_view authority) const {
  const std::optional<Authority> parsed = ParseAuthority(authority);
  if (!parsed.has_value() || parsed->host.size() > kMaxHostBytes) return nullptr;
  char lower[kMaxHostBytes];
  std::transform(parsed->host.begin(), parsed->host.end(), lower,
                 [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); });
  return services_by_host.Find(absl::string_view(lower, parsed->host.size()));
}

}  // namespace trellis
