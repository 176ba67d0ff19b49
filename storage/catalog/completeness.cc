// Whether all that the mesh held when this folder was made has arrived, and when that was last seen
// to be so.
//
// Decision 18.
#include "base/log/log.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"

namespace trellis::storage {
namespace {

// An idle agent writes no more often than this.
constexpr absl::Duration kAgreedInterval = absl::Seconds(30);

}  // namespace

absl::Status CatalogImpl::LoadCompleteness() {
  const absl::StatusOr<std::string> partial = engine_.Get(Table::kMeta, kPartialKey);
  if (!partial.ok() && !absl::IsNotFound(partial.status())) return partial.status();
  whole_ = !partial.ok();
  const absl::StatusOr<std::string> agreed = engine_.Get(Table::kMeta, kAgreedKey);
  if (absl::IsNotFound(agreed.status())) return absl::OkStatus();
  RETURN_IF_ERROR(agreed.status());
  uint64_t millis = 0;
  if (!DecodeNumber(*agreed, &millis)) return Unreadable("meta", kAgreedKey, "not a number");
  agreed_ = agreed_stored_ = absl::FromUnixMillis(static_cast<int64_t>(millis));
  return absl::OkStatus();
}

absl::Status CatalogImpl::SetWhole() {
  if (whole_) return absl::OkStatus();
  Batch batch;
  batch.Delete(Table::kMeta, kPartialKey);
  RETURN_IF_ERROR(engine_.Write(batch, Durability::kSynced));
  whole_ = true;
  Applied applied;
  applied.whole = true;
  notifying_ = true;
  for (auto& listener : listeners_) listener(applied);
  notifying_ = false;
  return absl::OkStatus();
}

void CatalogImpl::NoteAgreed(absl::Time now) {
  agreed_ = now;
  // A clock may have been set back.
  if (absl::AbsDuration(now - agreed_stored_) < kAgreedInterval) return;
  agreed_stored_ = now;
  Batch batch;
  batch.Put(Table::kMeta, kAgreedKey,
            EncodeNumber(static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(now), 0))));
  const absl::Status status = engine_.Write(batch, Durability::kBuffered);
  // Only shown to people: after a restart an older moment is.
  if (!status.ok()) LOG(WARNING) << "catalog: " << status;
}

}  // namespace trellis::storage
