#include "node/telemetry/json_text.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trellis::telemetry {
namespace {

std::string JsonText(absl::string_view text) {
  std::string out(kJsonGrowthMax * text.size() + 8, '\0');
  out.resize(WriteJsonText(text, out.data()) - out.data());
  return out;
}

struct JsonTextCase {
  const char* name;
  absl::string_view text;
  absl::string_view expected;
};

class JsonTextTest : public testing::TestWithParam<JsonTextCase> {};

TEST_P(JsonTextTest, FollowsRfc8259) { EXPECT_EQ(JsonText(GetParam().text), GetParam().expected); }

// The escape is the same wherever it falls in the sixteen bytes that are looked at together.
TEST_P(JsonTextTest, IsTheSameAtEveryOffset) {
  for (size_t before = 0; before < 35; ++before) {
    for (const size_t behind : {0, 1, 17, 40}) {
      const std::string front(before, 'a');
      const std::string back(behind, 'b');
      EXPECT_EQ(JsonText(front + std::string(GetParam().text) + back),
                front + std::string(GetParam().expected) + back);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Spec, JsonTextTest,
    testing::ValuesIn(std::vector<JsonTextCase>{
        {"Empty", "", ""},
        {"PlainStays", "GET /cart?x=1 ~ !#[]^_ end", "GET /cart?x=1 ~ !#[]^_ end"},
        {"QuoteAndBackslash", "a\"b\\c", "a\\\"b\\\\c"},
        {"Controls", absl::string_view("\x00\n\x1f", 3), "\\u0000\\u000a\\u001f"},
        {"DeleteStays", "\x7f", "\x7f"},
        {"Utf8Stays", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"LoneByteIsReplaced",
         "a\xff"
         "b",
         "a\\ufffdb"},
        {"OverlongIsReplaced", "\xc0\xaf", "\\ufffd\\ufffd"},
        {"SurrogateIsReplaced", "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"CutSequenceIsReplaced", "\xe2\x82", "\\ufffd\\ufffd"},
        {"AboveTheLastCodePointIsReplaced", "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    }),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis::telemetry
