// Opening, reading and writing one catalog.
#include "storage/catalog/catalog.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "storage/catalog/keys.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using testing::HasSubstr;

class CatalogTest : public testing::Test {
 protected:
  Catalog& catalog() { return *node_.catalog; }
  std::vector<std::string> Tombstones(absl::string_view prefix) {
    std::vector<std::string> names;
    catalog().VisitTombstones(prefix, [&](const std::string& name) { names.push_back(name); });
    return names;
  }

  TestNode node_{1};
};

TEST_F(CatalogTest, NewFolderGetsAnIdentityThatStays) {
  const Origin origin = catalog().origin();
  EXPECT_EQ(origin.node, 1u);
  node_.Open();
  EXPECT_EQ(catalog().origin(), origin);
}

TEST_F(CatalogTest, FolderOfAnotherMeshOrNodeIsRefused) {
  FakeAuthorship other_author(2);
  Catalog::Options other_node = node_.options();
  other_node.node = 2;
  other_node.authorship = &other_author;
  Catalog::Options other_mesh = node_.options();
  other_mesh.mesh_id = std::string(16, 'x');
  for (const Catalog::Options& options : {other_node, other_mesh}) {
    EXPECT_THAT(Catalog::Open(options, node_.engine, {node_.scheduler, node_.random}),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("belongs to agents/0000000000000001")));
  }
}

TEST_F(CatalogTest, CertificateOfAnotherNodeIsRefused) {
  FakeAuthorship other_author(2);
  Catalog::Options options = node_.options();
  options.authorship = &other_author;
  EXPECT_THAT(Catalog::Open(options, node_.engine, {node_.scheduler, node_.random}),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       HasSubstr("is that of agents/0000000000000002")));
}

TEST_F(CatalogTest, UnreadableRecordsAreDataLossThatNamesTheKey) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  Batch batch;
  batch.Put(Table::kEntries, ServiceName(1), "\xff\xff");
  ASSERT_OK(node_.engine.Write(batch, Durability::kSynced));
  EXPECT_THAT(Catalog::Open(node_.options(), node_.engine, {node_.scheduler, node_.random}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(ServiceName(1))));
}

TEST_F(CatalogTest, LostRecordsAreDataLossThoughTheOthersFitTogether) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  ASSERT_OK(catalog().Commit({PutService(2, "b")}));
  Batch loss;
  loss.Delete(Table::kEntries, ServiceName(1));
  loss.Delete(Table::kByOrigin, OriginKey{catalog().origin(), 1, 0}.Encode());
  ASSERT_OK(node_.engine.Write(loss, Durability::kSynced));
  EXPECT_THAT(Catalog::Open(node_.options(), node_.engine, {node_.scheduler, node_.random}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("writes are missing")));
}

TEST_F(CatalogTest, CommitSetsEtagAndTimesAndUpdateKeepsCreateTime) {
  const absl::Time created = node_.scheduler.WallNow();
  ASSERT_OK_AND_ASSIGN(const MeshToken token, catalog().Commit({PutService(1, "a")}));
  EXPECT_EQ(token.sequence, 1u);
  const Version first = node_.VersionOf(ServiceName(1));
  EXPECT_EQ(catalog().Find(ServiceName(1))->service().etag(), first.ToEtag());

  node_.scheduler.RunFor(absl::Seconds(5));
  ASSERT_OK(catalog().Commit({PutService(1, "b", first)}));
  const auto record = catalog().FindRecord(ServiceName(1));
  EXPECT_GT(record->version, first);
  EXPECT_EQ(record->create_time, created);
  const auto& service = record->resource->service();
  EXPECT_EQ(service.create_time().seconds(), absl::ToUnixSeconds(created));
  EXPECT_EQ(service.update_time().seconds(), absl::ToUnixSeconds(created) + 5);
  EXPECT_EQ(service.display_name(), "b");
}

