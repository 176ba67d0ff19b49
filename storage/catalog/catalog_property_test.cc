// Three catalogs write, exchange deltas late, twice and out of order, and lose power, by random
// histories. Whatever happened, they end equal and keep what was acknowledged.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/catalog/catalog_test_util.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

constexpr int kNodes = 3;
constexpr int kSteps = 150;
constexpr int kNames = 8;
constexpr size_t kMailMax = 20;

std::string NameOf(uint64_t i) {
  return i % 4 == 0 ? AgentNameOf(static_cast<int>(i)) : ServiceName(static_cast<int>(i));
}

class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {
    for (NodeId id = 1; id <= kNodes; ++id) nodes_.push_back(std::make_unique<TestNode>(id));
    acknowledged_.resize(kNodes);
  }

  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      TestNode& node = *nodes_[random_.Uniform(kNodes)];
      node.scheduler.RunFor(absl::Milliseconds(random_.Uniform(300)));
      switch (random_.Uniform(8)) {
        case 0:
        case 1:
        case 2:
          Write(node);
          break;
        case 3:
        case 4:
          Post(node);
          break;
        case 5:
        case 6:
          Deliver(node);
          break;
        case 7:
          Crash(node);
          break;
      }
    }
    Settle();
  }

 private:
  void Write(TestNode& node) {
    std::vector<Change> changes;
    const uint64_t first = random_.Uniform(kNames);
    for (uint64_t i = first; i < std::min<uint64_t>(first + 1 + random_.Uniform(3), kNames); ++i) {
      const std::string name = NameOf(i);
      const bool live = node.catalog->Find(name) != nullptr;
      if (!live && i % 4 == 0 && node.catalog->FindRecord(name).has_value()) continue;  // Final.
      const Version base = live ? node.VersionOf(name) : Version();
      const std::string label = absl::StrCat("n", node.node, "-", random_.Uniform(1000));
      if (live && random_.Chance(0.3)) {
        changes.push_back(DeleteName(name, base));
      } else {
        changes.push_back(
            {name, i % 4 == 0 ? AgentResource(name, label) : ServiceResource(name, label), base});
      }
    }
    ASSERT_OK_AND_ASSIGN(const MeshToken token, node.catalog->Commit(changes));
    acknowledged_[node.node - 1] = token.sequence;
    for (const Change& change : changes) {
      Version& newest = newest_[node.node][change.name];
      newest = std::max(newest, node.VersionOf(change.name));
    }
  }

  // Puts what another node lacks into the mail, to arrive at any time, at anyone.
  void Post(TestNode& node) {
    bool more = false;
    const VersionVector theirs = nodes_[random_.Uniform(kNodes)]->catalog->vector();
    ASSERT_OK_AND_ASSIGN(const auto deltas,
                         node.catalog->DeltasAfter(theirs, 1 + random_.Uniform(600), &more));
    for (const v1::Delta& delta : deltas) {
      if (mail_.size() >= kMailMax) mail_.erase(mail_.begin());
      mail_.push_back(delta);
    }
  }

  void Deliver(TestNode& node) {
    if (mail_.empty()) return;
    const auto applied = node.catalog->ApplyRemote(mail_[random_.Uniform(mail_.size())]);
    if (applied.ok()) return;
    EXPECT_THAT(applied, StatusIs(absl::StatusCode::kOutOfRange));
  }

  void Crash(TestNode& node) {
    node.engine.CrashKeeping(random_.Uniform(node.engine.unsynced_writes() + 1));
    node.Open();
    EXPECT_EQ(node.catalog->vector().head(node.catalog->origin()), acknowledged_[node.node - 1]);
    for (const auto& [name, version] : newest_[node.node]) {
      const auto record = node.catalog->FindRecord(name);
      ASSERT_TRUE(record.has_value()) << name;
      // There, or superseded; an agent's tombstone may be older than what it beats.
      const bool final_delete = record->resource == nullptr && absl::StartsWith(name, "agents/");
      EXPECT_TRUE(final_delete || record->version >= version) << name;
    }
  }

  void Settle() {
    for (int round = 0; round < 2; ++round) {
      for (auto& to : nodes_) {
        for (auto& from : nodes_) to->PullFrom(*from);
      }
    }
    for (auto& node : nodes_) {
      EXPECT_EQ(node->catalog->root(), nodes_[0]->catalog->root());
      EXPECT_EQ(node->catalog->vector(), nodes_[0]->catalog->vector());
      EXPECT_EQ(node->catalog->live_count(), nodes_[0]->catalog->live_count());
      EXPECT_EQ(node->catalog->conflict_count(), nodes_[0]->catalog->conflict_count());
      const Root root = node->catalog->root();
      const VersionVector vector = node->catalog->vector();
      node->Open();
      EXPECT_EQ(node->catalog->root(), root);
      EXPECT_EQ(node->catalog->vector(), vector);
    }
  }

  SeededRandom random_;
  std::vector<std::unique_ptr<TestNode>> nodes_;
  std::vector<v1::Delta> mail_;
  std::vector<uint64_t> acknowledged_;                       // By node: sequence.
  std::map<NodeId, std::map<std::string, Version>> newest_;  // By author and name.
};

TEST(CatalogPropertyTest, RandomHistoriesEndEqualAndKeepAcknowledgedWrites) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    History(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(CatalogPropertyTest, ReopenOverRocksDbEqualsBefore) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/catalog_property");
  std::filesystem::remove_all(folder);
  TestNode source(1);
  SeededRandom random(7);
  SimScheduler scheduler;
  FakeAuthorship authorship(2);
  Root root;
  for (int round = 0; round < 4; ++round) {
    ASSERT_OK_AND_ASSIGN(const auto engine, OpenRocksDb({.folder = folder}));
    ASSERT_OK_AND_ASSIGN(const auto catalog, Catalog::Open({std::string(16, 'm'), 2, &authorship},
                                                           *engine, {scheduler, random}));
    EXPECT_EQ(catalog->root(), root);
    ASSERT_OK(source.catalog->Commit({PutService(round, "remote"), PutService(100 + round, "r")}));
    if (round > 0) {
      const std::string earlier = ServiceName(round - 1);
      ASSERT_OK(source.catalog->Commit({DeleteName(earlier, source.VersionOf(earlier))}));
    }
    bool more = false;
    ASSERT_OK_AND_ASSIGN(const auto deltas,
                         source.catalog->DeltasAfter(catalog->vector(), 1 << 20, &more));
    for (const v1::Delta& delta : deltas) ASSERT_OK(catalog->ApplyRemote(delta));
    ASSERT_OK(catalog->Commit({PutService(200 + round, "local")}));
    root = catalog->root();
  }
}

}  // namespace
}  // namespace trellis::storage
