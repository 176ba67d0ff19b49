#include "gossip/membership/neighbours.h"

#include <map>
#include <set>

#include "base/runtime/random.h"
#include "gtest/gtest.h"

namespace trellis::gossip {
namespace {

std::set<NodeId> Members(size_t count, uint64_t seed) {
  SeededRandom random(seed);
  std::set<NodeId> members;
  while (members.size() < count) members.insert(random.Next64());
  return members;
}

// Hops from the first member to the farthest one; -1 when somebody cannot be reached.
int Eccentricity(const std::set<NodeId>& members, int max_neighbours) {
  std::map<NodeId, int> hops = {{*members.begin(), 0}};
  std::vector<NodeId> frontier = {*members.begin()};
  int farthest = 0;
  for (size_t i = 0; i < frontier.size(); ++i) {
    for (const NodeId next : ChooseNeighbours(frontier[i], members, max_neighbours)) {
      if (!hops.emplace(next, hops[frontier[i]] + 1).second) continue;
      farthest = hops[next];
      frontier.push_back(next);
    }
  }
  return hops.size() == members.size() ? farthest : -1;
}

TEST(NeighboursTest, FewMembersAreAllNeighbours) {
  EXPECT_EQ(ChooseNeighbours(2, {1, 2, 3}, 8), (std::vector<NodeId>{1, 3}));
  EXPECT_EQ(ChooseNeighbours(7, {7}, 8), std::vector<NodeId>());
  EXPECT_EQ(ChooseNeighbours(7, {}, 8), std::vector<NodeId>());
}

TEST(NeighboursTest, WhoIsNotAMemberYetStillGetsNeighbours) {
  EXPECT_EQ(ChooseNeighbours(9, {1, 2}, 8), (std::vector<NodeId>{1, 2}));
}

TEST(NeighboursTest, BothEndsAgreeAndNobodyHasMoreThanTheBound) {
  for (const size_t count : {10, 11, 50, 200}) {
    const std::set<NodeId> members = Members(count, count);
    for (const NodeId a : members) {
      const std::vector<NodeId> chosen = ChooseNeighbours(a, members, 8);
      EXPECT_LE(chosen.size(), 8u);
      for (const NodeId b : chosen) {
        EXPECT_NE(a, b);
        const std::vector<NodeId> back = ChooseNeighbours(b, members, 8);
        EXPECT_NE(std::find(back.begin(), back.end(), a), back.end());
      }
    }
  }
}

TEST(NeighboursTest, EverybodyIsReachedInFewHops) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const int hops = Eccentricity(Members(200, seed), 8);
    EXPECT_GE(hops, 1);
    EXPECT_LE(hops, 6);
  }
}

TEST(NeighboursTest, ARingAloneConnects) { EXPECT_EQ(Eccentricity(Members(31, 5), 2), 15); }

}  // namespace
}  // namespace trellis::gossip
