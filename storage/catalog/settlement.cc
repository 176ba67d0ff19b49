// Settled claims: an entry says which, and lasts.
//
// A settlement is an entry like others. Its payload is a vector: the claims that were made within
// it hold against all others. Decision 15 says why no two settlements contradict each other.
#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"
#include "storage/catalog/claims.h"

namespace trellis::storage {

void CatalogImpl::SetSettled() {
  settled_ = VersionVector();
  for (const Stored& settlement : Held(kClaimsKey)) {
    if (!settlement.settles) continue;
    for (const auto& [origin, head] : settlement.bound->heads()) settled_.Advance(origin, head);
  }
}

absl::StatusOr<MeshToken> CatalogImpl::SettleClaims() {
  const VersionVector next = NextSettled(ClaimsIn(*this), settled_);
  if (settled_.Covers(next)) return MeshToken{origin_, vector_.head(origin_)};
  v1::VersionVector payload;
  next.ToProto(&payload);
  const std::string key(kClaimsKey);
  v1::Entry entry = BeginEntry(key, v1::SETTLE, {NextHlc({Change{.name = key}}), origin_.node}, {});
  entry.set_payload(payload.SerializeAsString());
  return CommitEntries({std::move(entry)});
}

}  // namespace trellis::storage
