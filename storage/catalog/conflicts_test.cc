// Writes of one resource on two sides of a partition: which is read, which is kept beside it, and
// what ends that.
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Services 1 and 2 held by both; then `a` and `b` write service 1 apart, `b` later.
class ConflictsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(a_.catalog->Commit({PutService(1, "first"), PutService(2, "other")}));
    Meet();
    Update(a_, "older");
    b_.scheduler.RunFor(absl::Milliseconds(10));
    Update(b_, "newer");
  }

  void Update(TestNode& node, const std::string& label, std::vector<Version> resolves = {}) {
    Change change = PutService(1, label, node.VersionOf(ServiceName(1)));
    change.resolves = std::move(resolves);
    ASSERT_OK(node.catalog->Commit({change}));
  }
  void Meet() {
    a_.PullFrom(b_);
    b_.PullFrom(a_);
    EXPECT_EQ(a_.catalog->root(), b_.catalog->root());
    EXPECT_EQ(Conflicts(a_), Conflicts(b_));
  }
  // Labels of what lost; "-" for a delete.
  static std::vector<std::string> Conflicts(TestNode& node) {
    std::vector<std::string> labels;
    for (const Catalog::Record& lost : Lost(node)) {
      labels.push_back(lost.resource == nullptr ? "-" : lost.resource->service().display_name());
    }
    EXPECT_EQ(node.catalog->conflict_count(), labels.size());
    return labels;
  }
  static std::vector<Catalog::Record> Lost(TestNode& node) {
    std::vector<Catalog::Record> all;
    node.catalog->VisitConflicts("", "", [&](const std::string& name, const Catalog::Record& lost) {
      EXPECT_EQ(name, ServiceName(1));
      all.push_back(lost);
      return true;
    });
    return all;
  }

  TestNode a_{1};
  TestNode b_{2};
};

TEST_F(ConflictsTest, LoserIsKeptOnAllSidesAndAfterARestart) {
  Meet();
  EXPECT_EQ(a_.LabelOf(ServiceName(1)), "newer");
  EXPECT_THAT(Conflicts(a_), ElementsAre("older"));
  const Root root = a_.catalog->root();
  a_.Open();
  EXPECT_EQ(a_.catalog->root(), root);
  EXPECT_THAT(Conflicts(a_), ElementsAre("older"));
  // A newcomer sees it too, from either.
  TestNode c(3);
  c.PullFrom(a_);
  EXPECT_EQ(c.catalog->root(), root);
  EXPECT_THAT(Conflicts(c), ElementsAre("older"));
}

TEST_F(ConflictsTest, ListenersLearnOfWinnersOnly) {
  int told = 0;
  b_.catalog->Subscribe([&](const Applied&) { ++told; });
  b_.PullFrom(a_);
  EXPECT_EQ(told, 0);
  a_.catalog->Subscribe([&](const Applied& applied) {
    ++told;
    EXPECT_EQ(applied.items[0].before->service().display_name(), "older");
    EXPECT_EQ(applied.items[0].after->service().display_name(), "newer");
  });
  a_.PullFrom(b_);
  EXPECT_EQ(told, 1);
}

TEST_F(ConflictsTest, WritingOnLeavesThemOpen) {
  Meet();
  Update(a_, "next");
  EXPECT_THAT(Conflicts(a_), ElementsAre("older"));
  Meet();
  EXPECT_EQ(b_.LabelOf(ServiceName(1)), "next");
  EXPECT_THAT(Conflicts(b_), ElementsAre("older"));
}

TEST_F(ConflictsTest, ResolvingEndsThemOnAllSides) {
  Meet();
  Update(a_, "older", {Lost(a_)[0].version});
  EXPECT_THAT(Conflicts(a_), IsEmpty());
  Meet();
  EXPECT_EQ(b_.LabelOf(ServiceName(1)), "older");
  // Also where it had not arrived yet.
  TestNode c(3);
  for (const v1::Delta& delta : b_.DeltasAfter()) ASSERT_OK(c.catalog->ApplyRemote(delta));
  EXPECT_THAT(Conflicts(c), IsEmpty());
  EXPECT_EQ(c.catalog->root(), b_.catalog->root());
}