TEST_F(CatalogTest, StaleBasesAreAborted) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  const Version first = node_.VersionOf(ServiceName(1));
  ASSERT_OK(catalog().Commit({PutService(1, "b", first)}));
  const Root root = catalog().root();
  for (const Change& change : {PutService(1, "c"), PutService(1, "c", first),
                               PutService(2, "c", first), DeleteName(ServiceName(1), first),
                               DeleteName(ServiceName(1), {}), DeleteName(ServiceName(2), {})}) {
    EXPECT_THAT(catalog().Commit({change}),
                StatusIs(absl::StatusCode::kAborted, HasSubstr(change.name)));
  }
  EXPECT_EQ(catalog().root(), root);
  EXPECT_EQ(node_.LabelOf(ServiceName(1)), "b");
}

TEST_F(CatalogTest, DeletedNameLeavesATombstoneAndMayBeWrittenAgain) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  const Version first = node_.VersionOf(ServiceName(1));
  ASSERT_OK(catalog().Commit({DeleteName(ServiceName(1), first)}));
  EXPECT_EQ(catalog().Find(ServiceName(1)), nullptr);
  EXPECT_EQ(catalog().live_count(), 0u);
  EXPECT_EQ(catalog().tombstone_count(), 1u);
  EXPECT_EQ(Tombstones("services/"), std::vector<std::string>{ServiceName(1)});
  EXPECT_EQ(Tombstones("agents/"), std::vector<std::string>{});
  const Version deleted = node_.VersionOf(ServiceName(1));
  EXPECT_GT(deleted, first);
  ASSERT_OK(catalog().Commit({PutService(1, "b")}));
  EXPECT_GT(node_.VersionOf(ServiceName(1)), deleted);
  EXPECT_EQ(catalog().tombstone_count(), 0u);
}

