#include "storage/engine/failing_disk.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/sync/mutex.h"

namespace trellis::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr size_t kEndless = std::numeric_limits<size_t>::max();

}  // namespace

class FailingDisk::FileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FileSystem() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FailingDisk"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override;

  void Set(size_t free, bool syncs_fail) {
    MutexLock lock(mutex_);
    free_ = free;
    syncs_fail_ = syncs_fail;
  }
  // How many of `wanted` bytes fit, which are taken.
  size_t Take(size_t wanted) {
    MutexLock lock(mutex_);
    if (free_ == kEndless) return wanted;
    const size_t taken = std::min(wanted, free_);
    free_ -= taken;
    return taken;
  }
  bool full() const {
    MutexLock lock(mutex_);
    return free_ == 0;
  }
  bool syncs_fail() const {
    MutexLock lock(mutex_);
    return syncs_fail_;
  }
  static IOStatus NoSpace(const std::string& path) {
    IOStatus status = IOStatus::NoSpace("No space left on the failing disk", path);
    status.SetRetryable(true);  // As of the real file system.
    return status;
  }

 private:
  mutable Mutex mutex_;
  size_t free_ ABSL_GUARDED_BY(mutex_) = kEndless;
  bool syncs_fail_ ABSL_GUARDED_BY(mutex_) = false;
};

namespace {

template <typename Disk>
class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, Disk& disk, std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    const size_t fits = disk_.Take(data.size());
    size_ += fits;
    IOStatus status = target()->Append(rocksdb::Slice(data.data(), fits), options, debug);
    if (status.ok() && fits < data.size()) status = Disk::NoSpace(path_);
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    if (disk_.full()) return Disk::NoSpace(path_);
    size_ = size;
    return target()->Truncate(size, options, debug);
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    if (disk_.full()) return Disk::NoSpace(path_);
    return target()->Flush(options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return SyncFile(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return SyncFile(options, debug);
  }

 private:
  // The tests lose no power, so a sync that works has nothing to do.
  IOStatus SyncFile(const IOOptions& options, IODebugContext* debug) {
    if (disk_.full()) return Disk::NoSpace(path_);
    if (disk_.syncs_fail()) {
      size_ = synced_;
      target()->Truncate(synced_, options, debug).PermitUncheckedError();
      return IOStatus::IOError("the failing disk does not sync", path_);
    }
    synced_ = size_;
    return IOStatus::OK();
  }

  Disk& disk_;
  const std::string path_;
  uint64_t size_ = 0;
  uint64_t synced_ = 0;
};

}  // namespace

IOStatus FailingDisk::FileSystem::NewWritableFile(const std::string& path,
                                                  const rocksdb::FileOptions& options,
                                                  std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                  IODebugContext* debug) {
  if (full()) return NoSpace(path);
  std::unique_ptr<rocksdb::FSWritableFile> real;
  IOStatus status = target()->NewWritableFile(path, options, &real, debug);
  if (status.ok()) *file = std::make_unique<File<FileSystem>>(std::move(real), *this, path);
  return status;
}

FailingDisk::FailingDisk()
    : files_(std::make_shared<FileSystem>()), env_(rocksdb::NewCompositeEnv(files_)) {}
FailingDisk::~FailingDisk() = default;

rocksdb::Env* FailingDisk::env() { return env_.get(); }
void FailingDisk::FillAfter(size_t bytes) { files_->Set(bytes, false); }
void FailingDisk::FailSyncs() { files_->Set(kEndless, true); }
void FailingDisk::Heal() { files_->Set(kEndless, false); }

}  // namespace trellis::storage
