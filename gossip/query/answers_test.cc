#include "gossip/query/answers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

TEST(AnswersTest, CountsAndStragglersAddUp) {
  peer::v1::Answer sum, answer;
  sum.set_final(true);
  sum.set_agents(3);
  sum.set_enforcing(2);
  sum.set_enforcing_sum(UINT64_MAX);
  sum.add_stragglers(9);
  answer.set_agents(30);
  answer.set_holding(5);
  answer.set_enforcing_sum(3);
  for (int node = 1; node <= 20; ++node) answer.add_stragglers(node);
  AddAnswer(answer, &sum);
  EXPECT_FALSE(sum.final()) << "more may come from that side";
  EXPECT_EQ(sum.agents(), 33u);
  EXPECT_EQ(sum.holding(), 5u);
  EXPECT_EQ(sum.enforcing(), 2u);
  EXPECT_EQ(sum.enforcing_sum(), 2u);
  EXPECT_EQ(sum.stragglers_size(), kMaxStragglers);
  EXPECT_EQ(sum.stragglers(8), 9u) << "twice is once";
}

TEST(AnswersTest, WhoClaimsTooManyGetsTheMost) {
  peer::v1::Answer sum, answer;
  sum.set_agents(7);
  answer.set_agents(UINT32_MAX);
  AddAnswer(answer, &sum);
  EXPECT_EQ(sum.agents(), UINT32_MAX);
}

}  // namespace
}  // namespace trellis::gossip
