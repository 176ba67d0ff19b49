#include "gossip/query/latencies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace trellis::gossip {
namespace {

constexpr double kBucketsPerDoubling = 4;

double EndMillis(int bucket) { return std::exp2(bucket / kBucketsPerDoubling); }

}  // namespace

void Latencies::Add(absl::Duration latency) {
  const double millis = absl::ToDoubleMilliseconds(latency);
  int bucket = 0;
  while (bucket < kBuckets - 1 && millis >= EndMillis(bucket)) ++bucket;
  ++counts_[bucket];
}

void Latencies::Merge(const google::protobuf::RepeatedField<uint32_t>& buckets) {
  const int known = std::min(buckets.size(), kBuckets);
  for (int i = 0; i < known; ++i) counts_[i] += buckets[i];
}

void Latencies::ToProto(google::protobuf::RepeatedField<uint32_t>* buckets) const {
  buckets->Clear();
  int used = kBuckets;
  while (used > 0 && counts_[used - 1] == 0) --used;
  for (int i = 0; i < used; ++i) {
    constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
    buckets->Add(static_cast<uint32_t>(std::min(counts_[i], kMost)));
  }
}

uint64_t Latencies::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

absl::Duration Latencies::Quantile(double share) const {
  const uint64_t all = count();
  if (all == 0) return absl::ZeroDuration();
  const auto rank = std::max<uint64_t>(1, std::ceil(share * static_cast<double>(all)));
  uint64_t seen = 0;
  int bucket = 0;
  while ((seen += counts_[bucket]) < rank) ++bucket;
  return absl::Milliseconds(EndMillis(bucket));
}

}  // namespace trellis::gossip
