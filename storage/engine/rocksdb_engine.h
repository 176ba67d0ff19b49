// The engine on disk: RocksDB, one column family a table, one write-ahead log over all.
//
// Spec: gossip-design 3.6. Corrupt files are never repaired in place, because repair can drop
// writes silently: the error says to move the folder aside and rejoin.
#ifndef TRELLIS_STORAGE_ENGINE_ROCKSDB_ENGINE_H_
#define TRELLIS_STORAGE_ENGINE_ROCKSDB_ENGINE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/engine/engine.h"

namespace trellis::storage {

struct RocksDbOptions {
  // Made when missing; its parent must exist. One engine at a time.
  std::string folder;
  // Of each table, before it is written to a file. More: fewer, larger files.
  size_t write_buffer_bytes = 4 << 20;
  // Of blocks read, over all tables. The catalog keeps resources itself, so little is read.
  size_t block_cache_bytes = 8 << 20;
};

// Opens, or makes, the database. A log torn by a power cut loses its torn end only.
//   FAILED_PRECONDITION  another process has it open
//   DATA_LOSS            its files are corrupt or missing
//   UNAVAILABLE          no space, no permission, I/O error
absl::StatusOr<std::unique_ptr<Engine>> OpenRocksDb(const RocksDbOptions& options);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_ROCKSDB_ENGINE_H_
