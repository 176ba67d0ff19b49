#include "node/agent/display_name.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::agent {
namespace {

using ::testing::HasSubstr;

std::string Choose(absl::string_view given, absl::string_view host_name) {
  const auto chosen = ChooseDisplayName(given, host_name);
  EXPECT_OK(chosen);
  return chosen.value_or("");
}

TEST(ChooseDisplayName, GivenOneStandsBeforeTheHosts) { EXPECT_EQ(Choose("a", "host-1"), "a"); }

TEST(ChooseDisplayName, IsTheHostsNameIfNoneIsGiven) {
  EXPECT_EQ(Choose("", "web-1.example.com"), "web-1.example.com");
}

TEST(ChooseDisplayName, HostsNameIsMadeValid) {
  EXPECT_EQ(Choose("", "my host\x01\xc3\xa9"), "my-host---");
  EXPECT_EQ(Choose("", std::string(64, 'h')), std::string(63, 'h'));
}

TEST(ChooseDisplayName, NameThatAllHostsHaveSaysWhichOptionToSet) {
  for (const char* name : {"", "localhost", "localhost.localdomain"}) {
    EXPECT_THAT(ChooseDisplayName("", name), StatusIs(absl::StatusCode::kInvalidArgument,
                                                      HasSubstr("--display_name=NAME")));
  }
}

TEST(HostName, IsTheKernels) { EXPECT_FALSE(HostName().empty()); }

}  // namespace
}  // namespace trellis::agent
