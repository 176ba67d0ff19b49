// What one catalog takes from another, and what it gives.
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "storage/catalog/keys.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::HasSubstr;

TEST(ReplicationTest, ReceiverEndsWithTheSendersRootAndVector) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a"), PutService(2, "b")}));
  ASSERT_OK(a.catalog->Commit({DeleteName(ServiceName(1), a.VersionOf(ServiceName(1)))}));
  b.PullFrom(a);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
  EXPECT_EQ(b.catalog->vector(), a.catalog->vector());
  EXPECT_EQ(b.LabelOf(ServiceName(2)), "b");
  EXPECT_EQ(b.catalog->tombstone_count(), 1u);
}

TEST(ReplicationTest, SameDeltaTwiceIsNothingNew) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  const auto deltas = a.DeltasAfter();
  ASSERT_OK_AND_ASSIGN(const bool first, b.catalog->ApplyRemote(deltas[0]));
  ASSERT_OK_AND_ASSIGN(const bool second, b.catalog->ApplyRemote(deltas[0]));
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

TEST(ReplicationTest, GapIsOutOfRangeAndChangesNothing) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  const VersionVector first = a.catalog->vector();
  ASSERT_OK(a.catalog->Commit({PutService(2, "b")}));
  EXPECT_THAT(b.catalog->ApplyRemote(a.DeltasAfter(first)[0]),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("begins after 1")));
  EXPECT_EQ(b.catalog->root(), Root());
}

TEST(ReplicationTest, WhoForgotItsOwnWritesTakesThemBackAndNumbersAnew) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "kept")}));
  MemoryEngine::Image backup = a.engine.TakeImage();
  ASSERT_OK_AND_ASSIGN(const MeshToken forgotten, a.catalog->Commit({PutService(2, "forgotten")}));
  b.PullFrom(a);
  a.catalog.reset();
  a.engine.RestoreImage(std::move(backup));
  a.Open();
  ASSERT_EQ(a.catalog->origin(), forgotten.origin);
  a.PullFrom(b);
  EXPECT_EQ(a.LabelOf(ServiceName(2)), "forgotten");
  ASSERT_OK_AND_ASSIGN(const MeshToken next, a.catalog->Commit({PutService(3, "new")}));
  EXPECT_NE(next.origin, forgotten.origin);
  b.PullFrom(a);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

struct MalformedCase {
  const char* name;
  std::function<void(v1::Delta&)> damage;
};
class MalformedDeltaTest : public testing::TestWithParam<MalformedCase> {};

