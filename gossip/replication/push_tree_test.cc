#include "gossip/replication/push_tree.h"

#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

using storage::Origin;

constexpr Origin kOrigin{1, 1};
constexpr Origin kOther{2, 1};

TEST(PushTreeTest, TheLaterLinkIsPrunedForThatOriginAlone) {
  PushTree tree;
  EXPECT_TRUE(tree.IsEager(kOrigin, 7));
  tree.CameFirst(kOrigin, 7);
  EXPECT_TRUE(tree.CameAgain(kOrigin, 8));
  EXPECT_TRUE(tree.IsEager(kOrigin, 7));
  EXPECT_FALSE(tree.IsEager(kOrigin, 8));
  EXPECT_TRUE(tree.IsEager(kOther, 8));
}

TEST(PushTreeTest, TheLinkOfTheFirstCopyIsNeverPruned) {
  PushTree tree;
  tree.CameFirst(kOrigin, 7);
  EXPECT_FALSE(tree.CameAgain(kOrigin, 7)) << "the network may bring a frame twice";
  EXPECT_TRUE(tree.CameAgain(kOrigin, 8));
  tree.CameFirst(kOrigin, 8);
  EXPECT_TRUE(tree.IsEager(kOrigin, 8)) << "it has become the faster one";
  EXPECT_TRUE(tree.CameAgain(kOrigin, 7));
}

TEST(PushTreeTest, AGraftMakesALinkEagerAgain) {
  PushTree tree;
  tree.Prune(kOrigin, 7);
  EXPECT_FALSE(tree.IsEager(kOrigin, 7));
  tree.Graft(kOrigin, 7);
  EXPECT_TRUE(tree.IsEager(kOrigin, 7));
}

TEST(PushTreeTest, ALinkThatComesBackBeginsAnew) {
  PushTree tree;
  tree.CameFirst(kOrigin, 7);
  tree.Prune(kOrigin, 8);
  tree.RemoveLink(7);
  tree.RemoveLink(8);
  EXPECT_TRUE(tree.IsEager(kOrigin, 8));
  EXPECT_TRUE(tree.CameAgain(kOrigin, 7)) << "it is no parent any more";
}

TEST(PushTreeTest, OriginsThatWroteLongAgoAreForgotten) {
  PushTree tree;
  tree.Prune(kOrigin, 7);
  tree.Prune(kOther, 7);
  for (uint64_t i = 2; i < PushTree::kMaxOrigins; ++i) tree.Prune({100 + i, 1}, 7);
  EXPECT_FALSE(tree.IsEager(kOrigin, 7));
  tree.Graft(kOrigin, 8);  // In use again.
  tree.Prune({5000, 1}, 7);
  EXPECT_FALSE(tree.IsEager(kOrigin, 7));
  EXPECT_TRUE(tree.IsEager(kOther, 7));
}

}  // namespace
}  // namespace trellis::gossip
