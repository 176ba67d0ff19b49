#include "base/crypto/digest.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace trellis::crypto {
namespace {

struct DigestCase {
  const char* name;
  std::string message;
  const char* hex;
};
class Sha256Test : public testing::TestWithParam<DigestCase> {};

TEST_P(Sha256Test, GivesTheKnownAnswer) {
  EXPECT_EQ(absl::BytesToHexString(Sha256String(GetParam().message)), GetParam().hex);
  const auto digest = Sha256(GetParam().message);
  EXPECT_EQ(std::string(digest.begin(), digest.end()), Sha256String(GetParam().message));
}

// FIPS 180-4 examples.
INSTANTIATE_TEST_SUITE_P(
    Fips180, Sha256Test,
    testing::ValuesIn(std::vector<DigestCase>{
        {"Empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"Abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"TwoBlocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"MillionAs", std::string(1000000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(RandomBytesTest, HasTheLengthAskedForAndDoesNotRepeat) {
  EXPECT_EQ(RandomBytes(0), "");
  EXPECT_EQ(RandomBytes(32).size(), 32u);
  EXPECT_NE(RandomBytes(32), RandomBytes(32));
}

TEST(ConstantTimeEqualsTest, ComparesLengthAndEveryByte) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("secret", "secret"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secreT"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "Secret"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secrets"));
}

}  // namespace
}  // namespace trellis::crypto
