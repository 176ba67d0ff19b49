// How far a database's writes were acknowledged as durable, in a file beside its own.
//
// RocksDB takes a log that is missing, cut short, or damaged in a length for one that ended there,
// and a manifest likewise. This number tells: a database that ends before it lost writes.
//
// The number is written in place, without a sync, after the log was synced: it may be older than
// the truth after a power cut, never newer. Format: 20 decimal digits and a newline.
#ifndef TRELLIS_STORAGE_ENGINE_ACKNOWLEDGED_H_
#define TRELLIS_STORAGE_ENGINE_ACKNOWLEDGED_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace trellis::storage {

// Thread-safety: one thread at a time.
class AcknowledgedFile {
 public:
  // What the file of `folder` says; none when there is no file, or one that was being made.
  //   DATA_LOSS  it is not a number
  static absl::StatusOr<std::optional<uint64_t>> Read(const std::string& folder);

  AcknowledgedFile() = default;
  ~AcknowledgedFile();
  AcknowledgedFile(const AcknowledgedFile&) = delete;
  AcknowledgedFile& operator=(const AcknowledgedFile&) = delete;

  // Opens the file of `folder`, or makes it, on disk when this returns.
  absl::Status Open(const std::string& folder, uint64_t number);
  // Errors are ignored: an older number is still true.
  void Advance(uint64_t number);

 private:
  int fd_ = -1;
  uint64_t number_ = 0;
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_ACKNOWLEDGED_H_