TEST_F(ConflictsTest, ResolvingWhatIsNotThereIsAborted) {
  Meet();
  const Version lost = Lost(a_)[0].version;
  Change stale = PutService(1, "x", lost);
  stale.resolves = {lost};
  Change unknown = PutService(1, "x", a_.VersionOf(ServiceName(1)));
  unknown.resolves = {{1, 1}};
  for (const Change& change : {stale, unknown}) {
    EXPECT_THAT(a_.catalog->Commit({change}),
                StatusIs(absl::StatusCode::kAborted, HasSubstr(ServiceName(1))));
  }
  Update(a_, "x", {lost});
  Change again = PutService(1, "y", a_.VersionOf(ServiceName(1)));
  again.resolves = {lost};
  EXPECT_THAT(a_.catalog->Commit({again}), StatusIs(absl::StatusCode::kAborted));
}

TEST_F(ConflictsTest, DeleteAgainstAnUpdateIsAConflictBothWays) {
  b_.scheduler.RunFor(absl::Milliseconds(10));
  ASSERT_OK(b_.catalog->Commit({DeleteName(ServiceName(1), b_.VersionOf(ServiceName(1)))}));
  Meet();
  EXPECT_EQ(a_.catalog->Find(ServiceName(1)), nullptr);
  EXPECT_THAT(Conflicts(a_), ElementsAre("older"));
  // Taking the update brings the resource back.
  Update(a_, "older", {Lost(a_)[0].version});
  Meet();
  EXPECT_EQ(b_.LabelOf(ServiceName(1)), "older");
  EXPECT_THAT(Conflicts(b_), IsEmpty());
}

TEST_F(ConflictsTest, EqualContentsAreNoConflictAndEndWithTheNextWrite) {
  Update(a_, "newer");
  Meet();
  EXPECT_THAT(Conflicts(a_), IsEmpty());
  EXPECT_EQ(a_.DeltasAfter()[0].entries_size() + a_.DeltasAfter()[1].entries_size(), 3);
  Update(a_, "next");
  Meet();
  EXPECT_EQ(a_.DeltasAfter()[0].entries_size() + a_.DeltasAfter()[1].entries_size(), 2);
}

TEST_F(ConflictsTest, AncestryThatIsNotOlderIsRefused) {
  TestNode c(3);
  const v1::Delta good = a_.DeltasAfter()[0];
  const auto with = [&](auto damage) {
    v1::Delta delta = good;
    damage(*delta.mutable_entries(1));
    Seal(delta, a_.authorship, a_.scope());
    EXPECT_THAT(c.catalog->ApplyRemote(delta), StatusIs(absl::StatusCode::kInvalidArgument));
  };
  with([](v1::Entry& e) { *e.add_context() = e.version(); });
  with([](v1::Entry& e) { Version{UINT64_MAX, 9}.ToProto(e.add_context()); });
  with([](v1::Entry& e) { Version{0, 9}.ToProto(e.add_context()); });
  with([](v1::Entry& e) {
    Version{1, 9}.ToProto(e.add_open());
    Version{1, 9}.ToProto(e.add_open());
  });
  with([](v1::Entry& e) {
    for (uint64_t i = 1; i <= 65; ++i) Version{i, 9}.ToProto(e.add_open());
  });
  with([](v1::Entry& e) {
    e.clear_context();
    Version{2, 9}.ToProto(e.add_context());
    Version{1, 8}.ToProto(e.add_context());
  });
  EXPECT_OK(c.catalog->ApplyRemote(good));
}

}  // namespace
}  // namespace trellis::storage