TEST_P(MalformedDeltaTest, IsRefusedAndChangesNothing) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  ASSERT_OK(a.catalog->Commit({PutService(2, "b")}));
  v1::Delta delta = a.DeltasAfter()[0];
  GetParam().damage(delta);
  Seal(delta, a.authorship, a.scope());  // Its author's doing.
  EXPECT_THAT(b.catalog->ApplyRemote(delta), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(b.catalog->root(), Root());
  EXPECT_EQ(b.catalog->vector(), VersionVector());
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, MalformedDeltaTest,
    testing::ValuesIn(std::vector<MalformedCase>{
        {"RangeBackwards", [](v1::Delta& d) { d.set_after(9); }},
        {"RangeAbsurd", [](v1::Delta& d) { d.set_up_to(UINT64_MAX); }},
        {"SequenceBeyondRange", [](v1::Delta& d) { d.mutable_entries(1)->set_sequence(3); }},
        {"SequenceBeforeRange", [](v1::Delta& d) { d.mutable_entries(0)->set_sequence(0); }},
        {"OutOfOrder", [](v1::Delta& d) { d.mutable_entries()->SwapElements(0, 1); }},
        {"SameIndexTwice", [](v1::Delta& d) { *d.add_entries() = d.entries(1); }},
        {"ForeignOrigin",
         [](v1::Delta& d) { d.mutable_entries(0)->mutable_origin()->set_incarnation(1); }},
        {"VersionOfAnother",
         [](v1::Delta& d) { d.mutable_entries(0)->mutable_version()->set_node(7); }},
        {"NoVersion", [](v1::Delta& d) { d.mutable_entries(0)->mutable_version()->set_hlc(0); }},
        {"NoKey", [](v1::Delta& d) { d.mutable_entries(0)->clear_key(); }},
        {"LongKey", [](v1::Delta& d) { d.mutable_entries(0)->set_key(std::string(1025, 'k')); }},
        {"KeyOfAnother", [](v1::Delta& d) { d.mutable_entries(0)->set_key(ServiceName(9)); }},
        {"KeyOfAnotherKind", [](v1::Delta& d) { d.mutable_entries(0)->set_key(AgentNameOf(9)); }},
        {"WrongMergeClass", [](v1::Delta& d) { d.mutable_entries(0)->set_merge_class(v1::GUARD); }},
        {"NoOperation", [](v1::Delta& d) { d.mutable_entries(0)->clear_operation(); }},
        {"UnknownOperation",
         [](v1::Delta& d) { d.mutable_entries(0)->set_operation(static_cast<v1::Operation>(9)); }},
        {"PutWithoutPayload", [](v1::Delta& d) { d.mutable_entries(0)->clear_payload(); }},
        {"PayloadNotAResource", [](v1::Delta& d) { d.mutable_entries(0)->set_payload("\xff"); }},
        {"PayloadTooLarge",
         [](v1::Delta& d) {
           *d.mutable_entries(0)->mutable_payload() =
               ServiceResource(ServiceName(1), std::string(kMaxPayloadBytes, 'a'))
                   .SerializeAsString();
         }},
        {"DeleteWithPayload",
         [](v1::Delta& d) { d.mutable_entries(0)->set_operation(v1::DELETE); }},
        {"TooManyEntries",
         [](v1::Delta& d) {
           while (d.entries_size() <= kMaxTransaction) *d.add_entries() = d.entries(1);
         }},
    }),
    [](const auto& info) { return info.param.name; });

TEST(ReplicationTest, VersionFarInTheFutureIsRefusedAndNamesItsAuthor) {
  TestNode a(1), b(2);
  a.scheduler.RunFor(absl::Seconds(11));
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  EXPECT_THAT(b.catalog->ApplyRemote(a.DeltasAfter()[0]),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::AllOf(HasSubstr("agents/0000000000000001"), HasSubstr("clock"))));
}

TEST(ReplicationTest, VersionBeyondTheDriftIsTakenButDoesNotAdvanceTheClock) {
  TestNode a(1), b(2);
  a.scheduler.RunFor(absl::Seconds(5));
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  b.PullFrom(a);
  ASSERT_OK(b.catalog->Commit({PutService(2, "b")}));
  EXPECT_LT(b.VersionOf(ServiceName(2)), b.VersionOf(ServiceName(1)));
  // Whoever read it writes above it nevertheless.
  ASSERT_OK(b.catalog->Commit({PutService(1, "c", b.VersionOf(ServiceName(1)))}));
  a.PullFrom(b);
  EXPECT_EQ(a.LabelOf(ServiceName(1)), "c");
}

TEST(ReplicationTest, VersionWithinTheDriftAdvancesTheClock) {
  TestNode a(1), b(2);
  a.scheduler.RunFor(absl::Milliseconds(400));
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  b.PullFrom(a);
  ASSERT_OK(b.catalog->Commit({PutService(2, "b")}));
  EXPECT_GT(b.VersionOf(ServiceName(2)), b.VersionOf(ServiceName(1)));
}

