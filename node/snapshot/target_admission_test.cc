#include "node/snapshot/target_admission.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis {
namespace {

using ::testing::HasSubstr;

struct AdmissionCase {
  const char* name;
  bool admin;
  const char* group;
  const char* target;
  const char* complaint;  // Empty: it may.
};
class AdmissionTest : public testing::TestWithParam<AdmissionCase> {};
TEST_P(AdmissionTest, FollowsRoleVpcGrantAndAddress) {
  const storage::Author author{.node = 7,
                               .admin = GetParam().admin,
                               .vpc = "vpcs/vpc-1a2b3c4d",
                               .addresses = {"10.1.0.9", "fd00::9"},
                               .signing_key = std::string(32, 'k')};
  v1::TargetGroup group;
  v1::Target target;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(GetParam().group, &group));
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(GetParam().target, &target));
  const absl::Status status = CheckMayRegister(author, group, target);
  if (*GetParam().complaint == '\0') {
    EXPECT_OK(status);
  } else {
    EXPECT_THAT(status,
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(GetParam().complaint)));
  }
}

constexpr char kOpen[] = "type: IP port: 80 vpc: 'vpcs/vpc-1a2b3c4d' admits_workers: true";
constexpr char kClosed[] = "type: IP port: 80 vpc: 'vpcs/vpc-1a2b3c4d'";
constexpr char kForeign[] = "type: IP port: 80 vpc: 'vpcs/vpc-99999999' admits_workers: true";
constexpr char kInstances[] =
    "type: INSTANCE port: 80 vpc: 'vpcs/vpc-1a2b3c4d' admits_workers: true";

INSTANTIATE_TEST_SUITE_P(
    Spec, AdmissionTest,
    testing::ValuesIn(std::vector<AdmissionCase>{
        {"WorkerItsAddress", false, kOpen, "id: '10.1.0.9'", ""},
        {"WorkerItsOtherAddress", false, kOpen, "id: 'fd00::9' port: 8080", ""},
        {"WorkerAnothersAddress", false, kOpen, "id: '10.1.0.10'", "own addresses only"},
        {"WorkerLoopback", false, kOpen, "id: '127.0.0.1'", "own addresses only"},
        {"WorkerOtherSpelling", false, kOpen, "id: 'fd00:0::9'", "own addresses only"},
        {"WorkerWithoutGrant", false, kClosed, "id: '10.1.0.9'", "does not admit workers"},
        {"WorkerForeignVpc", false, kForeign, "id: '10.1.0.9'", "not of vpcs/vpc-99999999"},
        {"WorkerNoVpc", false, "type: LAMBDA admits_workers: true", "id: 'arn'", "not of none"},
        {"WorkerInstance", false, kInstances, "id: 'i-1' address: '10.1.0.9'",
         "own addresses only"},
        {"WorkerInstanceElsewhere", false, kInstances, "id: '10.1.0.9' address: '10.1.0.10'",
         "own addresses only"},
        {"AdminAnything", true, kForeign, "id: '10.1.0.10'", ""},
        {"AdminWithoutGrant", true, kClosed, "id: '10.1.0.10'", ""},
    }),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trellis
