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

std::set<NodeId> Links(NodeId self, const std::set<NodeId>& members, int max_links) {
  return ChooseNeighbours(self, members, {}, max_links).links;
}

// Hops from the first member to the farthest one; -1 when somebody cannot be reached.
int Eccentricity(const std::set<NodeId>& members, int max_neighbours) {
  std::map<NodeId, int> hops = {{*members.begin(), 0}};
  std::vector<NodeId> frontier = {*members.begin()};
  int farthest = 0;
  for (size_t i = 0; i < frontier.size(); ++i) {
    for (const NodeId next : Links(frontier[i], members, max_neighbours)) {
      if (!hops.emplace(next, hops[frontier[i]] + 1).second) continue;
      farthest = hops[next];
      frontier.push_back(next);
    }
  }
  return hops.size() == members.size() ? farthest : -1;
}

TEST(NeighboursTest, FewMembersAreAllNeighbours) {
  EXPECT_EQ(Links(2, {1, 2, 3}, 8), (std::set<NodeId>{1, 3}));
  EXPECT_EQ(Links(7, {7}, 8), std::set<NodeId>());
  EXPECT_EQ(Links(7, {}, 8), std::set<NodeId>());
}

TEST(NeighboursTest, WhoIsNotAMemberYetStillGetsNeighbours) {
  EXPECT_EQ(Links(9, {1, 2}, 8), (std::set<NodeId>{1, 2}));
}

TEST(NeighboursTest, BothEndsAgreeAndNobodyHasMoreThanTheBound) {
  for (const size_t count : {10, 11, 50, 200}) {
    const std::set<NodeId> members = Members(count, count);
    for (const NodeId a : members) {
      const std::set<NodeId> chosen = Links(a, members, 8);
      EXPECT_LE(chosen.size(), 8u);
      for (const NodeId b : chosen) {
        EXPECT_NE(a, b);
        EXPECT_EQ(Links(b, members, 8).count(a), 1u);
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

// Half the members, as each side of a partition sees the other.
std::set<NodeId> Half(const std::set<NodeId>& members, bool odd) {
  std::set<NodeId> half;
  for (const NodeId member : members) {
    if ((member % 2 == 1) == odd) half.insert(member);
  }
  return half;
}

TEST(NeighboursTest, RingsCloseOverTheDown) {
  const std::set<NodeId> members = Members(60, 3);
  const std::set<NodeId> down = Half(members, true);
  const std::set<NodeId> living = Half(members, false);
  for (const NodeId self : living) {
    EXPECT_EQ(ChooseNeighbours(self, members, down, 6).links, Links(self, living, 6));
  }
}

TEST(NeighboursTest, EveryoneWhoIsDownIsSomebodysToKnockAt) {
  const std::set<NodeId> members = Members(60, 4);
  const std::set<NodeId> down = Half(members, true);
  std::set<NodeId> knocked;
  for (const NodeId self : Half(members, false)) {
    const std::set<NodeId> knocks = ChooseNeighbours(self, members, down, 6).knocks;
    knocked.insert(knocks.begin(), knocks.end());
  }
  EXPECT_EQ(knocked, down);
}

TEST(NeighboursTest, OneWhoIsDownIsKnockedAtByThoseThatWouldBeItsNeighbours) {
  const std::set<NodeId> members = Members(40, 6);
  const NodeId gone = *members.rbegin();
  std::set<NodeId> knocking;
  for (const NodeId self : members) {
    if (self != gone && !ChooseNeighbours(self, members, {gone}, 6).knocks.empty()) {
      knocking.insert(self);
    }
  }
  EXPECT_EQ(knocking, Links(gone, members, 6));
}

TEST(NeighboursTest, TheLastOneStandingKnocksAtAll) {
  const Neighbours alone = ChooseNeighbours(1, {1, 2, 3}, {2, 3}, 6);
  EXPECT_TRUE(alone.links.empty());
  EXPECT_EQ(alone.knocks, (std::set<NodeId>{2, 3}));
}

}  // namespace
}  // namespace trellis::gossip
