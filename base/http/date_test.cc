#include "base/http/date.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace trellis::http {
namespace {

// The example of RFC 9110 5.6.7.
constexpr int64_t kExample = 784111777;

TEST(FormatDate, IsImfFixdateRoundedDown) {
  EXPECT_EQ(FormatDate(absl::FromUnixSeconds(kExample) + absl::Milliseconds(999)),
            "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(FormatDate(absl::UnixEpoch()), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Date, ChangesWithTheSecondInEitherDirection) {
  Date date;
  const absl::Time now = absl::FromUnixSeconds(kExample);
  EXPECT_EQ(date.At(now), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.At(now + absl::Milliseconds(999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.At(now + absl::Seconds(1)), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(date.At(now - absl::Seconds(1)), "Sun, 06 Nov 1994 08:49:36 GMT");
}

}  // namespace
}  // namespace trellis::http
