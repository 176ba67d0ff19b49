// The merge against a model that keeps everything: whatever the order, grouping and repetition in
// which honest agents' writes of one key arrive, what no other supersedes stays, and nothing else.
#include "storage/catalog/siblings.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/runtime/random.h"
#include "gtest/gtest.h"
#include "storage/resource/fields.h"

namespace trellis::storage {
namespace {

constexpr int kHistories = 20000;
constexpr int kOrders = 6;  // Of each history: 120,000 cases.
constexpr NodeId kAgents = 4;
constexpr int kSteps = 24;
constexpr size_t kWritesMax = kMaxSiblings;  // So that the bound on siblings plays no part.

using Writes = std::vector<Stored>;

std::vector<absl::uint128> Digests(const Writes& writes) {
  std::vector<absl::uint128> digests;
  for (const Stored& write : writes) digests.push_back(write.digest);
  return digests;
}

// All that no other supersedes, ranked.
Writes Model(const Writes& all) {
  Writes kept;
  for (const Stored& write : all) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const Stored& other) { return Supersedes(other, write); })) {
      kept.push_back(write);
    }
  }
  std::sort(kept.begin(), kept.end(), RanksBefore);
  return kept;
}

Writes Join(Writes held, const Writes& others) {
  for (const Stored& write : others) MergeInto(write, held);
  return held;
}

// Agents that write one key and fetch from each other, origin by origin.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed), guard_(seed % 4 == 0) {
    for (int step = 0; step < kSteps; ++step) {
      Agent& agent = agents_[random_.Uniform(kAgents)];
      if (random_.Chance(0.5)) {
        Fetch(agent, agents_[random_.Uniform(kAgents)]);
      } else if (all_.size() < kWritesMax) {
        Write(agent);
      }
    }
  }

  const Writes& all() const { return all_; }
  Random& random() { return random_; }
  // What everybody holds in the end.
  std::vector<Writes> Settle() {
    for (int round = 0; round < 2; ++round) {
      for (Agent& to : agents_) {
        for (Agent& from : agents_) Fetch(to, from, /*all=*/true);
      }
    }
    std::vector<Writes> held;
    for (const Agent& agent : agents_) held.push_back(agent.held);
    return held;
  }

 private:
  struct Agent {
    Writes held;
    std::map<NodeId, uint64_t> heads;
  };

  void Write(Agent& agent) {
    if (!agent.held.empty() && agent.held.front().final_delete) return;
    const NodeId node = 1 + static_cast<NodeId>(&agent - agents_);
    Stored write;
    uint64_t hlc = random_.Uniform(20);  // Clocks differ.
    for (const Stored& held : agent.held) hlc = std::max(hlc, held.version.hlc);
    write.version = {std::max(hlc, clocks_[node]) + 1, node};
    clocks_[node] = write.version.hlc;
    write.origin = {node, 1};
    write.sequence = ++agent.heads[node];
    write.digest = all_.size() + 1;
    write.final_delete = guard_ && random_.Chance(0.1);
    if (!write.final_delete && random_.Chance(0.8)) {
      trellis::v1::Resource resource;
      resource.mutable_service()->set_display_name(absl::StrCat(random_.Uniform(3)));
      resource::SetEtag(resource, write.version.ToEtag());
      write.payload = absl::Cord(resource.SerializeAsString());
    }
    std::vector<Version> resolved;
    for (const Stored& held : agent.held) {
      if (held.listed && random_.Chance(0.3)) resolved.push_back(held.version);
    }
    write.ancestry = Descend(agent.held, resolved);
    ASSERT_TRUE(MergeInto(write, agent.held));
    EXPECT_EQ(agent.held.front().version, write.version);
    MarkConflicts(agent.held);
    all_.push_back(write);
  }

  // As a delta does: of some origins, what `from` still holds of what `to` has not had.
  void Fetch(Agent& to, const Agent& from, bool all = false) {
    for (const auto& [node, head] : from.heads) {
      if (!all && random_.Chance(0.4)) continue;
      uint64_t& held = to.heads[node];
      for (const Stored& write : from.held) {
        if (write.origin.node == node && write.sequence > held) MergeInto(write, to.held);
      }
      held = std::max(held, head);
    }
    MarkConflicts(to.held);
  }

  SeededRandom random_;
  const bool guard_;
  Agent agents_[kAgents];
  std::map<NodeId, uint64_t> clocks_;
  Writes all_;
};

