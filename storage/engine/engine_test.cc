// What every engine promises, over each of them.
#include "storage/engine/engine.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<Engine> MakeMemory() { return std::make_unique<MemoryEngine>(); }

std::unique_ptr<Engine> MakeRocksDb() {
  const std::string folder =
      absl::StrCat(testing::TempDir(), "/engine_", testing::UnitTest::GetInstance()->random_seed(),
                   testing::UnitTest::GetInstance()->current_test_info()->line());
  std::filesystem::remove_all(folder);
  auto engine = OpenRocksDb({.folder = folder});
  EXPECT_OK(engine);
  return engine.ok() ? *std::move(engine) : nullptr;
}

struct EngineKind {
  const char* name;
  std::unique_ptr<Engine> (*make)();
};

class EngineTest : public testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    engine_ = GetParam().make();
    ASSERT_NE(engine_, nullptr);
  }

  void Put(const std::string& key, const std::string& value) {
    Batch batch;
    batch.Put(Table::kEntries, key, value);
    ASSERT_OK(engine_->Write(batch, Durability::kBuffered));
  }
  Rows ScanAll(absl::string_view begin, absl::string_view end, size_t limit = 1000) {
    Rows rows;
    EXPECT_OK(engine_->Scan(Table::kEntries, begin, end,
                            [&](absl::string_view key, absl::string_view value) {
                              rows.emplace_back(key, value);
                              return rows.size() < limit;
                            }));
    return rows;
  }

  std::unique_ptr<Engine> engine_;
};

