// Tombstones that every agent holds are forgotten by all, and by those who come later.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::HasSubstr;

// Services 1 and 2 were written and deleted by `a_`; both agents hold all of it.
class CollectionsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(a_.catalog->Commit({PutService(1, "a"), PutService(2, "a"), PutService(3, "a")}));
    Delete(1);
    Delete(2);
    Meet();
  }

  void Delete(int service) {
    const std::string name = ServiceName(service);
    ASSERT_OK(a_.catalog->Commit({DeleteName(name, a_.VersionOf(name))}));
  }
  void Pass(absl::Duration time) {
    a_.scheduler.RunFor(time);
    b_.scheduler.RunFor(time);
  }
  void Meet() {
    a_.PullFrom(b_);
    b_.PullFrom(a_);
    ASSERT_EQ(a_.catalog->root(), b_.catalog->root());
  }
  absl::Status Collect() { return a_.catalog->CollectTombstones(a_.catalog->vector()).status(); }

  TestNode a_{1};
  TestNode b_{2};
};

TEST_F(CollectionsTest, AllAgentsForget) {
  EXPECT_EQ(a_.catalog->tombstone_count(), 2u);
  ASSERT_OK(Collect());
  EXPECT_EQ(a_.catalog->tombstone_count(), 0u);
  EXPECT_EQ(a_.catalog->live_count(), 1u);
  EXPECT_FALSE(a_.catalog->FindRecord(ServiceName(1)).has_value());
  Meet();
  EXPECT_EQ(b_.catalog->tombstone_count(), 0u);
  const Root root = b_.catalog->root();
  b_.Open();
  EXPECT_EQ(b_.catalog->root(), root);
  EXPECT_EQ(b_.catalog->tombstone_count(), 0u);
  TestNode newcomer(3);
  newcomer.PullFrom(b_);
  EXPECT_EQ(newcomer.catalog->root(), root);
}

TEST_F(CollectionsTest, NothingToForgetWritesNothing) {
  ASSERT_OK(Collect());
  const VersionVector vector = a_.catalog->vector();
  ASSERT_OK(Collect());
  EXPECT_EQ(a_.catalog->vector(), vector);
}

TEST_F(CollectionsTest, WhatIsNotEverywhereStays) {
  const VersionVector everywhere = a_.catalog->vector();
  Delete(3);
  ASSERT_OK(a_.catalog->CollectTombstones(everywhere));
  EXPECT_EQ(a_.catalog->tombstone_count(), 1u);
  ASSERT_OK(Collect());
  EXPECT_EQ(a_.catalog->tombstone_count(), 0u);
}

TEST_F(CollectionsTest, WhoHasNotHeardBringsNoneBack) {
  ASSERT_OK(Collect());
  const Root root = a_.catalog->root();
  for (const v1::Delta& delta : b_.DeltasAfter()) {
    EXPECT_THAT(a_.catalog->ApplyRemote(delta),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("the same collections")));
  }
  EXPECT_EQ(a_.catalog->root(), root);
  Meet();
}

TEST_F(CollectionsTest, ForgottenNamesMayBeWrittenAgain) {
  ASSERT_OK(Collect());
  Meet();
  ASSERT_OK(b_.catalog->Commit({PutService(1, "again")}));
  Meet();
  EXPECT_EQ(a_.LabelOf(ServiceName(1)), "again");
  ASSERT_OK(a_.catalog->Commit({DeleteName(ServiceName(1), a_.VersionOf(ServiceName(1)))}));
  Meet();
  EXPECT_EQ(b_.catalog->tombstone_count(), 1u);
}

TEST_F(CollectionsTest, EvictionsAndDeletesThatWonAConflictStay) {
  const std::string agent = AgentNameOf(9);
  ASSERT_OK(a_.catalog->Commit({{agent, AgentResource(agent, "nine"), {}}}));
  ASSERT_OK(a_.catalog->Commit({DeleteName(agent, a_.VersionOf(agent))}));
  ASSERT_OK(b_.catalog->Commit({PutService(3, "lost", b_.VersionOf(ServiceName(3)))}));
  Pass(absl::Milliseconds(10));
  Delete(3);
  Meet();
  EXPECT_EQ(a_.catalog->conflict_count(), 1u);
  ASSERT_OK(Collect());
  Meet();
  EXPECT_EQ(b_.catalog->tombstone_count(), 2u);
  EXPECT_EQ(b_.catalog->Find(ServiceName(3)), nullptr);
  EXPECT_EQ(b_.catalog->conflict_count(), 1u);
}