TEST_F(CatalogTest, DeletedAgentNeverReturns) {
  const std::string name = AgentNameOf(9);
  ASSERT_OK(catalog().Commit({{name, AgentResource(name, "a"), {}}}));
  ASSERT_OK(catalog().Commit({DeleteName(name, node_.VersionOf(name))}));
  EXPECT_THAT(catalog().Commit({{name, AgentResource(name, "b"), {}}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("final")));
}

TEST_F(CatalogTest, TransactionHappensWhollyOrNotAtAll) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  EXPECT_THAT(catalog().Commit({PutService(2, "b"), PutService(1, "stale")}),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(catalog().Find(ServiceName(2)), nullptr);
  ASSERT_OK_AND_ASSIGN(const MeshToken token,
                       catalog().Commit({PutService(2, "b"), PutService(3, "c")}));
  EXPECT_EQ(token.sequence, 2u);
  EXPECT_EQ(node_.VersionOf(ServiceName(2)), node_.VersionOf(ServiceName(3)));
}

TEST_F(CatalogTest, WritesThatPeersWouldRefuseAreRefused) {
  Change misnamed = PutService(1, "a");
  misnamed.name = ServiceName(2);
  std::vector<Change> heavy;  // Each small enough, together too large for a frame.
  for (int i = 0; i < 9; ++i) {
    heavy.push_back(PutService(i, std::string(kMaxPayloadBytes - 1024, 'a')));
  }
  const std::vector<std::vector<Change>> transactions = {
      {misnamed},
      heavy,
      {PutService(1, std::string(kMaxPayloadBytes, 'a'))},
      {PutService(1, "a"), PutService(1, "b")},
      {{std::string(2000, 'n'), trellis::v1::Resource(), {}}},
      std::vector<Change>(kMaxTransaction + 1, PutService(1, "a"))};
  for (const auto& changes : transactions) {
    EXPECT_THAT(catalog().Commit(changes), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_EQ(catalog().root(), Root());
  EXPECT_EQ(catalog().vector(), VersionVector());
}

TEST_F(CatalogTest, FailingEngineLeavesTheStateUnchanged) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  const Root root = catalog().root();
  const VersionVector vector = catalog().vector();
  int told = 0;
  catalog().Subscribe([&](const Applied&) { ++told; });
  node_.engine.FailWrites(absl::UnavailableError("disk full"));
  EXPECT_THAT(catalog().Commit({PutService(2, "b")}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(catalog().root(), root);
  EXPECT_EQ(catalog().vector(), vector);
  EXPECT_EQ(catalog().Find(ServiceName(2)), nullptr);
  EXPECT_EQ(told, 0);
  node_.engine.FailWrites(absl::OkStatus());
  EXPECT_OK(catalog().Commit({PutService(2, "b")}));
  EXPECT_EQ(told, 1);
}

TEST_F(CatalogTest, ReopenedCatalogEqualsTheOneBefore) {
  ASSERT_OK(catalog().Commit({PutService(1, "a"), PutService(2, "b")}));
  ASSERT_OK(catalog().Commit({DeleteName(ServiceName(1), node_.VersionOf(ServiceName(1)))}));
  const Root root = catalog().root();
  const VersionVector vector = catalog().vector();
  const auto before = catalog().FindRecord(ServiceName(2));
  node_.Open();
  EXPECT_EQ(catalog().root(), root);
  EXPECT_EQ(catalog().vector(), vector);
  EXPECT_EQ(catalog().live_count(), 1u);
  EXPECT_EQ(catalog().tombstone_count(), 1u);
  const auto after = catalog().FindRecord(ServiceName(2));
  EXPECT_EQ(after->version, before->version);
  EXPECT_EQ(after->create_time, before->create_time);
  EXPECT_EQ(after->resource->SerializeAsString(), before->resource->SerializeAsString());
}

TEST_F(CatalogTest, PowerCutAtAnyMomentKeepsAcknowledgedWrites) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(catalog().Commit({PutService(i, "a")}));
    node_.engine.CrashKeeping(0);
    node_.Open();
    EXPECT_EQ(catalog().live_count(), static_cast<size_t>(i + 1));
    EXPECT_EQ(catalog().vector().head(catalog().origin()), static_cast<uint64_t>(i + 1));
  }
}

TEST_F(CatalogTest, VersionsNeverRepeatWhenTheClockStepsBackOverARestart) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  const Version before = node_.VersionOf(ServiceName(1));
  SimScheduler earlier(node_.scheduler.WallNow() - absl::Seconds(8));
  ASSERT_OK_AND_ASSIGN(const auto reopened,
                       Catalog::Open(node_.options(), node_.engine, {earlier, node_.random}));
  ASSERT_OK(reopened->Commit({PutService(2, "b")}));
  EXPECT_GT(reopened->FindRecord(ServiceName(2))->version, before);
}

TEST_F(CatalogTest, WriteThatPeersWouldNotTakeYetIsRefusedNamingTheClock) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  SimScheduler earlier(node_.scheduler.WallNow() - absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const auto reopened,
                       Catalog::Open(node_.options(), node_.engine, {earlier, node_.random}));
  const absl::Status refused = reopened->Commit({PutService(2, "b")}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("ahead of its clock"));
  EXPECT_EQ(reopened->Find(ServiceName(2)), nullptr);
}

TEST_F(CatalogTest, RestartsDoNotRunTheClockAway) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(catalog().Commit({PutService(i, "a")}));
    node_.Open();
  }
  EXPECT_LE(node_.VersionOf(ServiceName(99)).time(),
            node_.scheduler.WallNow() + absl::Milliseconds(1001));
}

