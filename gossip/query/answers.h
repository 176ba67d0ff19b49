// How answers to one question add up.
#ifndef TRELLIS_GOSSIP_QUERY_ANSWERS_H_
#define TRELLIS_GOSSIP_QUERY_ANSWERS_H_

#include <cstddef>

#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

inline constexpr int kMaxStragglers = 20;
// More than an honest mesh has agents.
inline constexpr size_t kMaxRowsOfAnAnswer = 20000;

// Adds `answer` to `*sum`, but for its rows. Counts saturate; the smallest kMaxStragglers ids of
// stragglers are kept, in order; the sum is final when both were.
void AddAnswer(const peer::v1::Answer& answer, peer::v1::Answer* sum);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_QUERY_ANSWERS_H_