TEST_P(EngineTest, MissingKeyIsNotFound) {
  EXPECT_THAT(engine_->Get(Table::kEntries, "k"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(EngineTest, TablesAreSeparateKeySpaces) {
  Batch batch;
  batch.Put(Table::kMeta, "k", "meta");
  batch.Put(Table::kEntries, "k", "entries");
  ASSERT_OK(engine_->Write(batch, Durability::kSynced));
  ASSERT_OK_AND_ASSIGN(const std::string meta, engine_->Get(Table::kMeta, "k"));
  ASSERT_OK_AND_ASSIGN(const std::string entries, engine_->Get(Table::kEntries, "k"));
  EXPECT_EQ(meta, "meta");
  EXPECT_EQ(entries, "entries");
  EXPECT_THAT(engine_->Get(Table::kByOrigin, "k"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(EngineTest, KeysAndValuesMayHoldAnyByte) {
  const std::string key("\0\xff\x01", 3), value("\0\0\xfe", 3);
  Put(key, value);
  ASSERT_OK_AND_ASSIGN(const std::string read, engine_->Get(Table::kEntries, key));
  EXPECT_EQ(read, value);
  Put("empty", "");
  ASSERT_OK_AND_ASSIGN(const std::string empty, engine_->Get(Table::kEntries, "empty"));
  EXPECT_EQ(empty, "");
}

TEST_P(EngineTest, OperationsOfABatchHappenInOrder) {
  Batch batch;
  batch.Put(Table::kEntries, "a", "1");
  batch.Delete(Table::kEntries, "a");
  batch.Delete(Table::kEntries, "b");
  batch.Put(Table::kEntries, "b", "2");
  ASSERT_OK(engine_->Write(batch, Durability::kSynced));
  EXPECT_EQ(ScanAll("", ""), (Rows{{"b", "2"}}));
}

TEST_P(EngineTest, ScanGoesInByteOrderOverAHalfOpenRange) {
  for (const char* key : {"b", "a", "\xff", "c", "ab"}) Put(key, key);
  EXPECT_EQ(ScanAll("", ""),
            (Rows{{"a", "a"}, {"ab", "ab"}, {"b", "b"}, {"c", "c"}, {"\xff", "\xff"}}));
  EXPECT_EQ(ScanAll("ab", "c"), (Rows{{"ab", "ab"}, {"b", "b"}}));
  EXPECT_EQ(ScanAll("aa", "ab"), Rows{});
  EXPECT_EQ(ScanAll("d", ""), (Rows{{"\xff", "\xff"}}));
  EXPECT_EQ(ScanAll("", "", 2), (Rows{{"a", "a"}, {"ab", "ab"}}));
}

TEST_P(EngineTest, ScanSeesTheStateItBeganWith) {
  Put("a", "1");
  Put("b", "1");
  size_t seen = 0;
  ASSERT_OK(engine_->Scan(Table::kEntries, "", "", [&](absl::string_view, absl::string_view) {
    Put(absl::StrCat("c", seen++), "new");
    return true;
  }));
  EXPECT_EQ(seen, 2u);
  EXPECT_EQ(ScanAll("", "").size(), 4u);
}

TEST_P(EngineTest, SyncAndEmptyBatchAreFine) {
  ASSERT_OK(engine_->Write(Batch(), Durability::kSynced));
  Put("a", "1");
  EXPECT_OK(engine_->Sync());
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest,
                         testing::Values(EngineKind{"Memory", MakeMemory},
                                         EngineKind{"RocksDb", MakeRocksDb}),
                         [](const auto& info) { return info.param.name; });

TEST(MemoryEngineTest, PowerCutTakesASuffixOfUnsyncedWritesOnly) {
  MemoryEngine engine;
  const auto write = [&](const std::string& key, const std::string& value, Durability durability) {
    Batch batch;
    batch.Put(Table::kEntries, key, value);
    ASSERT_OK(engine.Write(batch, durability));
  };
  write("a", "synced with b", Durability::kBuffered);
  write("b", "synced", Durability::kSynced);
  write("b", "first lost", Durability::kBuffered);
  write("c", "second lost", Durability::kBuffered);
  EXPECT_EQ(engine.unsynced_writes(), 2u);
  engine.CrashKeeping(1);
  EXPECT_OK(engine.Get(Table::kEntries, "a"));
  EXPECT_EQ(*engine.Get(Table::kEntries, "b"), "first lost");
  EXPECT_THAT(engine.Get(Table::kEntries, "c"), StatusIs(absl::StatusCode::kNotFound));

  write("b", "lost", Durability::kBuffered);
  engine.CrashKeeping(0);
  EXPECT_EQ(*engine.Get(Table::kEntries, "b"), "first lost");
}

TEST(MemoryEngineTest, FailedWriteChangesNothing) {
  MemoryEngine engine;
  engine.FailWrites(absl::UnavailableError("disk full"), 1);
  Batch batch;
  batch.Put(Table::kEntries, "a", "1");
  EXPECT_OK(engine.Write(batch, Durability::kSynced));
  batch.Put(Table::kEntries, "a", "2");
  EXPECT_THAT(engine.Write(batch, Durability::kSynced), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(engine.Sync(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(*engine.Get(Table::kEntries, "a"), "1");
  engine.FailWrites(absl::OkStatus());
  EXPECT_OK(engine.Write(batch, Durability::kSynced));
  EXPECT_EQ(*engine.Get(Table::kEntries, "a"), "2");
}

TEST(MemoryEngineTest, ALyingDiskLosesWhatItSaidIsSynced) {
  MemoryEngine engine;
  engine.LieAboutSyncs(true);
  Batch batch;
  batch.Put(Table::kEntries, "a", "1");
  EXPECT_OK(engine.Write(batch, Durability::kSynced));
  EXPECT_OK(engine.Sync());
  engine.CrashKeeping(0);
  EXPECT_THAT(engine.Get(Table::kEntries, "a"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(MemoryEngineTest, ACorruptDiskReadsNothing) {
  MemoryEngine engine;
  engine.Corrupt();
  EXPECT_THAT(engine.Get(Table::kEntries, "a"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(engine.Scan(Table::kEntries, "", "", [](auto, auto) { return true; }),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(MemoryEngineTest, AnImageBringsBackWhatWas) {
  MemoryEngine engine;
  Batch batch;
  batch.Put(Table::kEntries, "a", "then");
  EXPECT_OK(engine.Write(batch, Durability::kBuffered));
  const MemoryEngine::Image image = engine.TakeImage();
  batch.Put(Table::kEntries, "a", "now");
  EXPECT_OK(engine.Write(batch, Durability::kBuffered));
  engine.RestoreImage(image);
  engine.CrashKeeping(0);
  EXPECT_EQ(*engine.Get(Table::kEntries, "a"), "then");
}

}  // namespace
}  // namespace trellis::storage
