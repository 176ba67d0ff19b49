// Keys of the catalog's tables. The format on disk: docs/formats/storage.md.
#ifndef TRELLIS_STORAGE_CATALOG_KEYS_H_
#define TRELLIS_STORAGE_CATALOG_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/catalog/version.h"

namespace trellis::storage {

// Of Table::kMeta.
inline constexpr absl::string_view kIdentityKey = "identity";   // A serialized v1::Identity.
inline constexpr absl::string_view kHlcBoundKey = "hlc_bound";  // No version above it was issued.
inline constexpr absl::string_view kHeadPrefix = "head/";       // One a origin: its head.

std::string HeadKey(const Origin& origin);
bool ParseHeadKey(absl::string_view key, Origin* origin);

// Of Table::kByOrigin: which entry of which transaction of which origin. Big-endian, so that
// byte order is numeric order.
struct OriginKey {
  Origin origin;
  uint64_t sequence = 0;
  uint32_t index = 0;  // Tells entries of one transaction apart; local to this folder.

  bool operator==(const OriginKey&) const = default;
  std::string Encode() const;
  static bool Decode(absl::string_view key, OriginKey* result);
};

// Numbers as values: 8 bytes, big-endian.
std::string EncodeNumber(uint64_t number);
bool DecodeNumber(absl::string_view text, uint64_t* number);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_KEYS_H_
