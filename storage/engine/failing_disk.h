// A disk for RocksDB that runs full, fails to sync and comes back, over the real one.
//
//   FailingDisk disk;
//   auto engine = OpenRocksDb({.folder = folder, .env = disk.env()});
//   disk.FillAfter(1000);  // The write that crosses 1000 more bytes is torn and fails.
//   disk.Heal();
#ifndef TRELLIS_STORAGE_ENGINE_FAILING_DISK_H_
#define TRELLIS_STORAGE_ENGINE_FAILING_DISK_H_

#include <cstddef>
#include <memory>

namespace rocksdb {
class Env;
}

namespace trellis::storage {

// Thread-safety: any thread.
class FailingDisk {
 public:
  FailingDisk();
  ~FailingDisk();

  rocksdb::Env* env();

  // Until Heal: after `bytes` more, appending fails with what fitted written, and so does making
  // files, truncating and syncing them.
  void FillAfter(size_t bytes);
  // Until Heal: syncs fail, and take what was appended since the last sync with them, as Linux's
  // cache does.
  void FailSyncs();
  void Heal();

 private:
  class FileSystem;
  std::shared_ptr<FileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_FAILING_DISK_H_
