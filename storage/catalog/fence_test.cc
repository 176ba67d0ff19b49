// Evictions: what the evicted agent wrote counts as far as the evicting one held it, everywhere.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "storage/catalog/siblings.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::HasSubstr;

// Agent 3's key was stolen. Services 1 and 2, its first two transactions, are everybody's; then it
// writes on while it reaches `near_` only, and `admin_` evicts it.
class FenceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(admin_.catalog->Commit(
        {PutService(9, "nine"), {AgentNameOf(3), AgentResource(AgentNameOf(3), "x"), {}}}));
    thief_.PullFrom(admin_);
    ASSERT_OK(thief_.catalog->Commit({PutService(1, "good")}));
    ASSERT_OK(thief_.catalog->Commit({PutService(2, "good")}));
    for (TestNode* node : {&admin_, &near_}) node->PullFrom(thief_);
    Write(1, "evil");
    Write(9, "evil");
    ASSERT_OK(thief_.catalog->Commit({PutService(3, "evil")}));
    near_.PullFrom(thief_);
    ASSERT_EQ(near_.LabelOf(ServiceName(9)), "evil");
  }

  void Write(int service, const std::string& label) {
    const std::string name = ServiceName(service);
    ASSERT_OK(thief_.catalog->Commit({PutService(service, label, thief_.VersionOf(name))}));
  }
  void Evict(TestNode& by) {
    ASSERT_OK(by.catalog->Commit({DeleteName(AgentNameOf(3), by.VersionOf(AgentNameOf(3)))}));
  }
  // As the mesh does: what is missing first; then, where only roots differ, everything. `b` hears
  // of the eviction first: until then `a` refuses what `b` holds of the thief.
  static void Meet(TestNode& a, TestNode& b) {
    for (int round = 0; round < 2; ++round) {
      b.PullFrom(a);
      a.PullFrom(b);
    }
    ASSERT_EQ(a.catalog->vector(), b.catalog->vector());
    for (const v1::Delta& delta : a.DeltasAfter()) ASSERT_OK(b.catalog->ApplyRemote(delta));
    for (const v1::Delta& delta : b.DeltasAfter()) ASSERT_OK(a.catalog->ApplyRemote(delta));
    EXPECT_EQ(a.catalog->root(), b.catalog->root());
  }

  TestNode admin_{1};
  TestNode near_{2};
  TestNode thief_{3};
};

TEST_F(FenceTest, WhatIsBeyondIsRefusedWhereItHasNotArrived) {
  Evict(admin_);
  const Root root = admin_.catalog->root();
  for (const v1::Delta& delta : thief_.DeltasAfter(admin_.catalog->vector())) {
    EXPECT_THAT(admin_.catalog->ApplyRemote(delta),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("was evicted")));
  }
  EXPECT_EQ(admin_.catalog->root(), root);
  EXPECT_EQ(admin_.LabelOf(ServiceName(1)), "good");
}

TEST_F(FenceTest, WhatIsBeyondIsDroppedWhereItHasAndWhatItHidComesBack) {
  Evict(admin_);
  std::vector<std::string> gone;
  near_.catalog->Subscribe([&](const Applied& applied) {
    for (const Applied::Item& item : applied.items) {
      if (item.after == nullptr && item.before->has_service()) {
        gone.push_back(item.before->service().display_name());
      }
    }
  });
  near_.PullFrom(admin_);
  EXPECT_THAT(gone, testing::ElementsAre("evil", "evil"));
  EXPECT_EQ(near_.LabelOf(ServiceName(9)), "nine");
  EXPECT_EQ(near_.LabelOf(ServiceName(2)), "good");  // Within: it stays, without a break.
  Meet(admin_, near_);
  for (const int service : {1, 2}) EXPECT_EQ(near_.LabelOf(ServiceName(service)), "good");
  EXPECT_EQ(near_.LabelOf(ServiceName(9)), "nine");
  EXPECT_EQ(near_.catalog->Find(ServiceName(3)), nullptr);
}

