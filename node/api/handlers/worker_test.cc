// A worker agent's own API: what its role allows, and what it must be refused.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/api/handlers/agent.h"
#include "node/api/handlers/apply.h"
#include "node/api/handlers/service.h"
#include "node/api/handlers/target.h"
#include "node/api/handlers/target_group.h"
#include "node/api/handlers/test_agent.h"
#include "tests/support/status_matchers.h"

namespace trellis::api {
namespace {

using ::testing::HasSubstr;

// Agent 1 is an admin; agent 2 a worker of VPC "main" at 10.1.0.9.
class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    admin_.MakeWorld();
    worker_.PullFrom(admin_);
  }
  void Admit(const std::string& value) {
    ASSERT_OK(
        admin_.Call(UpdateTargetGroup, "target_group { name: 'cart-blue' admits_workers: " + value +
                                           " } update_mask { paths: 'admits_workers' }"));
    worker_.PullFrom(admin_);
  }

  TestAgent admin_;
  TestAgent worker_{
      nullptr, {.node = 2, .admin = false, .vpc = "vpcs/vpc-11111111", .addresses = {"10.1.0.9"}}};
};

const char kOwn[] = "parent: 'cart-blue' targets { id: '10.1.0.9' }";

TEST_F(WorkerTest, RegistersItsAddressWhereWorkersAreAdmitted) {
  ASSERT_OK_AND_ASSIGN(auto answer, worker_.Call(RegisterTargets, kOwn));
  ASSERT_EQ(answer.unsuccessful_size(), 1);
  EXPECT_EQ(answer.unsuccessful(0).failure_code(), "PERMISSION_DENIED");
  EXPECT_THAT(answer.unsuccessful(0).failure_message(), HasSubstr("admitsWorkers: true"));

  Admit("true");
  ASSERT_OK_AND_ASSIGN(answer, worker_.Call(RegisterTargets, kOwn));
  ASSERT_EQ(answer.successful_size(), 1) << answer.ShortDebugString();
  admin_.PullFrom(worker_);
  ASSERT_OK_AND_ASSIGN(auto listed, admin_.Call(ListTargets, "parent: 'cart-blue'"));
  ASSERT_EQ(listed.targets_size(), 2);
  EXPECT_EQ(listed.targets(1).status(), v1::INITIAL);

  ASSERT_OK_AND_ASSIGN(const auto gone, worker_.Call(DeregisterTargets,
                                                     "parent: 'cart-blue' targets { id: "
                                                     "'10.1.0.9' } targets { id: '10.1.0.5' }"));
  EXPECT_EQ(gone.successful_size(), 1);
  ASSERT_EQ(gone.unsuccessful_size(), 1) << "an admin's, of another address";
  EXPECT_THAT(gone.unsuccessful(0).failure_message(), HasSubstr("own addresses only"));
}

TEST_F(WorkerTest, TargetWhoseWriterIsNoLongerAdmittedSaysSo) {
  Admit("true");
  ASSERT_OK(worker_.Call(RegisterTargets, kOwn));
  Admit("false");
  ASSERT_OK_AND_ASSIGN(const auto listed, worker_.Call(ListTargets, "parent: 'cart-blue'"));
  ASSERT_EQ(listed.targets_size(), 2);
  EXPECT_EQ(listed.targets(0).status(), v1::INITIAL) << "an admin's";
  EXPECT_EQ(listed.targets(1).status(), v1::UNUSED);
  EXPECT_EQ(listed.targets(1).reason_code(), "WriterMayNotRegister");
}

TEST_F(WorkerTest, EveryOtherWriteIsRefusedWithAWayOut) {
  const std::vector<Step> steps = {
      Calling(CreateService, "service { display_name: 'new' }"),
      Calling(UpdateTargetGroup, "target_group { name: 'cart-blue' admits_workers: true }"),
      Calling(DeleteTargetGroup, "name: 'cart-spare'"),
      Calling(Apply, "manifests { parent: 'cart-blue' resource { target { id: '10.1.0.9' } } }"),
      Calling(DeleteAgent, "name: 'beta'"),
      Calling(CreateJoinToken, "vpc: 'main' role: ADMIN"),
  };
  const auto before = worker_.catalog->root();
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_THAT(steps[i](worker_).status(),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         HasSubstr("write through alpha (192.0.2.1:7950)")))
        << "step " << i;
  }
  EXPECT_EQ(worker_.catalog->root(), before);
}

}  // namespace
}  // namespace trellis::api
