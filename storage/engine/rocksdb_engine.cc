#include "storage/engine/rocksdb_engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"

namespace trellis::storage {
namespace {

constexpr int kOpenFilesMax = 256;
constexpr size_t kInfoLogBytes = 1 << 20;
constexpr size_t kInfoLogFiles = 2;

const char* FamilyName(Table table) {
  switch (table) {
    case Table::kMeta:
      return "meta";
    case Table::kEntries:
      return "entries";
    case Table::kByOrigin:
      return "by_origin";
  }
  CHECK(false) << "a table without a column family";
  return "";
}

rocksdb::Slice ToSlice(absl::string_view text) { return {text.data(), text.size()}; }
absl::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status DataLoss(absl::string_view folder, absl::string_view detail) {
  return absl::DataLossError(absl::StrCat(
      "data folder ", folder, ": corrupt or incomplete (", detail,
      "); move the folder aside and join the mesh again, which copies the configuration back"));
}

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view folder) {
  if (status.ok()) return absl::OkStatus();
  const std::string detail = status.ToString();
  if (status.IsNotFound()) return absl::NotFoundError("no such key");
  // A file that the manifest names and the folder lacks.
  if (status.IsCorruption() || status.IsPathNotFound()) return DataLoss(folder, detail);
  if (status.IsIOError() &&
      (absl::StrContains(detail, "lock hold by") || absl::StrContains(detail, "While lock file"))) {
    return absl::FailedPreconditionError(absl::StrCat(
        "data folder ", folder, ": in use by another process; stop it or name another folder"));
  }
  if (status.IsInvalidArgument()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "data folder ", folder, ": of another format, perhaps a newer release's (", detail, ")"));
  }
  return absl::UnavailableError(absl::StrCat("data folder ", folder, ": ", detail));
}

// RocksDB makes an empty database where CURRENT is missing, even beside the files of a full one.
absl::Status CheckCurrentNotLost(const std::string& folder) {
  std::error_code error;
  const std::filesystem::path path(folder);
  if (std::filesystem::exists(path / "CURRENT", error)) return absl::OkStatus();
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    const std::string extension = it->path().extension().string();
    const bool is_data = extension == ".sst" || (extension == ".log" && it->file_size(error) > 0);
    if (is_data) return DataLoss(folder, "the file CURRENT is missing");
  }
  return absl::OkStatus();
}

class RocksDbEngine final : public Engine {
 public:
  explicit RocksDbEngine(std::string folder) : folder_(std::move(folder)) {}
  ~RocksDbEngine() override;

  absl::Status Open(const RocksDbOptions& options);

  absl::StatusOr<std::string> Get(Table table, absl::string_view key) override;
  absl::Status Scan(
      Table table, absl::string_view begin, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) override;
  absl::Status Write(const Batch& batch, Durability durability) override;
  absl::Status Sync() override;

 private:
  rocksdb::ColumnFamilyHandle* Family(Table table) const {
    return families_[static_cast<size_t>(table) + 1];  // 0 is RocksDB's default family.
  }
  absl::Status Convert(const rocksdb::Status& status) { return FromRocksDb(status, folder_); }
  // After an I/O error RocksDB refuses writes until told that the cause may be gone.
  absl::Status ResumeIfStopped();

  const std::string folder_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::atomic<bool> stopped_{false};
};

RocksDbEngine::~RocksDbEngine() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  if (const rocksdb::Status status = db_->Close(); !status.ok()) {
    LOG(WARNING) << "closing data folder " << folder_ << ": " << status.ToString();
  }
}

absl::Status RocksDbEngine::Open(const RocksDbOptions& options) {
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(
        absl::StrCat("data folder ", folder_, ": cannot be made: ", std::strerror(errno)));
  }
  RETURN_IF_ERROR(CheckCurrentNotLost(folder_));

  rocksdb::DBOptions db_options;
  db_options.create_if_missing = true;
  db_options.create_missing_column_families = true;
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db_options.max_total_wal_size = 4 * options.write_buffer_bytes;
  db_options.max_open_files = kOpenFilesMax;
  db_options.max_background_jobs = 2;
  db_options.keep_log_file_num = kInfoLogFiles;
  db_options.max_log_file_size = kInfoLogBytes;

  rocksdb::BlockBasedTableOptions table_options;
  table_options.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocksdb::ColumnFamilyOptions family_options;
  family_options.write_buffer_size = options.write_buffer_bytes;
  family_options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options));

  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options);
  for (const Table table : kTables) descriptors.emplace_back(FamilyName(table), family_options);

  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(Convert(rocksdb::DB::Open(db_options, folder_, descriptors, &families_, &db)));
  db_.reset(db);
  return absl::OkStatus();
}

absl::StatusOr<std::string> RocksDbEngine::Get(Table table, absl::string_view key) {
  std::string value;
  RETURN_IF_ERROR(Convert(db_->Get(rocksdb::ReadOptions(), Family(table), ToSlice(key), &value)));
  return value;
}

absl::Status RocksDbEngine::Scan(
    Table table, absl::string_view begin, absl::string_view end,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) {
  const rocksdb::Slice upper_bound = ToSlice(end);
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  if (!end.empty()) options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, Family(table)));
  for (rows->Seek(ToSlice(begin)); rows->Valid(); rows->Next()) {
    if (!visit(ToView(rows->key()), ToView(rows->value()))) break;
  }
  return Convert(rows->status());
}

absl::Status RocksDbEngine::ResumeIfStopped() {
  if (!stopped_.load(std::memory_order_relaxed)) return absl::OkStatus();
  RETURN_IF_ERROR(Convert(db_->Resume()));
  stopped_.store(false, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status RocksDbEngine::Write(const Batch& batch, Durability durability) {
  RETURN_IF_ERROR(ResumeIfStopped());
  rocksdb::WriteBatch writes;
  for (const Batch::Operation& operation : batch.operations()) {
    const rocksdb::Status status =
        operation.is_delete ? writes.Delete(Family(operation.table), operation.key)
                            : writes.Put(Family(operation.table), operation.key, operation.value);
    RETURN_IF_ERROR(Convert(status));
  }
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced;
  const rocksdb::Status status = db_->Write(options, &writes);
  if (!status.ok()) stopped_.store(true, std::memory_order_relaxed);
  return Convert(status);
}

absl::Status RocksDbEngine::Sync() {
  RETURN_IF_ERROR(ResumeIfStopped());
  const rocksdb::Status status = db_->SyncWAL();
  if (!status.ok()) stopped_.store(true, std::memory_order_relaxed);
  return Convert(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenRocksDb(const RocksDbOptions& options) {
  auto engine = std::make_unique<RocksDbEngine>(options.folder);
  RETURN_IF_ERROR(engine->Open(options));
  return engine;
}

}  // namespace trellis::storage
