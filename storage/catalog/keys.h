// Keys of the catalog's tables. The format on disk: docs/formats/storage.md.
#ifndef TRELLIS_STORAGE_CATALOG_KEYS_H_
#define TRELLIS_STORAGE_CATALOG_KEYS_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "storage/catalog/version.h"

namespace trellis::storage {

// Of Table::kMeta.
inline constexpr absl::string_view kIdentityKey = "identity";   // A serialized v1::Identity.
inline constexpr absl::string_view kSumKey = "sum";             // Root (16) and vector's hash (8).
inline constexpr absl::string_view kReviewKey = "review";       // A serialized v1::Review.
inline constexpr absl::string_view kHlcBoundKey = "hlc_bound";  // No version above it was issued.
inline constexpr absl::string_view kPartialKey = "partial";     // There until the catalog is whole.
inline constexpr absl::string_view kAgreedKey = "agreed";       // Milliseconds: Catalog::agreed().
inline constexpr absl::string_view kHeadPrefix = "head/";       // One an origin: its head.
inline constexpr absl::string_view kAuthorPrefix = "author/";   // One an origin: a certificate.
inline constexpr absl::string_view kForgottenPrefix = "forgotten/";  // One a name: a clock.

std::string HeadKey(const Origin& origin);
bool ParseHeadKey(absl::string_view key, Origin* origin);
std::string AuthorKey(const Origin& origin);
std::string ForgottenKey(absl::string_view name);

// Big-endian in what follows, so that byte order is numeric order.

// Of Table::kSeals: which transaction of which origin.
struct TransactionKey {
  Origin origin;
  uint64_t sequence = 0;

  auto operator<=>(const TransactionKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const TransactionKey& key) {
    return H::combine(std::move(state), key.origin.node, key.origin.incarnation, key.sequence);
  }
  std::string Encode() const;
  static bool Decode(absl::string_view key, TransactionKey* result);
};

// Of Table::kByOrigin and Table::kSiblings: which entry of a transaction.
struct OriginKey {
  Origin origin;
  uint64_t sequence = 0;
  uint32_t index = 0;

  auto operator<=>(const OriginKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const OriginKey& key) {
    return H::combine(std::move(state), key.transaction(), key.index);
  }
  TransactionKey transaction() const { return {origin, sequence}; }
  std::string Encode() const;
  static bool Decode(absl::string_view key, OriginKey* result);
};

// Of Table::kReplaced: the writes of one name, the oldest first. Names have no NUL.
std::string ReplacedBegin(absl::string_view name);
std::string ReplacedEnd(absl::string_view name);
std::string ReplacedKey(absl::string_view name, const Version& version, const OriginKey& write);

// Numbers as values: 8 bytes, big-endian.
std::string EncodeNumber(uint64_t number);
bool DecodeNumber(absl::string_view text, uint64_t* number);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_KEYS_H_