TEST_F(FenceTest, HoldsOverRestartsAndForNewcomers) {
  Evict(admin_);
  Meet(admin_, near_);
  const Root root = admin_.catalog->root();
  near_.Open();
  EXPECT_EQ(near_.catalog->root(), root);
  for (const v1::Delta& delta : thief_.DeltasAfter(near_.catalog->vector())) {
    EXPECT_THAT(near_.catalog->ApplyRemote(delta), StatusIs(absl::StatusCode::kFailedPrecondition));
  }
  TestNode newcomer(4);
  newcomer.PullFrom(near_);
  EXPECT_EQ(newcomer.catalog->root(), root);
}

TEST_F(FenceTest, EvictedAgentWritesNoMore) {
  Evict(admin_);
  thief_.PullFrom(admin_);
  EXPECT_EQ(thief_.catalog->Find(ServiceName(3)), nullptr);
  EXPECT_THAT(thief_.catalog->Commit({PutService(5, "evil")}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("was evicted")));
}

TEST_F(FenceTest, OthersWritesOverWhatIsDroppedStay) {
  ASSERT_OK(near_.catalog->Commit({PutService(9, "mended", near_.VersionOf(ServiceName(9)))}));
  Evict(admin_);
  Meet(admin_, near_);
  EXPECT_EQ(admin_.LabelOf(ServiceName(9)), "mended");
}

TEST_F(FenceTest, WhatOnlyItsHoldersKnewComesBackToo) {
  // Of another admin's writes to 6, 7 and 9 the evicting agent has heard nothing.
  TestNode other(5);
  other.PullFrom(admin_);
  ASSERT_OK(other.catalog->Commit({PutService(6, "six"), PutService(7, "seven")}));
  ASSERT_OK(other.catalog->Commit({DeleteName(ServiceName(9), other.VersionOf(ServiceName(9)))}));
  thief_.PullFrom(other);
  ASSERT_OK(thief_.catalog->Commit({PutService(9, "risen")}));
  Write(6, "evil");
  Write(7, "evil");
  Write(7, "worse");
  for (TestNode* node : {&near_, &other}) node->PullFrom(thief_);
  ASSERT_EQ(other.LabelOf(ServiceName(7)), "worse");
  other.Open();
  Evict(admin_);
  other.PullFrom(admin_);
  EXPECT_EQ(other.LabelOf(ServiceName(6)), "six");
  EXPECT_EQ(other.LabelOf(ServiceName(7)), "seven");
  EXPECT_EQ(other.catalog->Find(ServiceName(9)), nullptr);
  const Root root = other.catalog->root();
  other.Open();
  EXPECT_EQ(other.catalog->root(), root);
  Meet(admin_, other);
  Meet(admin_, near_);
  for (TestNode* node : {&admin_, &near_, &other}) {
    EXPECT_EQ(node->LabelOf(ServiceName(6)), "six");
    EXPECT_EQ(node->LabelOf(ServiceName(7)), "seven");
    EXPECT_EQ(node->catalog->Find(ServiceName(9)), nullptr);
    EXPECT_EQ(node->catalog->root(), admin_.catalog->root());
  }
}

TEST_F(FenceTest, WritesOverARestoredOneAreNotUndone) {
  TestNode other(5);
  ASSERT_OK(other.catalog->Commit({PutService(7, "seven")}));
  thief_.PullFrom(other);
  Write(7, "evil");
  near_.PullFrom(thief_);
  ASSERT_OK(near_.catalog->Commit({PutService(7, "mended", near_.VersionOf(ServiceName(7)))}));
  Evict(admin_);
  Meet(admin_, near_);
  EXPECT_EQ(admin_.LabelOf(ServiceName(7)), "mended");
  EXPECT_EQ(near_.catalog->conflict_count(), 0u);
}

