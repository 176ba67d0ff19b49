// Who was first, when two resources hold what only one may: a port, a VPC's network.
//
// Validation refuses the second claim, but two sides of a partition each accept one. All agents
// must then choose alike, from replicated fields alone.
#ifndef TRELLIS_NODE_SNAPSHOT_CLAIM_H_
#define TRELLIS_NODE_SNAPSHOT_CLAIM_H_

#include <compare>
#include <string>

#include "absl/time/time.h"

namespace trellis {

// The smallest wins.
struct Claim {
  absl::Time time = absl::InfiniteFuture();  // Of creation; none given: last.
  std::string name;

  auto operator<=>(const Claim& other) const {
    if (time != other.time) {
      return time < other.time ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    return name <=> other.name;
  }
};

template <typename Proto>
Claim ClaimOf(const Proto& resource, const std::string& name) {
  if (!resource.has_create_time()) return {absl::InfiniteFuture(), name};
  return {absl::FromUnixSeconds(resource.create_time().seconds()) +
              absl::Nanoseconds(resource.create_time().nanos()),
          name};
}

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_CLAIM_H_