TEST_F(CatalogTest, VisitGoesThroughLiveNamesOfAPrefixAfterAName) {
  ASSERT_OK(catalog().Commit({PutService(1, "a"),
                              PutService(2, "b"),
                              PutService(3, "c"),
                              PutService(4, "d"),
                              {AgentNameOf(1), AgentResource(AgentNameOf(1), "x"), {}}}));
  ASSERT_OK(catalog().Commit({DeleteName(ServiceName(3), node_.VersionOf(ServiceName(3)))}));
  const auto names = [&](absl::string_view prefix, absl::string_view after, size_t limit) {
    std::vector<std::string> seen;
    catalog().Visit(prefix, after, [&](const std::string& name, const Catalog::Record&) {
      seen.push_back(name);
      return seen.size() < limit;
    });
    return seen;
  };
  EXPECT_EQ(names("services/", "", 9),
            (std::vector<std::string>{ServiceName(1), ServiceName(2), ServiceName(4)}));
  EXPECT_EQ(names("services/", ServiceName(1), 1), (std::vector<std::string>{ServiceName(2)}));
  EXPECT_EQ(names("", "", 9).size(), 4u);
  EXPECT_TRUE(names("services/", "t", 9).empty());
}

TEST_F(CatalogTest, ListenersLearnBeforeAndAfterOfEveryName) {
  std::vector<Applied> told;
  catalog().Subscribe([&](const Applied& applied) { told.push_back(applied); });
  ASSERT_OK(catalog().Commit({PutService(2, "a"), PutService(1, "b")}));
  ASSERT_OK(catalog().Commit({DeleteName(ServiceName(1), node_.VersionOf(ServiceName(1)))}));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_TRUE(told[0].local);
  ASSERT_EQ(told[0].items.size(), 2u);
  EXPECT_EQ(told[0].items[0].name, ServiceName(2));
  EXPECT_EQ(told[0].items[0].before, nullptr);
  EXPECT_EQ(told[1].items[0].before->service().display_name(), "b");
  EXPECT_EQ(told[1].items[0].after, nullptr);
}

TEST_F(CatalogTest, EmptyTransactionGivesTheLastToken) {
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  ASSERT_OK_AND_ASSIGN(const MeshToken token, catalog().Commit({}));
  EXPECT_EQ(token.sequence, 1u);
}

TEST_F(CatalogTest, ANewFolderIsPartialUntilItIsSaidToBeWholeForGood) {
  EXPECT_FALSE(catalog().whole());
  ASSERT_OK(catalog().Commit({PutService(1, "a")}));
  node_.Open();
  EXPECT_FALSE(catalog().whole());
  std::vector<Applied> told;
  catalog().Subscribe([&](const Applied& applied) { told.push_back(applied); });
  ASSERT_OK(catalog().SetWhole());
  ASSERT_OK(catalog().SetWhole());
  EXPECT_TRUE(catalog().whole());
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].whole);
  EXPECT_TRUE(told[0].items.empty());
  ASSERT_OK(catalog().StartIncarnation());
  node_.Open();
  EXPECT_TRUE(catalog().whole());
}

TEST_F(CatalogTest, WholeIsNotSaidWhereTheDiskRefusesToKeepIt) {
  node_.engine.FailWrites(absl::UnavailableError("disk full"));
  EXPECT_THAT(catalog().SetWhole(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(catalog().whole());
}

TEST_F(CatalogTest, WhenItLastAgreedIsKnownOverRestartsToWithinHalfAMinute) {
  EXPECT_EQ(catalog().agreed(), absl::InfinitePast());
  const absl::Time first = absl::FromUnixSeconds(1'800'000'000);
  catalog().NoteAgreed(first);
  for (int second = 1; second <= 29; ++second) {
    catalog().NoteAgreed(first + absl::Seconds(second));
  }
  EXPECT_EQ(catalog().agreed(), first + absl::Seconds(29));
  node_.Open();
  EXPECT_EQ(catalog().agreed(), first);
  catalog().NoteAgreed(first + absl::Seconds(31));
  node_.Open();
  EXPECT_EQ(catalog().agreed(), first + absl::Seconds(31));
}

}  // namespace
}  // namespace trellis::storage