TEST_F(FenceTest, WritesOfTwoEvictedAgentsDoNotBringEachOtherBack) {
  TestNode accomplice(6);
  accomplice.PullFrom(admin_);
  ASSERT_OK(accomplice.catalog->Commit(
      {{AgentNameOf(6), AgentResource(AgentNameOf(6), "y"), {}}, PutService(8, "eight")}));
  admin_.PullFrom(accomplice);
  accomplice.PullFrom(thief_);
  const std::string name = ServiceName(9);
  ASSERT_OK(accomplice.catalog->Commit({PutService(9, "both", accomplice.VersionOf(name))}));
  near_.PullFrom(accomplice);
  ASSERT_EQ(near_.LabelOf(name), "both");
  Evict(admin_);
  near_.PullFrom(admin_);
  EXPECT_EQ(near_.LabelOf(name), "both");
  ASSERT_OK(admin_.catalog->Commit({DeleteName(AgentNameOf(6), admin_.VersionOf(AgentNameOf(6)))}));
  Meet(admin_, near_);
  EXPECT_EQ(near_.LabelOf(name), "nine");
}

TEST_F(FenceTest, LayersComeBackOneByOne) {
  // Over "seven" writes an accomplice, and over that the thief; `admin_` has heard of neither.
  TestNode accomplice(6);
  accomplice.PullFrom(admin_);
  ASSERT_OK(accomplice.catalog->Commit({{AgentNameOf(6), AgentResource(AgentNameOf(6), "y"), {}}}));
  admin_.PullFrom(accomplice);
  TestNode other(5);
  other.PullFrom(admin_);
  ASSERT_OK(other.catalog->Commit({PutService(7, "seven")}));
  accomplice.PullFrom(other);
  const std::string name = ServiceName(7);
  ASSERT_OK(accomplice.catalog->Commit({PutService(7, "sly", accomplice.VersionOf(name))}));
  for (TestNode* node : {&other, &thief_}) node->PullFrom(accomplice);
  Write(7, "evil");
  other.PullFrom(thief_);
  ASSERT_EQ(other.LabelOf(name), "evil");
  Evict(admin_);
  other.PullFrom(admin_);
  EXPECT_EQ(other.LabelOf(name), "sly");
  ASSERT_OK(admin_.catalog->Commit({DeleteName(AgentNameOf(6), admin_.VersionOf(AgentNameOf(6)))}));
  other.PullFrom(admin_);
  EXPECT_EQ(other.LabelOf(name), "seven");
}

TEST_F(FenceTest, EvictedTwiceTheLowerFenceStands) {
  Evict(admin_);
  Evict(near_);  // Which holds all of the evil.
  EXPECT_EQ(near_.LabelOf(ServiceName(3)), "evil");
  Meet(admin_, near_);
  EXPECT_EQ(near_.catalog->Find(ServiceName(3)), nullptr);
  EXPECT_EQ(near_.LabelOf(ServiceName(9)), "nine");
}

