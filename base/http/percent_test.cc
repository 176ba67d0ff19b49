#include "base/http/percent.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace trellis::http {
namespace {

struct DecodeCase {
  const char* name;
  absl::string_view text;
  absl::string_view expected;
};
class PercentDecodeTest : public testing::TestWithParam<DecodeCase> {};

TEST_P(PercentDecodeTest, DecodesOnce) {
  const absl::StatusOr<std::string> decoded = PercentDecode(GetParam().text, 64);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Rfc3986, PercentDecodeTest,
                         testing::ValuesIn(std::vector<DecodeCase>{
                             {"Empty", "", ""},
                             {"PlainTextStays", "svc-1.~_", "svc-1.~_"},
                             {"UpperAndLowerHex", "a%3A%2fb", "a:/b"},
                             {"OnceOnly", "%2525", "%25"},
                             {"PlusIsNotSpace", "a+b%20c", "a+b c"},
                             {"NulAndHighBytes", "%00%ff", absl::string_view("\0\xff", 2)},
                         }),
                         [](const auto& info) { return info.param.name; });

class PercentDecodeRefusalTest : public testing::TestWithParam<const char*> {};

TEST_P(PercentDecodeRefusalTest, MalformedTripletIsInvalidArgument) {
  EXPECT_EQ(PercentDecode(GetParam(), 64).status().code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Malformed, PercentDecodeRefusalTest,
                         testing::Values("%", "a%2", "%g0", "%0g", "%%41", "% 1", "%+1", "%u0041"));

TEST(PercentDecode, ResultAtTheBoundPassesAndOneMoreIsResourceExhausted) {
  EXPECT_TRUE(PercentDecode("a%41", 2).ok());
  EXPECT_EQ(PercentDecode("a%41b", 2).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace trellis::http