TEST(SiblingsTest, AnyOrderGroupingAndRepetitionGivesWhatTheModelKeeps) {
  size_t conflicts = 0;
  for (uint64_t seed = 1; seed <= kHistories; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    History history(seed);
    const Writes model = Model(history.all());
    conflicts += model.size() > 1;
    for (int order = 0; order < kOrders; ++order) {
      Writes shuffled = history.all();
      for (size_t i = shuffled.size(); i > 1; --i) {
        std::swap(shuffled[i - 1], shuffled[history.random().Uniform(i)]);
      }
      Writes piles[3];
      for (const Stored& write : shuffled) {
        // In one pile, or in several.
        for (Writes& pile : piles) {
          if (history.random().Chance(0.5)) MergeInto(write, pile);
        }
        MergeInto(write, piles[history.random().Uniform(3)]);
      }
      const Writes left = Join(Join(piles[0], piles[1]), piles[2]);
      const Writes right = Join(piles[2], Join(piles[1], piles[0]));
      ASSERT_EQ(Digests(left), Digests(model));
      ASSERT_EQ(Digests(right), Digests(model));
      ASSERT_EQ(Digests(Join(left, left)), Digests(model));
    }
    for (const Writes& held : history.Settle()) ASSERT_EQ(Digests(held), Digests(model));
  }
  EXPECT_GT(conflicts, kHistories / 4u);  // Else the histories say little.
}

Stored WriteOf(uint64_t hlc, NodeId node) {
  Stored write;
  write.version = {hlc, node};
  write.origin = {node, 1};
  write.digest = hlc * 100 + node;
  return write;
}

TEST(SiblingsTest, NewestOfTooManyAreKept) {
  Writes held;
  for (uint64_t i = 1; i <= 2 * kMaxSiblings; ++i) {
    EXPECT_TRUE(MergeInto(WriteOf(i + 1, i), held));
    EXPECT_LE(held.size(), kMaxSiblings);
  }
  EXPECT_FALSE(MergeInto(WriteOf(1, 99), held));
  Stored last = WriteOf(1, 99);
  last.final_delete = true;
  EXPECT_TRUE(MergeInto(last, held));
  EXPECT_EQ(held.size(), 1u);
}

TEST(SiblingsTest, ConflictsLeftOpenElsewhereStayOpenThoughTheyHaveNotComeYet) {
  Writes first = {WriteOf(5, 1)};
  const Stored lost = WriteOf(4, 2);
  MergeInto(lost, first);
  MarkConflicts(first);
  // `lost` says the same as the winner (both delete): a write ends it. So make it say otherwise.
  trellis::v1::Resource resource;
  resource.mutable_service();
  first[1].payload = absl::Cord(resource.SerializeAsString());
  MarkConflicts(first);
  Stored second = WriteOf(6, 1);
  second.ancestry = Descend(first, {});
  // Another agent got `second` alone, and writes over it.
  Writes elsewhere = {second};
  Stored third = WriteOf(7, 3);
  third.ancestry = Descend(elsewhere, {});
  EXPECT_TRUE(MergeInto(third, first));
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[1].version, lost.version);
}

TEST(SiblingsTest, WhatAnOpenConflictWasWrittenOverIsNotEndedByAnother) {
  const Stored first = WriteOf(3, 1);
  Stored open = WriteOf(4, 2);
  open.ancestry = Descend({first}, {});
  trellis::v1::Resource resource;
  resource.mutable_service();
  open.payload = absl::Cord(resource.SerializeAsString());
  Writes held = {WriteOf(5, 3)};
  MergeInto(open, held);
  MarkConflicts(held);
  ASSERT_TRUE(held[1].listed);
  Stored newest = WriteOf(6, 3);
  newest.ancestry = Descend(held, {});
  ASSERT_TRUE(MergeInto(newest, held));
  ASSERT_EQ(held.size(), 2u);
  // The author of `open` is evicted, and that write void: what it replaced is a conflict again.
  held.pop_back();
  EXPECT_TRUE(MergeInto(first, held));
  EXPECT_EQ(held.size(), 2u);
}

TEST(SiblingsTest, ContextKeepsTheNewestAuthors) {
  Writes held;
  auto ancestry = std::make_shared<Ancestry>();
  for (NodeId node = 1; node <= kMaxContext; ++node) ancestry->context.push_back({node, node});
  held.push_back(WriteOf(1000, 500));
  held.front().ancestry = ancestry;
  const auto descended = Descend(held, {});
  EXPECT_EQ(descended->context.size(), kMaxContext);
  EXPECT_FALSE(descended->Covers({1, 1}));
  EXPECT_TRUE(descended->Covers({2, 2}));
  EXPECT_TRUE(descended->Covers({1000, 500}));
  EXPECT_FALSE(descended->Covers({1001, 500}));
}

}  // namespace
}  // namespace trellis::storage
