#include "storage/catalog/seal.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "storage/catalog/authorship.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/keys.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

// The NUL ends the label: no other kind of statement by these keys begins alike.
constexpr absl::string_view kLabel("trellis transaction 1\0", 22);

std::string Describe(const v1::Delta& delta, uint64_t sequence, absl::string_view problem) {
  return absl::StrCat("delta of ", resource::AgentName(delta.origin().node()), ": transaction ",
                      sequence, ": ", problem);
}

absl::Status CheckForm(const v1::Delta& delta, const v1::Seal& seal, uint64_t previous) {
  const absl::string_view problem =
      seal.sequence() <= previous                              ? "its seal is out of order or range"
      : seal.sequence() > delta.up_to()                        ? "its seal is beyond the delta"
      : seal.entry_sha256().empty()                            ? "a seal over nothing"
      : EntryCount(seal) > kMaxTransaction                     ? "a seal over too many entries"
      : seal.entry_sha256().size() % crypto::kSha256Bytes != 0 ? "its hashes are cut short"
      : seal.signature().size() != kSignatureBytes             ? "its signature is not 64 bytes"
                                                               : "";
  if (problem.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(Describe(delta, seal.sequence(), problem));
}

bool Seals(const v1::Seal& seal, const v1::Entry& entry, const EntryHash& hash) {
  return entry.index() < EntryCount(seal) &&
         std::memcmp(seal.entry_sha256().data() + size_t{entry.index()} * crypto::kSha256Bytes,
                     hash.data(), crypto::kSha256Bytes) == 0;
}

}  // namespace

EntryHash HashEntry(const v1::Entry& entry) { return HashEncodedEntry(entry.SerializeAsString()); }

EntryHash HashEncodedEntry(absl::string_view encoded) { return crypto::Sha256(encoded); }

absl::uint128 RootShare(const EntryHash& hash) {
  absl::uint128 share = 0;
  for (size_t i = 0; i < 16; ++i) share = share << 8 | hash[i];
  return share;
}

std::string SignedBytes(const SealScope& scope, const Origin& origin, const v1::Seal& seal) {
  return absl::StrCat(kLabel, scope.mesh_id, EncodeNumber(scope.cluster_epoch),
                      EncodeNumber(origin.node), EncodeNumber(origin.incarnation),
                      EncodeNumber(seal.sequence()), seal.entry_sha256());
}

absl::Status CheckSeals(const v1::Delta& delta, const std::vector<EntryHash>& hashes) {
  int next = 0;
  uint64_t previous = delta.after();
  for (const v1::Seal& seal : delta.seals()) {
    const absl::Status form = CheckForm(delta, seal, previous);
    if (!form.ok()) return form;
    previous = seal.sequence();
    bool needed = seal.sequence() == delta.up_to();
    for (; next < delta.entries_size() && delta.entries(next).sequence() == seal.sequence();
         ++next) {
      if (!Seals(seal, delta.entries(next), hashes[next])) {
        return absl::UnauthenticatedError(
            Describe(delta, seal.sequence(), "an entry is not the one that was sealed"));
      }
      needed = true;
    }
    if (!needed) {
      return absl::InvalidArgumentError(
          Describe(delta, seal.sequence(), "a seal without an entry"));
    }
  }
  if (next < delta.entries_size()) {
    return absl::UnauthenticatedError(
        Describe(delta, delta.entries(next).sequence(), "an entry without a seal"));
  }
  if (delta.up_to() > delta.after() && previous != delta.up_to()) {
    return absl::UnauthenticatedError(
        Describe(delta, delta.up_to(), "nothing proves that its author wrote up to there"));
  }
  return absl::OkStatus();
}

}  // namespace trellis::storage