TEST_F(FenceTest, TwoTonguedIsFencedBeforeItsTwoContents) {
  // What `admin_` saw second is the proof; it evicts, and both sides end with neither content.
  v1::Delta delta = thief_.DeltasAfter(admin_.catalog->vector())[0];
  v1::Delta forged = delta;
  for (v1::Entry& entry : *forged.mutable_entries()) {
    entry.set_payload(ServiceResource(entry.key(), "two").SerializeAsString());
  }
  Seal(forged, thief_.authorship, thief_.scope());
  ASSERT_OK(admin_.catalog->ApplyRemote(forged));
  EXPECT_EQ(admin_.LabelOf(ServiceName(3)), "two");
  EXPECT_THAT(admin_.catalog->ApplyRemote(delta), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_GE(admin_.catalog->equivocations(), 1u);
  Evict(admin_);
  EXPECT_EQ(admin_.catalog->Find(ServiceName(3)), nullptr);
  Meet(admin_, near_);
  EXPECT_EQ(near_.catalog->Find(ServiceName(3)), nullptr);
}

TEST_F(FenceTest, TwoContentsThatComeToLightLaterLowerTheFence) {
  // Of the thief's second transaction `other` holds what nobody else does.
  TestNode other(5);
  for (const v1::Delta& delta : admin_.DeltasAfter()) {
    if (delta.origin().node() != 1) continue;
    ASSERT_OK(other.catalog->ApplyRemote(delta));
  }
  bool more = false;
  const Origin thief = thief_.catalog->origin();
  ASSERT_OK_AND_ASSIGN(auto deltas, thief_.catalog->DeltasOf(thief, 0, 2, 1 << 20, &more));
  v1::Delta forged = deltas.back();
  deltas.pop_back();
  for (v1::Entry& entry : *forged.mutable_entries()) {
    if (entry.sequence() < 2) continue;
    entry.set_payload(ServiceResource(entry.key(), "two").SerializeAsString());
  }
  Seal(forged, thief_.authorship, thief_.scope());
  for (const v1::Delta& delta : deltas) ASSERT_OK(other.catalog->ApplyRemote(delta));
  ASSERT_OK(other.catalog->ApplyRemote(forged));
  ASSERT_EQ(other.LabelOf(ServiceName(2)), "two");

  Evict(admin_);
  const VersionVector before = admin_.catalog->vector();
  ASSERT_OK(admin_.catalog->LowerFences());
  EXPECT_EQ(admin_.catalog->vector(), before) << "wrote with nothing to lower";
  EXPECT_THAT(admin_.catalog->ApplyRemote(forged), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(admin_.catalog->forked(), testing::ElementsAre(3));
  ASSERT_OK(admin_.catalog->LowerFences());
  EXPECT_THAT(admin_.catalog->forked(), testing::IsEmpty());

  Meet(admin_, other);
  for (TestNode* node : {&admin_, &other}) {
    EXPECT_EQ(node->LabelOf(ServiceName(1)), "good");  // Before the two: it counts.
    EXPECT_EQ(node->catalog->Find(ServiceName(2)), nullptr);
  }
}

TEST_F(FenceTest, NoAgentEvictsItself) {
  EXPECT_THAT(
      thief_.catalog->Commit({DeleteName(AgentNameOf(3), thief_.VersionOf(AgentNameOf(3)))}),
      StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("evicts itself")));
}

TEST_F(FenceTest, MalformedFencesAreRefused) {
  Evict(admin_);
  TestNode newcomer(4);
  const v1::Delta good = admin_.DeltasAfter()[0];
  ASSERT_EQ(good.entries_size(), 2);
  ASSERT_EQ(good.entries(1).fence_size(), 1);
  const auto with = [&](auto damage) {
    v1::Delta delta = good;
    damage(delta);
    Seal(delta, admin_.authorship, admin_.scope());
    EXPECT_THAT(newcomer.catalog->ApplyRemote(delta), StatusIs(absl::StatusCode::kInvalidArgument));
  };
  with([](v1::Delta& d) { *d.mutable_entries(0)->add_fence() = d.entries(1).fence(0); });
  with([](v1::Delta& d) { *d.mutable_entries(1)->add_fence() = d.entries(1).fence(0); });
  with([](v1::Delta& d) { d.mutable_entries(1)->mutable_fence(0)->set_head(0); });
  with([](v1::Delta& d) { d.mutable_entries(1)->mutable_fence(0)->mutable_origin()->set_node(4); });
  with([](v1::Delta& d) {
    for (uint64_t i = 0; i <= kMaxFence; ++i) {
      v1::OriginHead& head = *d.mutable_entries(1)->add_fence();
      Origin{3, UINT64_MAX - kMaxFence + i}.ToProto(head.mutable_origin());
      head.set_head(1);
    }
  });
  EXPECT_OK(newcomer.catalog->ApplyRemote(good));
}

}  // namespace
}  // namespace trellis::storage
