// One opening of a RocksDB database: its options, what is checked before it is opened, and its
// errors as Status. What to do about an error is the engine's affair.
#ifndef TRELLIS_STORAGE_ENGINE_ROCKSDB_DATABASE_H_
#define TRELLIS_STORAGE_ENGINE_ROCKSDB_DATABASE_H_

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine/acknowledged.h"
#include "storage/engine/engine.h"
#include "storage/engine/rocksdb_engine.h"

namespace trellis::storage {

class BackgroundFailure;

// Thread-safety: Get and Scan any thread; Write and Sync one at a time.
class RocksDbDatabase {
 public:
  // Errors as of OpenRocksDb. After DATA_LOSS the files are as they were.
  static absl::StatusOr<std::shared_ptr<RocksDbDatabase>> Open(const RocksDbOptions& options);
  ~RocksDbDatabase();

  absl::StatusOr<std::string> Get(Table table, absl::string_view key);
  absl::Status Scan(Table table, absl::string_view begin, absl::string_view end,
                    absl::FunctionRef<bool(absl::string_view, absl::string_view)> visit);
  // After an error of either, neither may be called again: RocksDB asserts that a log that failed
  // is left alone.
  absl::Status Write(const Batch& batch, bool sync);
  absl::Status Sync();

  // What flushing or compacting met. Writes must end then: they would stall, waiting for it.
  absl::Status background_failure() const;

 private:
  explicit RocksDbDatabase(std::string folder);

  rocksdb::ColumnFamilyHandle* Family(Table table) const {
    return families_[static_cast<size_t>(table) + 1];  // 0 is RocksDB's default family.
  }
  absl::Status Convert(const rocksdb::Status& status) const;

  const std::string folder_;
  const std::shared_ptr<BackgroundFailure> background_failure_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  AcknowledgedFile acknowledged_;
  bool failed_ = false;  // A write or sync was: its log cannot close cleanly.
};

// Whether the folder's disk takes what opening a database there writes: room, and a trial.
// UNAVAILABLE with the reason.
absl::Status CheckTakesWrites(const RocksDbOptions& options);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_ROCKSDB_DATABASE_H_
