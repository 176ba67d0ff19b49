// A disk that runs full or fails to sync, and comes back: nothing acknowledged is lost, nothing
// refused stays, reads go on, and the process lives.
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/runtime/random.h"
#include "gtest/gtest.h"
#include "storage/engine/failing_disk.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/support/status_matchers.h"

namespace trellis::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

using Content = std::map<std::pair<Table, std::string>, std::string>;

Batch Put(absl::string_view key, absl::string_view value) {
  Batch batch;
  batch.Put(Table::kEntries, key, value);
  return batch;
}

// Of all tables; the first error of reading them.
absl::StatusOr<Content> Read(Engine& engine) {
  Content content;
  for (const Table table : kTables) {
    const absl::Status status =
        engine.Scan(table, "", "", [&](absl::string_view key, absl::string_view value) {
          content[{table, std::string(key)}] = std::string(value);
          return true;
        });
    if (!status.ok()) return status;
  }
  return content;
}

class RocksDbFailureTest : public testing::Test {
 protected:
  RocksDbFailureTest()
      : folder_(absl::StrCat(
            testing::TempDir(), "/",
            absl::StrReplaceAll(testing::UnitTest::GetInstance()->current_test_info()->name(),
                                {{"/", "_"}}))) {
    fs::remove_all(folder_);
    options_ = {.folder = folder_, .reopen_interval = absl::ZeroDuration(), .env = disk_.env()};
  }

  // Ends the engine before, as the end of the process does.
  void Open() {
    engine_.reset();
    auto engine = OpenRocksDb(options_);
    ASSERT_OK(engine);
    engine_ = *std::move(engine);
  }
  void OpenFresh() {
    engine_.reset();
    fs::remove_all(folder_);
    Open();
  }
  void Write(const Batch& batch, Durability durability = Durability::kSynced) {
    ASSERT_OK(engine_->Write(batch, durability));
  }
  void ExpectRefused(const Batch& batch, absl::string_view reason) {
    EXPECT_THAT(engine_->Write(batch, Durability::kSynced),
                StatusIs(absl::StatusCode::kUnavailable,
                         testing::AllOf(HasSubstr(folder_), HasSubstr(std::string(reason)))));
  }
  void ExpectContent(const Content& expected) {
    ASSERT_OK_AND_ASSIGN(const Content content, Read(*engine_));
    EXPECT_EQ(content, expected);
  }
  size_t LogBytes() const {
    size_t bytes = 0;
    for (const auto& file : fs::directory_iterator(folder_)) {
      if (file.path().extension() == ".log") bytes += file.file_size();
    }
    return bytes;
  }

