// What is read from an authority, written again, reads the same; and a snapshot finds by it exactly
// the host it names.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log/log.h"
#include "node/snapshot/authority.h"
#include "node/snapshot/snapshot.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trellis::Authority;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  trellis::Snapshot snapshot;
  const std::optional<Authority> authority = trellis::ParseAuthority(text);
  if (!authority.has_value()) {
    CHECK(snapshot.FindService(text) == nullptr);
    return 0;
  }
  CHECK(!authority->host.empty());
  CHECK(authority->host.data() >= text.data() &&
        authority->host.data() + authority->host.size() <= text.data() + text.size());

  std::string again = text.front() == '[' ? absl::StrCat("[", authority->host, "]")
                                          : absl::StrCat(authority->host, ".");
  if (authority->port.has_value()) absl::StrAppend(&again, ":", *authority->port);
  const std::optional<Authority> second = trellis::ParseAuthority(again);
  CHECK(second.has_value());
  CHECK_EQ(second->host, authority->host);
  CHECK(second->port == authority->port);

  CHECK(snapshot.FindService(text) == nullptr);
  snapshot.services_by_host.Set(absl::AsciiStrToLower(authority->host),
                                std::make_shared<trellis::CompiledService>());
  CHECK_EQ(snapshot.FindService(text) != nullptr, authority->host.size() <= trellis::kMaxHostBytes);
  return 0;
}
