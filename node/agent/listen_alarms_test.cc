#include "node/agent/listen_alarms.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ListenAlarms, NoneWhereAllIsAcceptedOn) {
  EXPECT_THAT(ListenAlarms({{"127.0.0.1", 80, absl::OkStatus()}}, 0), IsEmpty());
}

TEST(ListenAlarms, AddressThatTheHostLacksIsToBeAdded) {
  const absl::Status lacks = absl::NotFoundError("bind: Cannot assign requested address");
  EXPECT_THAT(ListenAlarms({{"169.254.171.1", 80, lacks},
                            {"169.254.171.1", 443, lacks},
                            {"fd00::1", 80, lacks},
                            {"127.0.0.1", 80, absl::OkStatus()}},
                           0),
              ElementsAre(AllOf(HasSubstr("169.254.171.1 port 80, 443: "),
                                HasSubstr("`ip address add 169.254.171.1/32 dev lo`"),
                                HasSubstr("--listen_addresses")),
                          AllOf(HasSubstr("fd00::1 port 80: "), HasSubstr("fd00::1/128 dev lo"))));
}

TEST(ListenAlarms, OtherCausesHaveTheirRemedies) {
  EXPECT_THAT(ListenAlarms({{"10.0.0.1", 80, absl::PermissionDeniedError("bind")},
                            {"10.0.0.2", 80, absl::AlreadyExistsError("bind")},
                            {"10.0.0.3", 80, absl::InternalError("what the system says")}},
                           100),
              ElementsAre(AllOf(HasSubstr("10.0.0.1 port 180"), HasSubstr("CAP_NET_BIND_SERVICE")),
                          HasSubstr("another process"), HasSubstr("what the system says")));
}

}  // namespace
}  // namespace trellis::agent
