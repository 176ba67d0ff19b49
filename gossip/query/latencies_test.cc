#include "gossip/query/latencies.h"

#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

TEST(LatenciesTest, QuantilesAreAtMostAFifthTooHigh) {
  Latencies latencies;
  EXPECT_EQ(latencies.Quantile(0.5), absl::ZeroDuration());
  for (int millis = 1; millis <= 1000; ++millis) latencies.Add(absl::Milliseconds(millis));
  EXPECT_EQ(latencies.count(), 1000u);
  for (const double share : {0.1, 0.5, 0.99, 1.0}) {
    const double millis = absl::ToDoubleMilliseconds(latencies.Quantile(share));
    EXPECT_GE(millis, 1000 * share);
    EXPECT_LE(millis, 1000 * share * 1.2);
  }
}

TEST(LatenciesTest, AddUpOverTheWire) {
  Latencies one, other;
  one.Add(absl::ZeroDuration());
  other.Add(absl::Milliseconds(30));
  other.Add(absl::Hours(10));
  google::protobuf::RepeatedField<uint32_t> wire;
  one.ToProto(&wire);
  EXPECT_EQ(wire.size(), 1) << "empty buckets at the end do not travel";
  other.Merge(wire);
  EXPECT_EQ(other.count(), 3u);
  EXPECT_EQ(other.Quantile(0.3), absl::Milliseconds(1));
  other.ToProto(&wire);
  EXPECT_EQ(wire.size(), Latencies::kBuckets);
  wire.Add(7);  // A newer program's.
  one.Merge(wire);
  EXPECT_EQ(one.count(), 4u);
}

}  // namespace
}  // namespace trellis::gossip
