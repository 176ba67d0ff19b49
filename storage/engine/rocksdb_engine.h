// The engine on disk: RocksDB, one column family a table, one write-ahead log over all.
//
// Spec: gossip-design 3.6. Corrupt files are never repaired in place, because repair can drop
// writes silently: the error says to move the folder aside and start again.
//
// A write or sync that fails (disk full, I/O error) latches the engine: writes and Sync answer the
// reason at once and leave the database alone, whose log is in an unknown state; reads go on. At
// most once a `reopen_interval`, a write or Sync looks whether the disk takes writes again; then
// the database is closed and opened, and what may differ from what was acknowledged since the last
// sync (the failed batch reached the log all the same; buffered writes were lost with the cache) is
// put back before anything else happens. So no acknowledged write is lost, and a refused one is
// gone once writes succeed again. Only a process that ends while latched may find the refused batch
// at its next start: whole, and never a write that came after it. Reads answer UNAVAILABLE too only
// when the disk took the trial and then failed the opening.
#ifndef TRELLIS_STORAGE_ENGINE_ROCKSDB_ENGINE_H_
#define TRELLIS_STORAGE_ENGINE_ROCKSDB_ENGINE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine/engine.h"

namespace rocksdb {
class Env;
}

namespace trellis::storage {

struct RocksDbOptions {
  // Made when missing; its parent must exist. One engine at a time.
  std::string folder;
  // Of each table, before it is written to a file; of all tables, and of the log that is read when
  // the database is opened, twice as much. More: fewer, larger files.
  size_t write_buffer_bytes = 4 << 20;
  // Of blocks read, over all tables. The catalog keeps resources itself, so little is read.
  size_t block_cache_bytes = 8 << 20;
  // Between attempts to write again after a failure.
  absl::Duration reopen_interval = absl::Seconds(1);
  // For tests: a disk that fails. Null is the system's. Borrowed.
  rocksdb::Env* env = nullptr;
};

// Opens, or makes, the database. A log torn by a crash loses its torn end only. What was
// acknowledged as durable must be there: the file ACKNOWLEDGED in the folder holds the number of
// the last such write, and a database that ends before it is refused, untouched.
//   FAILED_PRECONDITION  another process has it open
//   DATA_LOSS            its files are corrupt or missing
//   UNAVAILABLE          no space, no permission, I/O error
absl::StatusOr<std::unique_ptr<Engine>> OpenRocksDb(const RocksDbOptions& options);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_ROCKSDB_ENGINE_H_