TEST(ReplicationTest, WhatADiskLostIsRepairedByAPeersEverything) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a"), PutService(2, "b"), PutService(3, "c")}));
  b.PullFrom(a);
  const std::vector<v1::Delta> everything = a.DeltasAfter();
  // b's disk loses the first entry of the transaction, and what would tell.
  Batch loss;
  loss.Delete(Table::kMeta, kSumKey);
  loss.Delete(Table::kEntries, ServiceName(1));
  ASSERT_OK(
      b.engine.Scan(Table::kByOrigin, "", "", [&](absl::string_view key, absl::string_view name) {
        if (name == ServiceName(1)) loss.Delete(Table::kByOrigin, key);
        return true;
      }));
  ASSERT_OK(b.engine.Write(loss, Durability::kSynced));
  b.Open();
  ASSERT_EQ(b.catalog->vector(), a.catalog->vector());
  ASSERT_NE(b.catalog->root(), a.catalog->root());

  ASSERT_OK_AND_ASSIGN(const bool repaired, b.catalog->ApplyRemote(everything[0]));
  EXPECT_TRUE(repaired);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
  ASSERT_OK_AND_ASSIGN(const bool again, b.catalog->ApplyRemote(everything[0]));
  EXPECT_FALSE(again);
  b.Open();
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

TEST(ReplicationTest, NewerOfTwoConcurrentWritesWinsOnBothSides) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "older")}));
  b.scheduler.RunFor(absl::Milliseconds(10));
  ASSERT_OK(b.catalog->Commit({PutService(1, "newer")}));
  a.PullFrom(b);
  b.PullFrom(a);
  EXPECT_EQ(a.LabelOf(ServiceName(1)), "newer");
  EXPECT_EQ(b.LabelOf(ServiceName(1)), "newer");
  EXPECT_EQ(a.catalog->root(), b.catalog->root());
  EXPECT_EQ(a.catalog->vector(), b.catalog->vector());
}

TEST(ReplicationTest, DeleteOfAnAgentBeatsALaterUpdate) {
  TestNode a(1), b(2);
  const std::string name = AgentNameOf(9);
  ASSERT_OK(a.catalog->Commit({{name, AgentResource(name, "x"), {}}}));
  b.PullFrom(a);
  ASSERT_OK(a.catalog->Commit({DeleteName(name, a.VersionOf(name))}));
  b.scheduler.RunFor(absl::Seconds(1));
  ASSERT_OK(b.catalog->Commit({{name, AgentResource(name, "y"), b.VersionOf(name)}}));
  a.PullFrom(b);
  b.PullFrom(a);
  EXPECT_EQ(a.catalog->Find(name), nullptr);
  EXPECT_EQ(b.catalog->Find(name), nullptr);
  EXPECT_EQ(a.catalog->root(), b.catalog->root());
}

TEST(ReplicationTest, ResourceOfANewerReleaseIsRelayedByteForByte) {
  TestNode a(1), b(2), c(3);
  const std::string name = "accessLogs/als-1";
  trellis::v1::Service stand_in;  // Any message with its name in field 1.
  stand_in.set_name(name);
  trellis::v1::Resource resource;
  trellis::v1::Resource::GetReflection()->MutableUnknownFields(&resource)->AddLengthDelimited(
      77, stand_in.SerializeAsString());
  ASSERT_OK(a.catalog->Commit({{name, resource, {}}}));
  b.PullFrom(a);
  b.Open();
  c.PullFrom(b);
  EXPECT_EQ(c.catalog->root(), a.catalog->root());
  EXPECT_EQ(c.DeltasAfter()[0].entries(0).SerializeAsString(),
            a.DeltasAfter()[0].entries(0).SerializeAsString());
}

