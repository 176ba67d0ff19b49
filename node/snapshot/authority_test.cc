#include "node/snapshot/authority.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace trellis {
namespace {

struct AuthorityCase {
  const char* name;
  const char* text;
  const char* host;  // Null: not an authority.
  std::optional<uint16_t> port;
};

class AuthorityTest : public testing::TestWithParam<AuthorityCase> {};

TEST_P(AuthorityTest, IsTakenApart) {
  const std::optional<Authority> authority = ParseAuthority(GetParam().text);
  ASSERT_EQ(authority.has_value(), GetParam().host != nullptr);
  if (!authority.has_value()) return;
  EXPECT_EQ(authority->host, GetParam().host);
  EXPECT_EQ(authority->port, GetParam().port);
}

INSTANTIATE_TEST_SUITE_P(Rfc3986, AuthorityTest,
                         testing::ValuesIn(std::vector<AuthorityCase>{
                             {"HostAlone", "shop.example", "shop.example", std::nullopt},
                             {"HostAndPort", "shop.example:8080", "shop.example", 8080},
                             {"EmptyPort", "shop.example:", "shop.example", std::nullopt},
                             {"CaseIsKept", "Shop.Example", "Shop.Example", std::nullopt},
                             {"TrailingDot", "shop.example.", "shop.example", std::nullopt},
                             {"TrailingDotAndPort", "shop.example.:80", "shop.example", 80},
                             {"IPv4", "10.0.0.1:80", "10.0.0.1", 80},
                             {"IPv6", "[fd00::1]", "fd00::1", std::nullopt},
                             {"IPv6AndPort", "[fd00::1]:443", "fd00::1", 443},
                             {"GreatestPort", "a:65535", "a", 65535},
                             {"Empty", "", nullptr, {}},
                             {"OnlyDot", ".", nullptr, {}},
                             {"OnlyPort", ":80", nullptr, {}},
                             {"PortTooGreat", "a:65536", nullptr, {}},
                             {"PortTooLong", "a:000080", nullptr, {}},
                             {"PortWithSign", "a:+80", nullptr, {}},
                             {"PortNotNumber", "a:http", nullptr, {}},
                             {"IPv6WithoutBrackets", "fd00::1", nullptr, {}},
                             {"BracketNotClosed", "[fd00::1", nullptr, {}},
                             {"EmptyBrackets", "[]:80", nullptr, {}},
                             {"TextAfterBracket", "[fd00::1]80", nullptr, {}},
                         }),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis
