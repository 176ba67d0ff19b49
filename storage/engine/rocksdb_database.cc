#include "storage/engine/rocksdb_database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"

namespace trellis::storage {

// What RocksDB's threads tell: kept for the engine, which recovers by opening anew.
class BackgroundFailure final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    MutexLock lock(mutex_);
    if (status_.ok()) status_ = *status;
  }
  // RocksDB's own recovery would write to the log behind the engine's back.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* recover) override {
    *recover = false;
  }
  rocksdb::Status status() const {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  mutable Mutex mutex_;
  rocksdb::Status status_ ABSL_GUARDED_BY(mutex_);
};

namespace {

constexpr int kOpenFilesMax = 256;
// Opening rewrites the logs as table files, and starts a manifest and a log.
constexpr uintmax_t kOpeningBytes = 1 << 20;
constexpr size_t kTrialBytes = 64 << 10;

const char* FamilyName(Table table) {
  switch (table) {
    case Table::kMeta:
      return "meta";
    case Table::kEntries:
      return "entries";
    case Table::kByOrigin:
      return "by_origin";
    case Table::kSeals:
      return "seals";
    case Table::kSiblings:
      return "siblings";
    case Table::kReplaced:
      return "replaced";
  }
  CHECK(false) << "a table without a column family";
  return "";
}

rocksdb::Slice ToSlice(absl::string_view text) { return {text.data(), text.size()}; }
absl::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status DataLoss(absl::string_view folder, absl::string_view detail) {
  return absl::DataLossError(absl::StrCat(
      "data folder ", folder, ": corrupt or incomplete (", detail,
      "); move the folder aside and start the agent again: the others have the configuration"));
}

absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view folder) {
  if (status.ok()) return absl::OkStatus();
  const std::string detail = status.ToString();
  if (status.IsNotFound()) return absl::NotFoundError("no such key");
  // An opening that may not, or cannot, look at a file says Corruption too, with what the system
  // said: that file may be as good as ever.
  if (status.IsCorruption() && absl::StrContains(detail, "IO error") &&
      !absl::StrContains(detail, "No such file")) {
    return absl::UnavailableError(absl::StrCat("data folder ", folder, ": ", detail));
  }
  // A file that the manifest names and the folder lacks, or a family that it lacks itself.
  if (status.IsCorruption() || status.IsPathNotFound() ||
      absl::StrContains(detail, "Column family not found")) {
    return DataLoss(folder, detail);
  }
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

rocksdb::Env* EnvOf(const RocksDbOptions& options) {
  return options.env != nullptr ? options.env : rocksdb::Env::Default();
}

// Calls `visit` with each file of the folder, in no order.
void VisitFiles(const std::string& folder,
                absl::FunctionRef<void(const std::filesystem::directory_entry&)> visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    visit(*it);
  }
}

bool IsLog(const std::filesystem::directory_entry& file) {
  return file.path().extension() == ".log";
}

uintmax_t BytesOf(const std::filesystem::directory_entry& file) {
  std::error_code error;
  const uintmax_t bytes = file.file_size(error);
  return error ? 0 : bytes;
}

// RocksDB makes an empty database where CURRENT is missing, even beside the files of a full one.
absl::Status CheckCurrentNotLost(const std::string& folder, bool acknowledged) {
  std::error_code error;
  if (std::filesystem::exists(folder + "/CURRENT", error)) return absl::OkStatus();
  bool has_data = acknowledged;
  VisitFiles(folder, [&](const std::filesystem::directory_entry& file) {
    has_data |= file.path().extension() == ".sst" || (IsLog(file) && BytesOf(file) > 0);
  });
  return has_data ? DataLoss(folder, "the file CURRENT is missing") : absl::OkStatus();
}

struct OpenArguments {
  rocksdb::DBOptions db;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
};

// RocksDB's own log goes to ours, warnings and worse. Its file would fill with the disk, and
// Debian's build asserts, ending the process, when it is appended to once more after a failure.
class LogOfOurs final : public rocksdb::Logger {
 public:
  LogOfOurs() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[512];
    if (std::vsnprintf(line, sizeof(line), format, arguments) > 0) {
      LOG(WARNING) << "rocksdb: " << line;
    }
  }
};

OpenArguments ArgumentsOf(const RocksDbOptions& options) {
  OpenArguments arguments;
  rocksdb::DBOptions& db = arguments.db;
  db.env = EnvOf(options);
  // Damage before the end of a log is an error; a record cut off at its end was never acknowledged,
  // or else the ACKNOWLEDGED file tells.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;
  db.max_bgerror_resume_count = 0;
  db.db_write_buffer_size = 2 * options.write_buffer_bytes;
  db.max_total_wal_size = 2 * options.write_buffer_bytes;
  db.max_open_files = kOpenFilesMax;
  db.max_background_jobs = 2;
  db.info_log = std::make_shared<LogOfOurs>();

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffer_bytes;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  arguments.families.emplace_back(rocksdb::kDefaultColumnFamilyName, family);
  for (const Table table : kTables) arguments.families.emplace_back(FamilyName(table), family);
  return arguments;
}

