#include "base/text/put.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace trellis::text {
namespace {

TEST(PutTest, OneAfterAnother) {
  char out[64];
  char* end = Put("port: ", out);
  end = PutNumber(8080, end);
  end = Put(absl::string_view(), end);
  end = Put(absl::string_view("; end"), end);
  EXPECT_EQ(absl::string_view(out, end - out), "port: 8080; end");
}

TEST(PutTest, NumbersTakeAtMostTheirBound) {
  char out[kNumberBytesMax];
  EXPECT_EQ(absl::string_view(out, PutNumber(0, out) - out), "0");
  EXPECT_EQ(absl::string_view(out, PutNumber(std::numeric_limits<uint64_t>::max(), out) - out),
            "18446744073709551615");
}

}  // namespace
}  // namespace trellis::text
