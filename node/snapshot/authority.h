// A request's authority (Host header, :authority) taken apart. RFC 3986 section 3.2, without
// userinfo.
#ifndef TRELLIS_NODE_SNAPSHOT_AUTHORITY_H_
#define TRELLIS_NODE_SNAPSHOT_AUTHORITY_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace trellis {

// Longest host there can be a service for (RFC 1035, 2.3.4).
inline constexpr size_t kMaxHostBytes = 255;

struct Authority {
  absl::string_view host;        // As written; IPv6 literals without brackets, no trailing dot.
  std::optional<uint16_t> port;  // None: not given, or empty ("host:").
};

// `text` is host[:port]. None: it is not, or the host is empty. Allocates nothing; the views are
// into `text`. Whether the characters of the host make sense is not checked.
std::optional<Authority> ParseAuthority(absl::string_view text);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_AUTHORITY_H_