TEST_F(CollectionsTest, WhatIsNotHeldIsNotCollected) {
  ASSERT_OK(b_.catalog->Commit({PutService(7, "b")}));
  EXPECT_THAT(a_.catalog->CollectTombstones(b_.catalog->vector()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not here yet")));
}

TEST_F(CollectionsTest, WorkersCollectNothing) {
  TestNode worker({.node = 8, .admin = false});
  worker.PullFrom(a_);
  EXPECT_THAT(worker.catalog->CollectTombstones(worker.catalog->vector()),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(worker.catalog->tombstone_count(), 2u);
}

// `b_` is put back to a copy in which service 1 lives and of whose delete, and of its being
// forgotten, it has not heard.
class ReviewTest : public CollectionsTest {
 protected:
  void SetUp() override {
    ASSERT_OK(a_.catalog->Commit({PutService(1, "a"), PutService(2, "a"), PutService(3, "a")}));
    ASSERT_OK(b_.catalog->Commit({PutService(4, "b")}));
    Meet();
    MemoryEngine::Image copy = b_.engine.TakeImage();
    Delete(1);
    Delete(2);
    Meet();
    ASSERT_OK(Collect());
    b_.catalog.reset();
    b_.engine.RestoreImage(std::move(copy));
    b_.Open();
    ASSERT_EQ(b_.LabelOf(ServiceName(1)), "a");
  }

  // The first that `b_` is sent shows it that it is behind; then it is sent everything.
  void BeginReview() {
    EXPECT_THAT(b_.catalog->ApplyRemote(a_.DeltasAfter(b_.catalog->vector())[0]),
                StatusIs(absl::StatusCode::kOutOfRange));
    ASSERT_TRUE(b_.catalog->in_review());
  }
  // As the mesh does when roots differ under one vector.
  void Repair() {
    for (const v1::Delta& delta : a_.DeltasAfter()) b_.catalog->ApplyRemote(delta).IgnoreError();
    for (const v1::Delta& delta : b_.DeltasAfter()) a_.catalog->ApplyRemote(delta).IgnoreError();
  }
};

TEST_F(ReviewTest, WhatWasDeletedAndForgottenGoes) {
  BeginReview();
  b_.PullFrom(a_);
  EXPECT_FALSE(b_.catalog->in_review());
  EXPECT_EQ(b_.catalog->Find(ServiceName(1)), nullptr);
  EXPECT_EQ(b_.LabelOf(ServiceName(3)), "a");
  EXPECT_EQ(b_.LabelOf(ServiceName(4)), "b");
  Meet();
}

TEST_F(ReviewTest, NothingComesBackThroughIt) {
  Repair();
  EXPECT_EQ(a_.catalog->Find(ServiceName(1)), nullptr);
  b_.PullFrom(a_);
  Meet();
  Repair();
  EXPECT_EQ(a_.catalog->Find(ServiceName(1)), nullptr);
  EXPECT_EQ(b_.catalog->Find(ServiceName(1)), nullptr);
}

TEST_F(ReviewTest, AReplayUnderTheRightFloorChangesNothing) {
  const v1::Delta now = a_.DeltasAfter()[0];
  v1::Delta old = b_.DeltasAfter()[0];  // Signed by `a_`, and service 1 is in it.
  ASSERT_EQ(old.entries(0).key(), ServiceName(1));
  old.set_floor_hash(now.floor_hash());  // Which nobody signed.
  const Root root = a_.catalog->root();
  ASSERT_OK(a_.catalog->ApplyRemote(old).status());
  EXPECT_EQ(a_.catalog->root(), root);
  a_.Open();
  ASSERT_OK(a_.catalog->ApplyRemote(old).status());
  EXPECT_EQ(a_.catalog->Find(ServiceName(1)), nullptr);
  EXPECT_EQ(a_.catalog->root(), root);
}

TEST_F(ReviewTest, WhoReviewedTakesNoReplayEither) {
  v1::Delta old = b_.DeltasAfter()[0];
  BeginReview();
  b_.PullFrom(a_);
  old.set_floor_hash(a_.DeltasAfter()[0].floor_hash());
  ASSERT_OK(b_.catalog->ApplyRemote(old).status());
  EXPECT_EQ(b_.catalog->Find(ServiceName(1)), nullptr);
}

TEST_F(ReviewTest, ServesOnAndWritesNothingMeanwhile) {
  BeginReview();
  EXPECT_EQ(b_.LabelOf(ServiceName(1)), "a");
  EXPECT_EQ(b_.LabelOf(ServiceName(3)), "a");
  EXPECT_THAT(b_.catalog->Commit({PutService(8, "b")}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("old copy")));
  EXPECT_TRUE(b_.DeltasAfter().empty());  // What it holds is no word for others.
}

TEST_F(ReviewTest, BeginsAnewAfterARestart) {
  BeginReview();
  ASSERT_OK(b_.catalog->ApplyRemote(a_.DeltasAfter(b_.catalog->vector())[0]).status());
  for (int i = 0; i < 2; ++i) b_.Open();
  EXPECT_TRUE(b_.catalog->in_review());
  b_.PullFrom(a_);
  EXPECT_FALSE(b_.catalog->in_review());
  EXPECT_EQ(b_.catalog->Find(ServiceName(1)), nullptr);
  b_.Open();
  Meet();
}

TEST_F(ReviewTest, WhatOthersLackStays) {
  // Written after the copy was put back, before it met anybody.
  ASSERT_OK(b_.catalog->StartIncarnation());
  ASSERT_OK(b_.catalog->Commit({PutService(6, "only here")}));
  ASSERT_OK(b_.catalog->Commit({PutService(4, "newer", b_.VersionOf(ServiceName(4)))}));
  BeginReview();
  b_.PullFrom(a_);
  Meet();
  EXPECT_EQ(a_.LabelOf(ServiceName(6)), "only here");
  EXPECT_EQ(a_.LabelOf(ServiceName(4)), "newer");
  EXPECT_EQ(b_.catalog->Find(ServiceName(1)), nullptr);
}

TEST_F(ReviewTest, NewcomersFetchAllWithoutADetour) {
  TestNode newcomer(5);
  newcomer.PullFrom(a_);
  EXPECT_FALSE(newcomer.catalog->in_review());
  EXPECT_EQ(newcomer.catalog->root(), a_.catalog->root());
}

}  // namespace
}  // namespace trellis::storage
