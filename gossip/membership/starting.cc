#include "gossip/membership/starting.h"

#include "absl/strings/cord.h"

namespace trellis::gossip {
namespace {

constexpr char kMark[] = "trellis/starting";

}  // namespace

absl::Status Starting(absl::string_view message) {
  absl::Status status = absl::UnavailableError(message);
  status.SetPayload(kMark, absl::Cord());
  return status;
}

bool IsStarting(const absl::Status& status) { return status.GetPayload(kMark).has_value(); }

}  // namespace trellis::gossip
