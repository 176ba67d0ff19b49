#include "base/runtime/random.h"

#include "gtest/gtest.h"

namespace trellis {
namespace {

TEST(RandomTest, SameSeedSameSequence) {
  SeededRandom a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.Next64();
    EXPECT_EQ(value, b.Next64());
    differs |= value != c.Next64();
  }
  EXPECT_TRUE(differs);
}

TEST(RandomTest, UniformStaysBelowBoundAndReachesAll) {
  SeededRandom random(1);
  int seen[5] = {};
  for (int i = 0; i < 5000; ++i) ++seen[random.Uniform(5)];
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
}

TEST(RandomTest, ChanceOfZeroNeverAndOfOneAlways) {
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.Chance(0.0));
    EXPECT_TRUE(random.Chance(1.0));
  }
}

}  // namespace
}  // namespace trellis
