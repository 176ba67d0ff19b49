// Versions, origins and version vectors: the catalog's notion of when and how far.
//
// Spec: gossip-design 2.6 (clock), 3.3 (vectors). A hybrid logical clock is 48 bits of Unix
// milliseconds above 16 bits of counter, so comparing the integers compares the clocks.
#ifndef TRELLIS_STORAGE_CATALOG_VERSION_H_
#define TRELLIS_STORAGE_CATALOG_VERSION_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/trellis/storage/v1/entry.pb.h"

namespace trellis::storage {

using NodeId = uint64_t;

// More origins than this in one vector is not a mesh but an attack: FromProto drops the rest.
inline constexpr size_t kMaxOrigins = 100000;

struct Version {
  uint64_t hlc = 0;
  NodeId node = 0;

  auto operator<=>(const Version&) const = default;
  bool is_none() const { return hlc == 0; }
  absl::Time time() const { return absl::FromUnixMillis(static_cast<int64_t>(hlc >> 16)); }

  // 32 hex digits; what users see as the etag. FromEtag: INVALID_ARGUMENT.
  std::string ToEtag() const;
  static absl::StatusOr<Version> FromEtag(absl::string_view etag);

  static Version FromProto(const v1::Version& proto);
  void ToProto(v1::Version* proto) const;
};

struct Origin {
  NodeId node = 0;
  uint64_t incarnation = 0;

  auto operator<=>(const Origin&) const = default;

  static Origin FromProto(const v1::Origin& proto);
  void ToProto(v1::Origin* proto) const;
};

// For each origin: every live entry up to this sequence is held. Ordered, so that equal vectors
// have equal bytes.
class VersionVector {
 public:
  uint64_t head(const Origin& origin) const;          // 0: nothing of it is held.
  void Advance(const Origin& origin, uint64_t head);  // Never goes back.
  void Reset(const Origin& origin, uint64_t head);    // 0: nothing of it is held.
  // True when this holds everything `other` holds.
  bool Covers(const VersionVector& other) const;
  // Transactions `other` holds and this lacks.
  uint64_t Missing(const VersionVector& other) const;
  const std::map<Origin, uint64_t>& heads() const { return heads_; }
  bool operator==(const VersionVector&) const = default;
  // Equal for equal vectors, on every machine; else very likely not. The sum of all shares.
  uint64_t Hash() const { return hash_; }
  static uint64_t Share(const Origin& origin, uint64_t head);  // 0 for a head of 0.

  // Drops origins with a head of 0 and those beyond kMaxOrigins, and keeps the greater head of
  // repeated ones.
  static VersionVector FromProto(const v1::VersionVector& proto);
  void ToProto(v1::VersionVector* proto) const;

 private:
  std::map<Origin, uint64_t> heads_;
  uint64_t hash_ = 0;
};

// The write in which a resource took the name and domain that it has.
struct Birth {
  Version version;
  Origin origin;
  uint64_t sequence = 0;

  bool operator==(const Birth&) const = default;
  bool IsWithin(const VersionVector& vector) const { return sequence <= vector.head(origin); }

  static Birth FromProto(const v1::Birth& proto);
  void ToProto(v1::Birth* proto) const;
};

// A write's receipt: the origin and sequence an agent must hold to have seen it. Users carry it as
// an opaque string ("mesh token").
struct MeshToken {
  Origin origin;
  uint64_t sequence = 0;

  std::string ToString() const;
  // INVALID_ARGUMENT.
  static absl::StatusOr<MeshToken> Parse(absl::string_view text);
};

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_CATALOG_VERSION_H_
