#include "node/proxy/input_buffer.h"

#include <string>

#include "gtest/gtest.h"

namespace trellis::proxy {
namespace {

// Overwrites the scratch buffer, as the next connection does.
void Reuse(std::string& scratch) { scratch.assign(scratch.size(), '#'); }

TEST(InputBufferTest, PointsIntoTheScratchBufferWhileNothingIsLeftOver) {
  net::BufferGauge gauge;
  InputBuffer buffer(&gauge);
  EXPECT_TRUE(buffer.empty());
  const std::string scratch = "GET / HTTP/1.1";
  buffer.Append(scratch);
  EXPECT_EQ(buffer.view().data(), scratch.data());
  buffer.Consume(4);
  EXPECT_EQ(buffer.view(), "/ HTTP/1.1");
  EXPECT_EQ(gauge.bytes, 0u);
}

TEST(InputBufferTest, KeepsWhatIsLeftOverAndNoMore) {
  net::BufferGauge gauge;
  InputBuffer buffer(&gauge);
  std::string scratch = "used, left";
  buffer.Append(scratch);
  buffer.Consume(6);
  buffer.Keep();
  Reuse(scratch);
  EXPECT_EQ(buffer.view(), "left");
  EXPECT_EQ(gauge.bytes, 4u);
  buffer.Consume(2);
  buffer.Keep();
  EXPECT_EQ(buffer.view(), "ft");
  EXPECT_EQ(gauge.bytes, 2u);
  buffer.Keep();  // Again changes nothing.
  EXPECT_EQ(buffer.view(), "ft");
}

TEST(InputBufferTest, WithNothingLeftOverItHoldsNoMemory) {
  net::BufferGauge gauge;
  InputBuffer buffer(&gauge);
  buffer.Append("all of it");
  buffer.Keep();
  buffer.Consume(9);
  buffer.Keep();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(gauge.bytes, 0u);
  EXPECT_EQ(gauge.bytes_max, 9u);
}

TEST(InputBufferTest, MoreFollowsWhatIsLeftOver) {
  net::BufferGauge gauge;
  InputBuffer buffer(&gauge);
  std::string scratch = "GET / HT";
  buffer.Append(scratch);
  buffer.Consume(4);
  buffer.Keep();
  scratch = "TP/1.1";
  buffer.Append(scratch);
  Reuse(scratch);
  EXPECT_EQ(buffer.view(), "/ HTTP/1.1");
  EXPECT_EQ(gauge.bytes, 10u);
}

TEST(InputBufferTest, MoreFollowsWhatIsPartlyConsumedSinceItWasKept) {
  net::BufferGauge gauge;
  InputBuffer buffer(&gauge);
  buffer.Append("abcd");
  buffer.Keep();
  buffer.Consume(3);
  buffer.Append("ef");
  EXPECT_EQ(buffer.view(), "def");
  EXPECT_EQ(gauge.bytes, 3u);
}

TEST(InputBufferTest, ClearAndTheEndLetGoOfEverything) {
  net::BufferGauge gauge;
  {
    InputBuffer buffer(&gauge);
    buffer.Append("abcd");
    buffer.Keep();
    buffer.Clear();
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(gauge.bytes, 0u);
    buffer.Append("efgh");
    buffer.Keep();
    EXPECT_EQ(gauge.bytes, 4u);
  }
  EXPECT_EQ(gauge.bytes, 0u);
}

}  // namespace
}  // namespace trellis::proxy
