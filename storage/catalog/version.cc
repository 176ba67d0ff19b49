#include "storage/catalog/version.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace trellis::storage {
namespace {

constexpr size_t kHexDigits = 16;  // Of 64 bits.

// Exactly 16 lower-case hex digits: one text for each number, so that equal means equal.
bool ParseHex64(absl::string_view text, uint64_t* value) {
  if (text.size() != kHexDigits) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isxdigit(c) && !absl::ascii_isupper(c); }) &&
         absl::SimpleHexAtoi(text, value);
}

// splitmix64: agents of all versions must agree on what it makes of a vector.
uint64_t Mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

std::string Version::ToEtag() const { return absl::StrFormat("%016x%016x", hlc, node); }

absl::StatusOr<Version> Version::FromEtag(absl::string_view etag) {
  Version version;
  if (etag.size() != 2 * kHexDigits || !ParseHex64(etag.substr(0, kHexDigits), &version.hlc) ||
      !ParseHex64(etag.substr(kHexDigits), &version.node)) {
    return absl::InvalidArgumentError(
        "etag: not one this mesh gave; use the etag of the resource as last read");
  }
  return version;
}

Version Version::FromProto(const v1::Version& proto) { return {proto.hlc(), proto.node()}; }

void Version::ToProto(v1::Version* proto) const {
  proto->set_hlc(hlc);
  proto->set_node(node);
}

Origin Origin::FromProto(const v1::Origin& proto) { return {proto.node(), proto.incarnation()}; }

void Origin::ToProto(v1::Origin* proto) const {
  proto->set_node(node);
  proto->set_incarnation(incarnation);
}

Birth Birth::FromProto(const v1::Birth& proto) {
  const Origin origin = Origin::FromProto(proto.origin());
  return {{proto.hlc(), origin.node}, origin, proto.sequence()};
}

void Birth::ToProto(v1::Birth* proto) const {
  proto->set_hlc(version.hlc);
  origin.ToProto(proto->mutable_origin());
  proto->set_sequence(sequence);
}

uint64_t VersionVector::head(const Origin& origin) const {
  const auto it = heads_.find(origin);
  return it == heads_.end() ? 0 : it->second;
}

void VersionVector::Advance(const Origin& origin, uint64_t head) {
  if (head == 0) return;
  uint64_t& held = heads_[origin];
  if (head <= held) return;
  hash_ += Share(origin, head) - Share(origin, held);
  held = head;
}

void VersionVector::Reset(const Origin& origin, uint64_t head) {
  hash_ -= Share(origin, this->head(origin));
  heads_.erase(origin);
  Advance(origin, head);
}

bool VersionVector::Covers(const VersionVector& other) const {
  return std::all_of(other.heads_.begin(), other.heads_.end(),
                     [this](const auto& entry) { return head(entry.first) >= entry.second; });
}

uint64_t VersionVector::Missing(const VersionVector& other) const {
  uint64_t missing = 0;
  for (const auto& [origin, theirs] : other.heads_) {
    const uint64_t ours = head(origin);
    if (theirs <= ours) continue;
    // Saturates: a peer may claim any head.
    if (__builtin_add_overflow(missing, theirs - ours, &missing)) return UINT64_MAX;
  }
  return missing;
}

uint64_t VersionVector::Share(const Origin& origin, uint64_t head) {
  if (head == 0) return 0;
  return Mix(Mix(Mix(origin.node) ^ origin.incarnation) ^ head);
}

VersionVector VersionVector::FromProto(const v1::VersionVector& proto) {
  VersionVector vector;
  for (const v1::OriginHead& head : proto.heads()) {
    vector.Advance(Origin::FromProto(head.origin()), head.head());
    if (vector.heads_.size() >= kMaxOrigins) break;
  }
  return vector;
}

void VersionVector::ToProto(v1::VersionVector* proto) const {
  proto->Clear();
  for (const auto& [origin, head] : heads_) {
    v1::OriginHead* item = proto->add_heads();
    origin.ToProto(item->mutable_origin());
    item->set_head(head);
  }
}

std::string MeshToken::ToString() const {
  return absl::StrFormat("%016x-%016x-%016x", origin.node, origin.incarnation, sequence);
}

absl::StatusOr<MeshToken> MeshToken::Parse(absl::string_view text) {
  MeshToken token;
  constexpr size_t kTextSize = 3 * kHexDigits + 2;
  if (text.size() != kTextSize || text[kHexDigits] != '-' || text[2 * kHexDigits + 1] != '-' ||
      !ParseHex64(text.substr(0, kHexDigits), &token.origin.node) ||
      !ParseHex64(text.substr(kHexDigits + 1, kHexDigits), &token.origin.incarnation) ||
      !ParseHex64(text.substr(2 * (kHexDigits + 1)), &token.sequence)) {
    return absl::InvalidArgumentError(
        "mesh_token: not one this mesh gave; use the mesh_token of a write's answer");
  }
  return token;
}

}  // namespace trellis::storage
