// The engine in memory: for tests and simulation, with a disk's misfortunes on demand.
//
//   MemoryEngine engine;
//   engine.FailWrites(absl::UnavailableError("disk full"));
//   engine.CrashKeeping(0);  // A power cut: unsynced writes are gone, synced ones stay.
//   engine.Corrupt();        // A bit flips somewhere: reads find a checksum that does not fit.
#ifndef TRELLIS_STORAGE_ENGINE_MEMORY_ENGINE_H_
#define TRELLIS_STORAGE_ENGINE_MEMORY_ENGINE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/sync/mutex.h"
#include "storage/engine/engine.h"

namespace trellis::storage {

class MemoryEngine final : public Engine {
 public:
  absl::StatusOr<std::string> Get(Table table, absl::string_view key) override;
  absl::Status Scan(
      Table table, absl::string_view begin, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) override;
  absl::Status Write(const Batch& batch, Durability durability) override;
  absl::Status Sync() override;

  // --- What a disk may do ----------------------------------------------------------------------

  // After `allowed` more writes, each gives `status` and changes nothing; OK ends it.
  void FailWrites(absl::Status status, size_t allowed = 0);
  // While it lies, syncs do nothing and say that they did.
  void LieAboutSyncs(bool lie);
  // From now on reads give DATA_LOSS, for ever.
  void Corrupt();
  // A power cut that keeps the first `unsynced` of the unsynced writes, as a disk that wrote part
  // of its cache does.
  void CrashKeeping(size_t unsynced);
  size_t unsynced_writes() const;

  // A copy of all it holds; and that copy put back, as from a backup. The copy counts as synced.
  using Rows = std::map<std::string, std::string, std::less<>>;
  using Image = std::map<Table, Rows>;
  Image TakeImage() const;
  void RestoreImage(Image image);

 private:
  // Takes one write back: the earlier state of each key it touched, latest first.
  using Undo = std::vector<Batch::Operation>;

  mutable Mutex mutex_;
  Image tables_ ABSL_GUARDED_BY(mutex_);
  std::deque<Undo> unsynced_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  size_t allowed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool lying_ ABSL_GUARDED_BY(mutex_) = false;
  bool corrupt_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_MEMORY_ENGINE_H_
