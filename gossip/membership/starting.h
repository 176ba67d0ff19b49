// The refusal of an agent that has just started: it passes by itself, and soon. Clients may wait
// for that; they must not for other kinds of UNAVAILABLE, such as a full disk.
#ifndef TRELLIS_GOSSIP_MEMBERSHIP_STARTING_H_
#define TRELLIS_GOSSIP_MEMBERSHIP_STARTING_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace trellis::gossip {

// UNAVAILABLE, marked.
absl::Status Starting(absl::string_view message);
bool IsStarting(const absl::Status& status);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_MEMBERSHIP_STARTING_H_
