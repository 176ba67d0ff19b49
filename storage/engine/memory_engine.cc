#include "storage/engine/memory_engine.h"

#include <algorithm>
#include <utility>

namespace trellis::storage {
namespace {

void Perform(const Batch::Operation& operation,
             std::map<std::string, std::string, std::less<>>& rows) {
  if (operation.is_delete) {
    rows.erase(operation.key);
  } else {
    rows[operation.key] = operation.value;
  }
}

absl::Status ChecksumMismatch() {
  return absl::DataLossError("memory: a block's checksum does not fit its content");
}

}  // namespace

absl::StatusOr<std::string> MemoryEngine::Get(Table table, absl::string_view key) {
  MutexLock lock(mutex_);
  if (corrupt_) return ChecksumMismatch();
  const Rows& rows = tables_[table];
  const auto it = rows.find(std::string(key));
  if (it == rows.end()) return absl::NotFoundError("no such key");
  return it->second;
}

absl::Status MemoryEngine::Scan(
    Table table, absl::string_view begin, absl::string_view end,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) {
  // A copy, so that `visit` may call the engine and sees one state.
  std::vector<std::pair<std::string, std::string>> rows;
  {
    MutexLock lock(mutex_);
    if (corrupt_) return ChecksumMismatch();
    const Rows& all = tables_[table];
    for (auto it = all.lower_bound(std::string(begin)); it != all.end(); ++it) {
      if (!end.empty() && it->first >= end) break;
      rows.push_back(*it);
    }
  }
  for (const auto& [key, value] : rows) {
    if (!visit(key, value)) break;
  }
  return absl::OkStatus();
}

absl::Status MemoryEngine::Write(const Batch& batch, Durability durability) {
  MutexLock lock(mutex_);
  if (!failure_.ok()) {
    if (allowed_ == 0) return failure_;
    --allowed_;
  }
  Undo undo;
  for (const Batch::Operation& operation : batch.operations()) {
    Rows& rows = tables_[operation.table];
    const auto before = rows.find(operation.key);
    const bool absent = before == rows.end();
    undo.push_back(
        {operation.table, operation.key, absent ? std::string() : before->second, absent});
    Perform(operation, rows);
  }
  std::reverse(undo.begin(), undo.end());
  // One log for all: syncing this write syncs those before it.
  if (durability == Durability::kSynced && !lying_) {
    unsynced_.clear();
  } else {
    unsynced_.push_back(std::move(undo));
  }
  return absl::OkStatus();
}

absl::Status MemoryEngine::Sync() {
  MutexLock lock(mutex_);
  if (!failure_.ok() && allowed_ == 0) return failure_;
  if (!lying_) unsynced_.clear();
  return absl::OkStatus();
}

void MemoryEngine::FailWrites(absl::Status status, size_t allowed) {
  MutexLock lock(mutex_);
  failure_ = std::move(status);
  allowed_ = allowed;
}

void MemoryEngine::LieAboutSyncs(bool lie) {
  MutexLock lock(mutex_);
  lying_ = lie;
}

void MemoryEngine::Corrupt() {
  MutexLock lock(mutex_);
  corrupt_ = true;
}

void MemoryEngine::CrashKeeping(size_t unsynced) {
  MutexLock lock(mutex_);
  while (unsynced_.size() > unsynced) {
    for (const Batch::Operation& operation : unsynced_.back()) {
      Perform(operation, tables_[operation.table]);
    }
    unsynced_.pop_back();
  }
  unsynced_.clear();
}

size_t MemoryEngine::unsynced_writes() const {
  MutexLock lock(mutex_);
  return unsynced_.size();
}

MemoryEngine::Image MemoryEngine::TakeImage() const {
  MutexLock lock(mutex_);
  return tables_;
}

void MemoryEngine::RestoreImage(Image image) {
  MutexLock lock(mutex_);
  tables_ = std::move(image);
  unsynced_.clear();
}

}  // namespace trellis::storage
