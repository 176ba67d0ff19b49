#include "storage/engine/rocksdb_engine.h"

#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status_macros.h"
#include "base/sync/mutex.h"
#include "storage/engine/rocksdb_database.h"

namespace trellis::storage {
namespace {

using Clock = std::chrono::steady_clock;

// Keys written since the last sync; meeting it makes a buffered write a synced one.
constexpr size_t kUnsyncedKeysMax = 50000;

class RocksDbEngine final : public Engine {
 public:
  RocksDbEngine(const RocksDbOptions& options, std::shared_ptr<RocksDbDatabase> database)
      : options_(options), database_(std::move(database)) {}

  absl::StatusOr<std::string> Get(Table table, absl::string_view key) override;
  absl::Status Scan(
      Table table, absl::string_view begin, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) override;
  absl::Status Write(const Batch& batch, Durability durability) override;
  absl::Status Sync() override;

 private:
  absl::StatusOr<std::shared_ptr<RocksDbDatabase>> ForReading();
  // OK when writes may be tried, after reopening if it was time to.
  absl::Status CheckWritable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Latch(const absl::Status& cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Reopen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Batch> UnsyncedValues() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RocksDbOptions options_;
  Mutex mutex_;
  // Shared with reads under way. Null: closed, and opening it failed.
  std::shared_ptr<RocksDbDatabase> database_ ABSL_GUARDED_BY(mutex_);
  // Of writes since the last sync, also of one that failed: all that an opening may find changed.
  std::set<std::pair<Table, std::string>> unsynced_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // Not OK: latched.
  Clock::time_point reopen_at_ ABSL_GUARDED_BY(mutex_);
  // While reopening: the acknowledged values of unsynced_, as the failed database still knew them.
  std::optional<Batch> restore_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<std::shared_ptr<RocksDbDatabase>> RocksDbEngine::ForReading() {
  MutexLock lock(mutex_);
  if (database_ == nullptr) return failure_;
  return database_;
}

absl::StatusOr<std::string> RocksDbEngine::Get(Table table, absl::string_view key) {
  ASSIGN_OR_RETURN(const std::shared_ptr<RocksDbDatabase> database, ForReading());
  return database->Get(table, key);
}

absl::Status RocksDbEngine::Scan(
    Table table, absl::string_view begin, absl::string_view end,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) {
  // Without the lock: `visit` may call the engine.
  ASSIGN_OR_RETURN(const std::shared_ptr<RocksDbDatabase> database, ForReading());
  return database->Scan(table, begin, end, visit);
}

absl::Status RocksDbEngine::Write(const Batch& batch, Durability durability) {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckWritable());
  for (const Batch::Operation& operation : batch.operations()) {
    unsynced_.emplace(operation.table, operation.key);
  }
  const bool sync = durability == Durability::kSynced || unsynced_.size() > kUnsyncedKeysMax;
  if (const absl::Status status = database_->Write(batch, sync); !status.ok()) return Latch(status);
  if (sync) unsynced_.clear();
  return absl::OkStatus();
}

absl::Status RocksDbEngine::Sync() {
  MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckWritable());
  if (const absl::Status status = database_->Sync(); !status.ok()) return Latch(status);
  unsynced_.clear();
  return absl::OkStatus();
}

absl::Status RocksDbEngine::CheckWritable() {
  if (failure_.ok()) {
    const absl::Status status = database_->background_failure();
    return status.ok() ? status : Latch(status);
  }
  if (Clock::now() < reopen_at_) return failure_;
  reopen_at_ = Clock::now() + absl::ToChronoNanoseconds(options_.reopen_interval);
  if (const absl::Status status = Reopen(); !status.ok()) {
    failure_ = status;
    return failure_;
  }
  failure_ = absl::OkStatus();
  LOG(INFO) << "data folder " << options_.folder << ": takes writes again";
  return absl::OkStatus();
}

absl::Status RocksDbEngine::Latch(const absl::Status& cause) {
  failure_ = cause;
  reopen_at_ = Clock::now() + absl::ToChronoNanoseconds(options_.reopen_interval);
  LOG(WARNING) << cause.message() << "; writes are refused until the disk takes them again";
  return failure_;
}

absl::Status RocksDbEngine::Reopen() {
  RETURN_IF_ERROR(CheckTakesWrites(options_));
  if (database_ != nullptr) {
    // One opening at a time: a read under way, perhaps our own caller's Scan, holds this one.
    if (database_.use_count() > 1) return failure_;
    if (!restore_.has_value()) {
      ASSIGN_OR_RETURN(restore_, UnsyncedValues());
    }
    database_.reset();
  }
  ASSIGN_OR_RETURN(std::shared_ptr<RocksDbDatabase> database, RocksDbDatabase::Open(options_));
  RETURN_IF_ERROR(database->Write(*restore_, /*sync=*/true));
  database_ = std::move(database);
  restore_.reset();
  unsynced_.clear();
  return absl::OkStatus();
}

absl::StatusOr<Batch> RocksDbEngine::UnsyncedValues() {
  Batch batch;
  for (const auto& [table, key] : unsynced_) {
    const absl::StatusOr<std::string> value = database_->Get(table, key);
    if (value.ok()) {
      batch.Put(table, key, *value);
    } else if (absl::IsNotFound(value.status())) {
      batch.Delete(table, key);
    } else {
      return value.status();
    }
  }
  return batch;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenRocksDb(const RocksDbOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<RocksDbDatabase> database, RocksDbDatabase::Open(options));
  return std::make_unique<RocksDbEngine>(options, std::move(database));
}

}  // namespace trellis::storage