// Opening for writing deletes the files that a damaged manifest no longer names. So what the
// database holds is found out before, by an opening that writes nothing.
absl::Status CheckHolds(uint64_t acknowledged, const std::string& folder,
                        const OpenArguments& arguments) {
  rocksdb::Env* const env = arguments.db.env;
  rocksdb::FileLock* lock = nullptr;
  RETURN_IF_ERROR(FromRocksDb(env->LockFile(folder + "/LOCK", &lock), folder));
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(arguments.db, folder, arguments.families, &families, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  uint64_t held = 0;
  if (status.ok()) {
    held = db->GetLatestSequenceNumber();
    for (rocksdb::ColumnFamilyHandle* family : families) db->DestroyColumnFamilyHandle(family);
  }
  env->UnlockFile(lock);
  RETURN_IF_ERROR(FromRocksDb(status, folder));
  if (held >= acknowledged) return absl::OkStatus();
  return DataLoss(folder, absl::StrCat("it ends at write ", held, " of ", acknowledged,
                                       " acknowledged: a log or manifest was lost or cut short"));
}

}  // namespace

RocksDbDatabase::RocksDbDatabase(std::string folder)
    : folder_(std::move(folder)), background_failure_(std::make_shared<BackgroundFailure>()) {}

RocksDbDatabase::~RocksDbDatabase() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  if (const rocksdb::Status status = db_->Close(); !status.ok() && !failed_) {
    LOG(WARNING) << "closing data folder " << folder_ << ": " << status.ToString();
  }
}

absl::StatusOr<std::shared_ptr<RocksDbDatabase>> RocksDbDatabase::Open(
    const RocksDbOptions& options) {
  const std::string& folder = options.folder;
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(
        absl::StrCat("data folder ", folder, ": cannot be made: ", std::strerror(errno)));
  }
  const absl::StatusOr<std::optional<uint64_t>> acknowledged = AcknowledgedFile::Read(folder);
  if (absl::IsDataLoss(acknowledged.status())) {
    return DataLoss(folder, acknowledged.status().message());
  }
  RETURN_IF_ERROR(acknowledged.status());
  RETURN_IF_ERROR(CheckCurrentNotLost(folder, acknowledged->has_value()));
  OpenArguments arguments = ArgumentsOf(options);
  if (acknowledged->has_value()) RETURN_IF_ERROR(CheckHolds(**acknowledged, folder, arguments));
  // A crash while it was made leaves part of a database, and no ACKNOWLEDGED file.
  arguments.db.create_if_missing = !acknowledged->has_value();
  arguments.db.create_missing_column_families = !acknowledged->has_value();

  std::shared_ptr<RocksDbDatabase> database(new RocksDbDatabase(folder));
  arguments.db.listeners.push_back(database->background_failure_);
  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(database->Convert(
      rocksdb::DB::Open(arguments.db, folder, arguments.families, &database->families_, &db)));
  database->db_.reset(db);
  // Opening made all it found durable.
  RETURN_IF_ERROR(database->acknowledged_.Open(folder, db->GetLatestSequenceNumber()));
  return database;
}

absl::Status RocksDbDatabase::Convert(const rocksdb::Status& status) const {
  return FromRocksDb(status, folder_);
}

absl::StatusOr<std::string> RocksDbDatabase::Get(Table table, absl::string_view key) {
  std::string value;
  RETURN_IF_ERROR(Convert(db_->Get(rocksdb::ReadOptions(), Family(table), ToSlice(key), &value)));
  return value;
}

absl::Status RocksDbDatabase::Scan(
    Table table, absl::string_view begin, absl::string_view end,
    absl::FunctionRef<bool(absl::string_view, absl::string_view)> visit) {
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

absl::Status RocksDbDatabase::Write(const Batch& batch, bool sync) {
  rocksdb::WriteBatch writes;
  for (const Batch::Operation& operation : batch.operations()) {
    const rocksdb::Status status =
        operation.is_delete ? writes.Delete(Family(operation.table), operation.key)
                            : writes.Put(Family(operation.table), operation.key, operation.value);
    RETURN_IF_ERROR(Convert(status));
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  const rocksdb::Status status = db_->Write(options, &writes);
  failed_ |= !status.ok();
  RETURN_IF_ERROR(Convert(status));
  if (sync) acknowledged_.Advance(db_->GetLatestSequenceNumber());
  return absl::OkStatus();
}

absl::Status RocksDbDatabase::Sync() {
  const rocksdb::Status status = db_->SyncWAL();
  failed_ |= !status.ok();
  RETURN_IF_ERROR(Convert(status));
  acknowledged_.Advance(db_->GetLatestSequenceNumber());
  return absl::OkStatus();
}

absl::Status RocksDbDatabase::background_failure() const {
  return Convert(background_failure_->status());
}

absl::Status CheckTakesWrites(const RocksDbOptions& options) {
  uintmax_t needed = kOpeningBytes;
  VisitFiles(options.folder, [&](const std::filesystem::directory_entry& file) {
    if (IsLog(file)) needed += BytesOf(file);
  });
  struct statvfs disk;
  if (statvfs(options.folder.c_str(), &disk) != 0) {
    return absl::UnavailableError(
        absl::StrCat("data folder ", options.folder, ": ", std::strerror(errno)));
  }
  const uintmax_t free = static_cast<uintmax_t>(disk.f_bavail) * disk.f_frsize;
  if (free < needed) {
    return absl::UnavailableError(absl::StrCat("data folder ", options.folder,
                                               ": no space left on the disk: ", free,
                                               " bytes are free, ", needed, " are needed"));
  }
  rocksdb::Env* const env = EnvOf(options);
  const std::string path = options.folder + "/TRIAL";
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(std::string(kTrialBytes, '\0'));
  if (status.ok()) status = file->Sync();
  if (file != nullptr) {
    const rocksdb::Status closed = file->Close();
    if (status.ok()) status = closed;
  }
  const rocksdb::Status removed = env->DeleteFile(path);
  if (status.ok()) status = removed;
  return FromRocksDb(status, options.folder);
}

}  // namespace trellis::storage
