// What makes a transaction its author's: the bytes that are hashed and signed, and whether a delta
// brings proof of all it says. Pure: keys and catalog state are the callers'.
//
// Decision: docs/decisions/0009-signed-transactions.md. Bytes: docs/formats/wire.md.
#ifndef TRELLIS_STORAGE_CATALOG_SEAL_H_
#define TRELLIS_STORAGE_CATALOG_SEAL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/crypto/digest.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "storage/catalog/version.h"

namespace trellis::storage {

// SHA-256 of the entry's encoding: fields in order of their numbers, defaults left out.
using EntryHash = std::array<uint8_t, crypto::kSha256Bytes>;

EntryHash HashEntry(const v1::Entry& entry);
EntryHash HashEncodedEntry(absl::string_view encoded);
// An entry's share of the catalog's root: the first 128 bits of its hash.
absl::uint128 RootShare(const EntryHash& hash);

// What every signature of one mesh begins with.
struct SealScope {
  std::string mesh_id;  // 16 bytes.
  uint64_t cluster_epoch = 1;
};

std::string SignedBytes(const SealScope& scope, const Origin& origin, const v1::Seal& seal);

// How many entries the transaction had when it was written.
inline size_t EntryCount(const v1::Seal& seal) {
  return seal.entry_sha256().size() / crypto::kSha256Bytes;
}

// Whether every entry of `delta` is in a seal of it, at its index, and its end is a seal.
// `hashes` are the entries', in their order; the delta's shape was checked.
//   INVALID_ARGUMENT  a seal is not of its form, out of order, or without need
//   UNAUTHENTICATED   an entry, or the end, is not what a seal says; the message names the author
absl::Status CheckSeals(const v1::Delta& delta, const std::vector<EntryHash>& hashes);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_SEAL_H_
