#include "node/agent/addresses.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Choose(const std::vector<std::string>& given,
                                const std::vector<std::string>& found) {
  const auto chosen = ChooseAddresses(given, found);
  EXPECT_OK(chosen);
  return chosen.value_or(std::vector<std::string>());
}

TEST(ChooseAddresses, WhatIsGivenStandsForWhatIsFound) {
  EXPECT_THAT(Choose({"fd00:0::1", "10.1.0.9"}, {"10.9.9.9"}), ElementsAre("10.1.0.9", "fd00::1"));
}

TEST(ChooseAddresses, WhatReachesBeyondItsLinkIsTaken) {
  EXPECT_THAT(Choose({}, {"169.254.171.1", "192.0.2.10", "fe80::1", "2001:db8::1"}),
              ElementsAre("192.0.2.10", "2001:db8::1"));
}

TEST(ChooseAddresses, HostWithoutNetworkHasItself) {
  EXPECT_THAT(Choose({}, {}), ElementsAre("127.0.0.1"));
  EXPECT_THAT(Choose({}, {"fe80::1"}), ElementsAre("127.0.0.1"));
}

TEST(ChooseAddresses, NobodysAndTooManySayWhatToGive) {
  std::vector<std::string> many;
  for (int i = 1; i <= 17; ++i) many.push_back(absl::StrCat("172.17.", i, ".1"));
  EXPECT_THAT(ChooseAddresses({}, many),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--addresses=IP")));
  EXPECT_THAT(ChooseAddresses({"0.0.0.0"}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0.0.0.0")));
}

TEST(InterfaceAddresses, AreAddresses) { EXPECT_OK(ChooseAddresses({}, InterfaceAddresses())); }

}  // namespace
}  // namespace trellis::agent
