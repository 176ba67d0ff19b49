// What a disk does to a database: restarts, second openers, torn and corrupt files.
#include "storage/engine/rocksdb_engine.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kRows = 50;

std::string Key(int i) { return absl::StrCat("key", i); }

class RocksDbEngineTest : public testing::Test {
 protected:
  RocksDbEngineTest()
      : folder_(absl::StrCat(testing::TempDir(), "/",
                             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
  }

  absl::StatusOr<std::unique_ptr<Engine>> Open() { return OpenRocksDb({.folder = folder_}); }

  static void Write(Engine& engine, int first, int last) {
    for (int i = first; i < last; ++i) {
      Batch batch;
      batch.Put(Table::kEntries, Key(i), std::string(100, 'v'));
      ASSERT_OK(engine.Write(batch, Durability::kSynced));
    }
  }

  // Written, closed, and opened again so that RocksDB moved the log's content to a file.
  void MakeFiles() {
    for (int round = 0; round < 2; ++round) {
      ASSERT_OK_AND_ASSIGN(const auto engine, Open());
      Write(*engine, round * kRows, (round + 1) * kRows);
    }
    ASSERT_OK(Open());
  }

  std::vector<fs::path> Files(absl::string_view part) const {
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(folder_)) {
      if (absl::StrContains(item.path().filename().string(), part)) files.push_back(item.path());
    }
    return files;
  }

  static void Overwrite(const fs::path& path, size_t offset, size_t count) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << std::string(count, '\x5a');
  }

  // Opens and reads everything: the first error on the way.
  absl::Status OpenAndReadAll() {
    auto engine = Open();
    if (!engine.ok()) return engine.status();
    return (*engine)->Scan(Table::kEntries, "", "",
                           [](absl::string_view, absl::string_view) { return true; });
  }

  const std::string folder_;
};

TEST_F(RocksDbEngineTest, ReopenFindsTheData) {
  MakeFiles();
  ASSERT_OK_AND_ASSIGN(const auto engine, Open());
  for (int i = 0; i < 2 * kRows; ++i) EXPECT_OK(engine->Get(Table::kEntries, Key(i)));
}

TEST_F(RocksDbEngineTest, SecondOpenerIsRefusedClearly) {
  ASSERT_OK_AND_ASSIGN(const auto engine, Open());
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               testing::HasSubstr("in use by another process")));
}

TEST_F(RocksDbEngineTest, FolderThatCannotBeMadeIsUnavailable) {
  EXPECT_THAT(OpenRocksDb({.folder = folder_ + "/missing/db"}),
              StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("cannot be made")));
}

TEST_F(RocksDbEngineTest, TornEndOfTheLogLosesOnlyTheEnd) {
  {
    ASSERT_OK_AND_ASSIGN(const auto engine, Open());
    Write(*engine, 0, kRows);
  }
  const std::vector<fs::path> logs = Files(".log");
  ASSERT_EQ(logs.size(), 1u);
  fs::resize_file(logs[0], fs::file_size(logs[0]) - 7);
  ASSERT_OK_AND_ASSIGN(const auto engine, Open());
  for (int i = 0; i < kRows - 1; ++i) EXPECT_OK(engine->Get(Table::kEntries, Key(i)));
  EXPECT_THAT(engine->Get(Table::kEntries, Key(kRows - 1)), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RocksDbEngineTest, CorruptTableFileIsDataLossWithAdvice) {
  MakeFiles();
  const std::vector<fs::path> tables = Files(".sst");
  ASSERT_FALSE(tables.empty());
  for (const fs::path& table : tables) Overwrite(table, 10, 64);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss,
                                         testing::AllOf(testing::HasSubstr(folder_),
                                                        testing::HasSubstr("move the folder"))));
}

TEST_F(RocksDbEngineTest, TruncatedTableFileIsDataLoss) {
  MakeFiles();
  for (const fs::path& table : Files(".sst")) fs::resize_file(table, 20);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksDbEngineTest, MissingTableFileIsDataLoss) {
  MakeFiles();
  for (const fs::path& table : Files(".sst")) fs::remove(table);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksDbEngineTest, CorruptManifestIsDataLoss) {
  MakeFiles();
  for (const fs::path& manifest : Files("MANIFEST")) Overwrite(manifest, 4, 64);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksDbEngineTest, MissingManifestIsDataLoss) {
  MakeFiles();
  for (const fs::path& manifest : Files("MANIFEST")) fs::remove(manifest);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksDbEngineTest, CorruptCurrentIsDataLoss) {
  MakeFiles();
  Overwrite(fs::path(folder_) / "CURRENT", 0, 16);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksDbEngineTest, MissingCurrentIsDataLossAndNotAnEmptyDatabase) {
  MakeFiles();
  fs::remove(fs::path(folder_) / "CURRENT");
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace trellis::storage