TEST(ReplicationTest, SupersededEntriesAreLeftOutAndTheHeadIsRight) {
  TestNode a(1), b(2), c(3);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  ASSERT_OK(a.catalog->Commit({PutService(1, "b", a.VersionOf(ServiceName(1)))}));
  ASSERT_EQ(a.DeltasAfter().size(), 1u);
  EXPECT_EQ(a.DeltasAfter()[0].entries_size(), 1);
  EXPECT_EQ(a.DeltasAfter()[0].up_to(), 2u);
  // Everything of a is superseded by b's write.
  b.scheduler.RunFor(absl::Seconds(1));
  b.PullFrom(a);
  ASSERT_OK(b.catalog->Commit({PutService(1, "c", b.VersionOf(ServiceName(1)))}));
  const auto deltas = b.DeltasAfter();
  ASSERT_EQ(deltas.size(), 2u);
  EXPECT_EQ(deltas[0].entries_size(), 0);
  EXPECT_EQ(deltas[0].up_to(), 2u);
  c.PullFrom(b);
  EXPECT_EQ(c.catalog->root(), b.catalog->root());
  EXPECT_EQ(c.catalog->vector(), b.catalog->vector());
}

TEST(ReplicationTest, DeltasStopAtAboutMaxBytesBetweenTransactions) {
  TestNode a(1), b(2);
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK(
        a.catalog->Commit({PutService(2 * i, std::string(1000, 'a')), PutService(2 * i + 1, "b")}));
  }
  bool more = false;
  ASSERT_OK_AND_ASSIGN(const auto one, a.catalog->DeltasAfter({}, 1, &more));
  EXPECT_TRUE(more);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].entries_size(), 2);
  EXPECT_EQ(one[0].up_to(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto some, a.catalog->DeltasAfter({}, 5000, &more));
  EXPECT_TRUE(more);
  EXPECT_EQ(some[0].up_to(), 4u);
  EXPECT_EQ(some[0].entries_size(), 8);
}

TEST(ReplicationTest, DeltasNeverHoldMoreEntriesThanPeersTake) {
  TestNode a(1), b(2);
  for (int i = 0; i < 3; ++i) {
    std::vector<Change> changes;
    for (int j = 0; j < kMaxTransaction / 2 + 1; ++j) {
      changes.push_back(PutService(i * kMaxTransaction + j, "a"));
    }
    ASSERT_OK(a.catalog->Commit(std::move(changes)));
  }
  const auto deltas = a.DeltasAfter({}, 1 << 30);
  EXPECT_EQ(deltas.size(), 3u);
  for (const v1::Delta& delta : deltas) ASSERT_OK(b.catalog->ApplyRemote(delta));
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

TEST(ReplicationTest, FailingEngineLeavesTheReceiverUnchanged) {
  TestNode a(1), b(2);
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  b.engine.FailWrites(absl::UnavailableError("disk full"));
  EXPECT_THAT(b.catalog->ApplyRemote(a.DeltasAfter()[0]), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(b.catalog->root(), Root());
  EXPECT_EQ(b.catalog->vector(), VersionVector());
  b.engine.FailWrites(absl::OkStatus());
  b.PullFrom(a);
  EXPECT_EQ(b.catalog->root(), a.catalog->root());
}

TEST(ReplicationTest, EveryTransactionIsPassedOnOnceWithWhatWasNew) {
  TestNode a(1), b(2);
  std::vector<v1::Delta> passed;
  b.catalog->SubscribeDeltas([&](const v1::Delta& delta) { passed.push_back(delta); });
  ASSERT_OK(a.catalog->Commit({PutService(1, "a")}));
  b.PullFrom(a);
  ASSERT_OK(b.catalog->ApplyRemote(a.DeltasAfter()[0]));
  ASSERT_OK(a.catalog->Commit({PutService(2, "b")}));
  ASSERT_OK(
      b.catalog->ApplyRemote(a.DeltasAfter()[0]));  // From the start: only the new half goes on.
  ASSERT_EQ(passed.size(), 2u);
  EXPECT_EQ(passed[1].after(), 1u);
  EXPECT_EQ(passed[1].up_to(), 2u);
  ASSERT_EQ(passed[1].entries_size(), 1);
  EXPECT_EQ(passed[1].entries(0).key(), ServiceName(2));
}

}  // namespace
}  // namespace trellis::storage