  const std::string folder_;
  FailingDisk disk_;
  RocksDbOptions options_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(RocksDbFailureTest, FullDiskRefusesWritesWhileReadsGoOnAndWritesResumeWithSpace) {
  Open();
  Write(Put("a", "1"));
  Write(Put("b", "1"), Durability::kBuffered);
  disk_.FillAfter(10);
  const Content before = {{{Table::kEntries, "a"}, "1"}, {{Table::kEntries, "b"}, "1"}};
  for (int i = 0; i < 5; ++i) {
    ExpectRefused(Put("a", "refused"), "No space");
    EXPECT_THAT(engine_->Sync(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("No space")));
    ExpectContent(before);
  }
  disk_.Heal();
  Write(Put("c", "1"));
  Content after = before;
  after[{Table::kEntries, "c"}] = "1";
  ExpectContent(after);
  Open();
  ExpectContent(after);
}

TEST_F(RocksDbFailureTest, WithinTheIntervalTheDatabaseIsLeftAlone) {
  options_.reopen_interval = absl::Hours(1);
  Open();
  disk_.FillAfter(0);
  ExpectRefused(Put("a", "1"), "No space");
  disk_.Heal();
  ExpectRefused(Put("a", "1"), "No space");
  EXPECT_THAT(engine_->Sync(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RocksDbFailureTest, RefusedBatchIsTakenBackWhereverTheLogEnded) {
  Open();
  const auto batch = [](const std::string& value) {
    Batch batch;
    batch.Put(Table::kEntries, "new", value);
    batch.Put(Table::kMeta, "changed", value);
    batch.Delete(Table::kByOrigin, "removed");
    return batch;
  };
  const size_t empty_log = LogBytes();
  Write(batch("v"));
  const size_t record = LogBytes() - empty_log;
  ASSERT_GT(record, 20u);
  // The last is written whole, but not synced.
  for (const size_t fits : {size_t{0}, size_t{1}, size_t{7}, record / 2, record - 1, record}) {
    OpenFresh();
    Batch first;
    first.Put(Table::kMeta, "changed", "before");
    first.Put(Table::kByOrigin, "removed", "before");
    Write(first);
    ASSERT_OK_AND_ASSIGN(Content content, Read(*engine_));
    disk_.FillAfter(fits);
    ExpectRefused(batch("v"), "No space");
    ExpectContent(content);
    disk_.Heal();
    Write(Put("next", "1"));
    content[{Table::kEntries, "next"}] = "1";
    ExpectContent(content);
    Open();
    ExpectContent(content);
  }
}

TEST_F(RocksDbFailureTest, ProcessThatEndsLatchedFindsTheRefusedBatchWholeOrNotAtAll) {
  Open();
  const size_t empty_log = LogBytes();
  Batch batch;
  batch.Put(Table::kEntries, "a", "1");
  batch.Put(Table::kMeta, "b", "1");
  Write(batch);
  const size_t record = LogBytes() - empty_log;
  for (const size_t fits : {record - 1, record}) {
    OpenFresh();
    disk_.FillAfter(fits);
    ExpectRefused(batch, "No space");
    engine_.reset();
    disk_.Heal();
    Open();
    ASSERT_OK_AND_ASSIGN(const Content content, Read(*engine_));
    EXPECT_EQ(content.size(), fits == record ? 2u : 0u);
  }
}

TEST_F(RocksDbFailureTest, BufferedWritesThatAFailedSyncTookAreRestored) {
  Open();
  Write(Put("a", "1"));
  Write(Put("a", "2"), Durability::kBuffered);
  Write(Put("b", "1"), Durability::kBuffered);
  disk_.FailSyncs();
  EXPECT_THAT(engine_->Sync(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not sync")));
  ExpectRefused(Put("c", "1"), "not sync");
  const Content content = {{{Table::kEntries, "a"}, "2"}, {{Table::kEntries, "b"}, "1"}};
  ExpectContent(content);
  disk_.Heal();
  ASSERT_OK(engine_->Sync());
  ExpectContent(content);
  Open();
  ExpectContent(content);
}

TEST_F(RocksDbFailureTest, FlushThatFindsNoSpaceLosesNothing) {
  options_.write_buffer_bytes = 64 << 10;
  for (const size_t fits : {1000, 70000, 100000, 200000, 400000}) {
    OpenFresh();
    disk_.FillAfter(fits);
    Content content;
    absl::Status status;
    for (int i = 0; i < 1000 && status.ok(); ++i) {
      const std::string key = absl::StrCat("key", i);
      const std::string value(1000, static_cast<char>('a' + i % 26));
      status = engine_->Write(Put(key, value), Durability::kBuffered);
      if (status.ok()) content[{Table::kEntries, key}] = value;
    }
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
    ExpectContent(content);
    disk_.Heal();
    ASSERT_OK(engine_->Sync());
    ExpectContent(content);
    Open();
    ExpectContent(content);
  }
}

TEST_F(RocksDbFailureTest, OpeningOnAFullDiskIsUnavailableAndHarmsNothing) {
  Open();
  Write(Put("a", "1"));
  engine_.reset();
  for (const size_t fits : {0, 100, 1000}) {
    disk_.FillAfter(fits);
    EXPECT_THAT(OpenRocksDb(options_),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("No space")));
  }
  disk_.Heal();
  Open();
  ExpectContent({{{Table::kEntries, "a"}, "1"}});
}

TEST_F(RocksDbFailureTest, WriteInsideAScanDoesNotCloseWhatTheScanReads) {
  Open();
  Write(Put("a", "1"));
  Write(Put("b", "1"));
  disk_.FillAfter(0);
  ExpectRefused(Put("c", "1"), "No space");
  disk_.Heal();
  int seen = 0;
  ASSERT_OK(engine_->Scan(Table::kEntries, "", "", [&](absl::string_view, absl::string_view) {
    ExpectRefused(Put("c", "1"), "No space");
    ++seen;
    return true;
  }));
  EXPECT_EQ(seen, 2);
  Write(Put("c", "1"));
}

// Random writes on a disk that fails and heals at random, beside an engine that only knows what was
// acknowledged.
class RocksDbFailureHistory : public RocksDbFailureTest,
                              public testing::WithParamInterface<uint64_t> {
 protected:
  static constexpr int kSteps = 150;

  Batch RandomBatch() {
    Batch batch;
    for (uint64_t i = 0; i <= random_.Uniform(4); ++i) {
      const Table table = kTables[random_.Uniform(3)];
      const std::string key = absl::StrCat("key", random_.Uniform(8));
      if (random_.Chance(0.3)) {
        batch.Delete(table, key);
      } else {
        batch.Put(table, key,
                  std::string(random_.Uniform(500), static_cast<char>(random_.Next64())));
      }
    }
    return batch;
  }
  void Step() {
    switch (random_.Uniform(10)) {
      case 0:
        failing_ = true;
        disk_.FillAfter(random_.Uniform(random_.Chance(0.5) ? 500 : 100000));
        break;
      case 1:
        failing_ = true;
        disk_.FailSyncs();
        break;
      case 2:
      case 3:
        failing_ = false;
        disk_.Heal();
        break;
      case 4:
        // Until a write succeeds, a refused one may be found at the next start: that is another
        // test.
        failing_ = false;
        disk_.Heal();
        writable_ = engine_->Sync().ok();
        ExpectWritableUnlessFailing();
        Open();
        writable_ = true;
        break;
      case 5:
        writable_ = engine_->Sync().ok();
        ExpectWritableUnlessFailing();
        break;
      default: {
        const Batch batch = RandomBatch();
        const Durability durability =
            random_.Chance(0.5) ? Durability::kSynced : Durability::kBuffered;
        writable_ = engine_->Write(batch, durability).ok();
        if (writable_) {
          ASSERT_OK(model_.Write(batch, durability));
        }
        ExpectWritableUnlessFailing();
      }
    }
  }
  // A flush that began on the failing disk may end, and be told of, once after it healed.
  void ExpectWritableUnlessFailing() {
    if (writable_ || failing_) return;
    writable_ = engine_->Sync().ok();
    ASSERT_TRUE(writable_);
  }
  void ExpectModel() {
    const absl::StatusOr<Content> content = Read(*engine_);
    // A reopening that failed half-way ends reads too, until the next write or sync.
    if (!writable_ && absl::IsUnavailable(content.status())) return;
    ASSERT_OK(content);
    EXPECT_EQ(*content, *Read(model_));
  }

  SeededRandom random_{GetParam()};
  MemoryEngine model_;
  bool failing_ = false;
  bool writable_ = true;  // As of the last write or sync.
};

TEST_P(RocksDbFailureHistory, HoldsWhatWasAcknowledgedAndNothingElse) {
  Open();
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    SCOPED_TRACE(absl::StrCat("seed ", GetParam(), " step ", step));
    Step();
    ExpectModel();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RocksDbFailureHistory, testing::Range<uint64_t>(1, 5));

}  // namespace
}  // namespace trellis::storage
