// What any frame must look like before anybody acts on it.
//
// Pure and bounded; the deltas themselves are checked by Catalog::ApplyRemote.
#ifndef TRELLIS_GOSSIP_FRAME_CHECK_H_
#define TRELLIS_GOSSIP_FRAME_CHECK_H_

#include "absl/status/status.h"
#include "gossip/membership/liveness_table.h"
#include "gossip/membership/rumour_mill.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

inline constexpr int kMeshIdBytes = 16;
inline constexpr int kRootBytes = 16;
inline constexpr int kMaxProgramVersionBytes = 64;
inline constexpr int kMaxRumours = RumourMill::kMaxRumours + LivenessTable::kAgreeing;

// INVALID_ARGUMENT: names the field, what it holds and what would do.
absl::Status CheckFrame(const peer::v1::Frame& frame);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_FRAME_CHECK_H_
