#include "storage/resource/arn.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::resource {
namespace {

struct ArnCase {
  const char* label;
  std::string name;
  std::string arn;
};
class ArnTest : public testing::TestWithParam<ArnCase> {};

TEST_P(ArnTest, NameGivesArnGivesName) {
  EXPECT_EQ(MakeArn(GetParam().name, "eu-west-1", "123456789012"), GetParam().arn);
  ASSERT_OK_AND_ASSIGN(const Arn arn, ParseArn(GetParam().arn));
  EXPECT_EQ(arn, (Arn{"eu-west-1", "123456789012", GetParam().name}));
}

INSTANTIATE_TEST_SUITE_P(
    Reference, ArnTest,
    testing::ValuesIn(std::vector<ArnCase>{
        {"Vpc", "vpcs/vpc-0a1b2c3d", "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0a1b2c3d"},
        {"Network", "serviceNetworks/sn-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetwork/sn-0123456789abcdefg"},
        {"Service", "services/svc-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0123456789abcdefg"},
        {"Listener", "services/svc-0123456789abcdefg/listeners/listener-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0123456789abcdefg/listener/"
         "listener-0123456789abcdefg"},
        {"Rule",
         "services/svc-0123456789abcdefg/listeners/listener-0123456789abcdefg/rules/"
         "rule-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0123456789abcdefg/listener/"
         "listener-0123456789abcdefg/rule/rule-0123456789abcdefg"},
        {"TargetGroup", "targetGroups/tg-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-0123456789abcdefg"},
        {"VpcAssociation", "vpcAssociations/snva-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetworkvpcassociation/"
         "snva-0123456789abcdefg"},
        {"ServiceAssociation", "serviceAssociations/snsa-0123456789abcdefg",
         "arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetworkserviceassociation/"
         "snsa-0123456789abcdefg"},
    }),
    [](const auto& info) { return info.param.label; });

TEST(ArnTest, KindsWithoutOneGiveNone) {
  for (const char* name : {"accounts/123456789012", "agents/00000000deadbeef", "nonsense",
                           "targetGroups/tg-0123456789abcdefg/targets/10.0.0.1:80"}) {
    EXPECT_EQ(MakeArn(name, "eu-west-1", "123456789012"), "") << name;
  }
}

TEST(ArnTest, ForeignTextIsRefused) {
  for (const std::string& text : std::vector<std::string>{
           "", "arn:aws:vpc-lattice:eu-west-1:123456789012:service",
           "arn:aws:ec2:eu-west-1:123456789012:service/svc-0123456789abcdefg",
           "arn:aws:vpc-lattice::123456789012:service/svc-0123456789abcdefg",
           "arn:aws:vpc-lattice:eu-west-1:1234:service/svc-0123456789abcdefg",
           "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0123456789abcdefg/",
           "arn:aws:vpc-lattice:eu-west-1:123456789012:rule/rule-0123456789abcdefg",
           "arn:aws:s3:::bucket", std::string(5000, ':')}) {
    EXPECT_THAT(ParseArn(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(GeneratedDomainTest, FollowsTheReferencesForm) {
  const std::string mesh_id("\xab\xcd\xef\x12\x34", 5);
  EXPECT_EQ(GeneratedDomain("cart", "svc-0123456789abcdefg", mesh_id, "eu-west-1", "mesh.internal"),
            "cart-0123456789abcdefg.abcdef1.vpc-lattice-svcs.eu-west-1.mesh.internal");
}

}  // namespace
}  // namespace trellis::resource
