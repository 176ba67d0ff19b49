// The ordered key-value seam under the catalog: RocksDB in production, memory in tests.
//
// One test suite (engine_test.cc) runs over every implementation.
#ifndef TRELLIS_STORAGE_ENGINE_ENGINE_H_
#define TRELLIS_STORAGE_ENGINE_ENGINE_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::storage {

// Separate key spaces, one RocksDB column family each. Formats: docs/formats/storage.md.
enum class Table {
  kMeta,      // Identity, clock bound, version vector, certificates.
  kEntries,   // Resource name -> Entry.
  kByOrigin,  // (origin, sequence, index) -> resource name.
  kSeals,     // (origin, sequence) -> Seal.
  kSiblings,  // (origin, sequence, index) -> Entry.
  kReplaced,  // Resource name, NUL, hlc, (origin, sequence, index) -> Replaced.
};
inline constexpr Table kTables[] = {Table::kMeta,  Table::kEntries,  Table::kByOrigin,
                                    Table::kSeals, Table::kSiblings, Table::kReplaced};

// Puts and deletes that happen together or not at all, in order.
class Batch {
 public:
  struct Operation {
    Table table;
    std::string key;
    std::string value;
    bool is_delete = false;
  };

  void Put(Table table, absl::string_view key, absl::string_view value) {
    operations_.push_back({table, std::string(key), std::string(value), false});
  }
  void Delete(Table table, absl::string_view key) {
    operations_.push_back({table, std::string(key), std::string(), true});
  }
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  std::vector<Operation> operations_;
};

enum class Durability {
  kSynced,    // Survives a power cut once Write returned OK.
  kBuffered,  // Survives a crash of the process; a power cut may take a suffix of such writes.
};

// Errors of all methods: UNAVAILABLE (disk full or I/O error; later calls may succeed) and
// DATA_LOSS (corrupt; the message names the folder and what to do).
//
// Thread-safety: any thread, any method.
class Engine {
 public:
  virtual ~Engine() = default;

  // NOT_FOUND when there is no such key.
  virtual absl::StatusOr<std::string> Get(Table table, absl::string_view key) = 0;

  // Calls `visit(key, value)` for keys in [begin, end) in byte order until it returns false. An
  // empty `end` means no end. The views live for the call only. Sees one consistent state.
  virtual absl::Status Scan(
      Table table, absl::string_view begin, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) = 0;

  // All or nothing, also across tables and over a crash. After an error nothing was written, except
  // that a process which ends before a later write succeeded may find the batch at its next start.
  virtual absl::Status Write(const Batch& batch, Durability durability) = 0;

  // Makes all buffered writes durable.
  virtual absl::Status Sync() = 0;
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_ENGINE_H_
