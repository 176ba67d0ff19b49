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

  // One log of kRows acknowledged writes.
  void WriteLog() {
    {
      ASSERT_OK_AND_ASSIGN(const auto engine, Open());
      Write(*engine, 0, kRows);
    }
    ASSERT_EQ(Files(".log").size(), 1u);
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

TEST_F(RocksDbEngineTest, TornEndOfTheLogLosesOnlyWhatWasNotAcknowledged) {
  {
    ASSERT_OK_AND_ASSIGN(const auto engine, Open());
    Write(*engine, 0, kRows);
    Batch batch;
    batch.Put(Table::kEntries, Key(kRows), "buffered");
    ASSERT_OK(engine->Write(batch, Durability::kBuffered));
  }
  ASSERT_EQ(Files(".log").size(), 1u);
  const fs::path log = Files(".log")[0];
  fs::resize_file(log, fs::file_size(log) - 7);
  ASSERT_OK_AND_ASSIGN(const auto engine, Open());
  for (int i = 0; i < kRows; ++i) EXPECT_OK(engine->Get(Table::kEntries, Key(i)));
  EXPECT_THAT(engine->Get(Table::kEntries, Key(kRows)), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RocksDbEngineTest, ZerosAfterTheLogAreNoLoss) {
  WriteLog();
  fs::resize_file(Files(".log")[0], fs::file_size(Files(".log")[0]) + 4096);
  EXPECT_OK(OpenAndReadAll());
}

TEST_F(RocksDbEngineTest, CutOfAnAcknowledgedWriteIsDataLoss) {
  WriteLog();
  const fs::path log = Files(".log")[0];
  for (const size_t cut : {size_t{7}, fs::file_size(log) / 2}) {
    fs::resize_file(log, fs::file_size(log) - cut);
    EXPECT_THAT(OpenAndReadAll(),
                StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("of 50 acknowledged")));
  }
}

TEST_F(RocksDbEngineTest, FlippedByteAnywhereInTheLogIsDataLoss) {
  WriteLog();
  const fs::path log = Files(".log")[0];
  const size_t bytes = fs::file_size(log);
  // A step that meets checksums, lengths, types and contents of records.
  for (size_t offset = 0; offset < bytes; offset += 131) {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get());
    const auto write = [&](char value) {
      file.seekp(static_cast<std::streamoff>(offset));
      file.put(value).flush();
    };
    write(static_cast<char>(~byte));
    EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss)) << offset;
    write(byte);
  }
  EXPECT_OK(OpenAndReadAll());
}

TEST_F(RocksDbEngineTest, MissingLogIsDataLoss) {
  WriteLog();
  fs::remove(Files(".log")[0]);
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksDbEngineTest, ManifestCutShortIsDataLossAndTheFilesAreLeftAlone) {
  MakeFiles();
  const fs::path manifest = Files("MANIFEST")[0];
  const size_t bytes = fs::file_size(manifest);
  const size_t tables = Files(".sst").size();
  for (const size_t kept : {bytes * 3 / 4, bytes / 2, bytes / 4, size_t{0}}) {
    fs::resize_file(manifest, kept);
    EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kDataLoss)) << kept << " of " << bytes;
    EXPECT_EQ(Files(".sst").size(), tables);
  }
}

TEST_F(RocksDbEngineTest, AcknowledgedThatCannotBeReadIsDataLoss) {
  MakeFiles();
  Overwrite(fs::path(folder_) / "ACKNOWLEDGED", 3, 4);
  EXPECT_THAT(OpenAndReadAll(),
              StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("ACKNOWLEDGED")));
}

TEST_F(RocksDbEngineTest, CrashWhileTheDatabaseIsMadeLeavesOneThatOpens) {
  ASSERT_OK(Open());
  // The last step of making one.
  fs::resize_file(fs::path(folder_) / "ACKNOWLEDGED", 0);
  EXPECT_OK(OpenAndReadAll());
  fs::remove(fs::path(folder_) / "ACKNOWLEDGED");
  EXPECT_OK(OpenAndReadAll());
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

// Who moves aside what is corrupt must not do so for this.
TEST_F(RocksDbEngineTest, WhatTheSystemWillNotReadIsUnavailableAndNotCorrupt) {
  MakeFiles();
  ASSERT_FALSE(Files(".sst").empty());
  for (const fs::path& table : Files(".sst")) {
    fs::rename(table, table.string() + ".kept");
    fs::create_symlink(table, table);  // A loop: it is there, and cannot be looked at.
  }
  EXPECT_THAT(OpenAndReadAll(), StatusIs(absl::StatusCode::kUnavailable));
  for (const fs::path& kept : Files(".kept")) {
    fs::path table = kept;
    fs::remove(table.replace_extension(""));
    fs::rename(kept, table);
  }
  EXPECT_OK(OpenAndReadAll());
}

}  // namespace
}  // namespace trellis::storage
