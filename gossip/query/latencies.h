// How long agents took, in buckets that add up: under 2^(i/4) ms each, so a quantile is at most a
// fifth too high. On the wire they are Answer.latency, without the empty ones at the end.
#ifndef TRELLIS_GOSSIP_QUERY_LATENCIES_H_
#define TRELLIS_GOSSIP_QUERY_LATENCIES_H_

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "google/protobuf/repeated_field.h"

namespace trellis::gossip {

class Latencies {
 public:
  static constexpr int kBuckets = 80;  // The last begins at 14 minutes and has no end.

  void Add(absl::Duration latency);
  // Of an Answer; buckets past kBuckets are dropped.
  void Merge(const google::protobuf::RepeatedField<uint32_t>& buckets);
  void ToProto(google::protobuf::RepeatedField<uint32_t>* buckets) const;

  uint64_t count() const;
  // What that share of all did not exceed, rounded up to the end of its bucket; zero when there are
  // none. `share` in [0, 1].
  absl::Duration Quantile(double share) const;

 private:
  std::array<uint64_t, kBuckets> counts_{};
};

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_QUERY_LATENCIES_H_
