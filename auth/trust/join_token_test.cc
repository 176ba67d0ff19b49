#include "auth/trust/join_token.h"

#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crypto/digest.h"
#include "gtest/gtest.h"

namespace trellis::trust {
namespace {

JoinToken Sample() {
  JoinToken token;
  token.mesh_id = std::string(16, 'm');
  token.mesh_addresses = {"192.0.2.1:7950", "[2001:db8::1]:7950", "agent-1.example:7950"};
  token.root_sha256 = std::string(32, 'r');
  token.id = "jt-0123456789abcdefg";
  token.secret = std::string(32, 's');
  token.expire_time = absl::FromUnixSeconds(1767225600);
  return token;
}

TEST(JoinToken, SurvivesItsLine) {
  const auto line = Sample().Format();
  ASSERT_TRUE(line.ok()) << line.status();
  const auto parsed = JoinToken::Parse(*line);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, Sample());
}

struct FieldCase {
  const char* name;
  std::function<void(JoinToken&)> spoil;
};
class JoinTokenFieldTest : public testing::TestWithParam<FieldCase> {};
TEST_P(JoinTokenFieldTest, OutOfBoundsIsRefused) {
  JoinToken token = Sample();
  GetParam().spoil(token);
  EXPECT_EQ(token.Format().status().code(), absl::StatusCode::kInvalidArgument);
}
INSTANTIATE_TEST_SUITE_P(
    Spec, JoinTokenFieldTest,
    testing::ValuesIn(std::vector<FieldCase>{
        {"ShortMesh", [](JoinToken& t) { t.mesh_id = "m"; }},
        {"NoAddress", [](JoinToken& t) { t.mesh_addresses.clear(); }},
        {"NineAddresses", [](JoinToken& t) { t.mesh_addresses.assign(9, "a:1"); }},
        {"LongAddress", [](JoinToken& t) { t.mesh_addresses = {std::string(263, 'a')}; }},
        {"AddressWithNewline", [](JoinToken& t) { t.mesh_addresses = {"a\n:1"}; }},
        {"ShortRoot", [](JoinToken& t) { t.root_sha256 = "r"; }},
        {"EmptyId", [](JoinToken& t) { t.id.clear(); }},
        {"IdWithSlash", [](JoinToken& t) { t.id = "a/b"; }},
        {"ShortSecret", [](JoinToken& t) { t.secret = "s"; }},
        {"NoExpiry", [](JoinToken& t) { t.expire_time = absl::UnixEpoch(); }},
    }),
    [](const auto& info) { return info.param.name; });

TEST(JoinToken, OnlyTheCanonicalLineParses) {
  const std::string line = *Sample().Format();
  EXPECT_FALSE(JoinToken::Parse("").ok());
  EXPECT_FALSE(JoinToken::Parse(line.substr(1)).ok());
  EXPECT_FALSE(JoinToken::Parse(line.substr(0, line.size() - 4)).ok());
  EXPECT_FALSE(JoinToken::Parse(absl::StrCat(line, "=")).ok());
  EXPECT_FALSE(JoinToken::Parse(absl::StrCat(line, "\n")).ok());
  EXPECT_FALSE(JoinToken::Parse(absl::StrCat(line, "AAAA")).ok());
  EXPECT_FALSE(JoinToken::Parse(absl::StrCat(line, std::string(5000, 'A'))).ok());
}

TEST(JoinToken, MessagesDoNotCarryTheSecret) {
  JoinToken token = Sample();
  token.id = "A";
  EXPECT_EQ(std::string(token.Format().status().message()).find("ssss"), std::string::npos);
}

TEST(JoinSecret, MatchesItsHashOnly) {
  const std::string secret = crypto::RandomBytes(kJoinSecretBytes);
  EXPECT_TRUE(JoinSecretMatches(secret, HashJoinSecret(secret)));
  EXPECT_FALSE(JoinSecretMatches(crypto::RandomBytes(kJoinSecretBytes), HashJoinSecret(secret)));
  EXPECT_FALSE(JoinSecretMatches(secret, ""));
}

}  // namespace
}  // namespace trellis::trust
