#include "storage/catalog/entry_check.h"

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/siblings.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

// Beside key and payload: version, origin, context and what newer releases add.
constexpr size_t kMaxEntryBytes = kMaxPayloadBytes + 8 * 1024;
constexpr uint64_t kMaxSequence = uint64_t{1} << 62;  // Leaves room to add without overflow.
constexpr size_t kShownBytes = 100;                   // Of a key, in messages.

std::string Describe(const v1::Entry& entry, absl::string_view problem) {
  return absl::StrCat("entry \"", absl::CHexEscape(entry.key().substr(0, kShownBytes)), "\" of ",
                      resource::AgentName(entry.origin().node()), ": ", problem);
}

absl::Status Malformed(const v1::Entry& entry, absl::string_view problem) {
  return absl::InvalidArgumentError(Describe(entry, problem));
}

// Ascending by `before`, and older than the entry: so writes never supersede each other in a
// circle.
template <typename Before>
bool AreElders(const google::protobuf::RepeatedPtrField<v1::Version>& versions,
               const v1::Entry& entry, Before before) {
  const Version own = Version::FromProto(entry.version());
  for (int i = 0; i < versions.size(); ++i) {
    const Version version = Version::FromProto(versions[i]);
    if (version.is_none() || version >= own) return false;
    if (i > 0 && !before(Version::FromProto(versions[i - 1]), version)) return false;
  }
  return true;
}

absl::Status CheckAncestry(const v1::Entry& entry) {
  if (entry.context_size() > static_cast<int>(kMaxContext) ||
      entry.open_size() > static_cast<int>(kMaxOpen)) {
    return Malformed(entry, "it names too many versions that it descends from or leaves open");
  }
  if (!AreElders(entry.context(), entry,
                 [](const Version& a, const Version& b) { return a.node < b.node; }) ||
      !AreElders(entry.open(), entry, std::less<Version>())) {
    return Malformed(entry, "what it descends from or leaves open is out of order or not older");
  }
  return absl::OkStatus();
}

absl::Status CheckFence(const v1::Entry& entry) {
  if (entry.fence().empty()) return absl::OkStatus();
  if (!IsEviction(entry)) return Malformed(entry, "a fence on what is no eviction");
  if (entry.fence_size() > static_cast<int>(kMaxFence)) {
    return Malformed(entry, "a fence around too many origins");
  }
  const v1::OriginHead* previous = nullptr;
  for (const v1::OriginHead& head : entry.fence()) {
    const Origin origin = Origin::FromProto(head.origin());
    if (resource::AgentName(origin.node) != entry.key() || head.head() == 0) {
      return Malformed(entry, "its fence is around another agent, or nothing");
    }
    if (previous != nullptr && origin <= Origin::FromProto(previous->origin())) {
      return Malformed(entry, "its fence is out of order");
    }
    previous = &head;
  }
  return absl::OkStatus();
}

absl::Status CheckBirth(const v1::Entry& entry) {
  if (!entry.has_birth()) return absl::OkStatus();
  const Birth birth = Birth::FromProto(entry.birth());
  if (entry.operation() != v1::PUT || birth.version.is_none() || birth.sequence == 0 ||
      birth.sequence > kMaxSequence || birth.version >= Version::FromProto(entry.version())) {
    return Malformed(entry, "a birth that is none, or not before it, or of what is no resource");
  }
  return absl::OkStatus();
}

absl::Status CheckInDelta(const v1::Delta& delta, const v1::Entry& entry, const v1::Entry* previous,
                          absl::Time now) {
  if (Origin::FromProto(entry.origin()) != Origin::FromProto(delta.origin())) {
    return Malformed(entry, "its origin is not the delta's");
  }
  if (entry.sequence() <= delta.after() || entry.sequence() > delta.up_to()) {
    return Malformed(entry, "its sequence is outside the delta");
  }
  if (previous != nullptr && std::pair(entry.sequence(), entry.index()) <=
                                 std::pair(previous->sequence(), previous->index())) {
    return Malformed(entry, "it is out of order");
  }
  if (Version::FromProto(entry.version()).time() > now + kMaxFuture) {
    // Whoever passed it on is not to blame.
    return absl::FailedPreconditionError(
        Describe(entry, absl::StrCat("its version is more than ", absl::FormatDuration(kMaxFuture),
                                     " ahead of this agent's clock; check both clocks")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ResourcePtr> CheckEntry(const v1::Entry& entry) {
  if (entry.key().empty() || entry.key().size() > resource::kMaxNameBytes) {
    return Malformed(entry, "its key is empty or too long");
  }
  if (entry.payload().size() > kMaxPayloadBytes || entry.ByteSizeLong() > kMaxEntryBytes) {
    return Malformed(entry, absl::StrCat("larger than ", kMaxPayloadBytes, " bytes"));
  }
  if (entry.version().hlc() == 0) return Malformed(entry, "it has no version");
  if (entry.version().node() != entry.origin().node()) {
    return Malformed(entry, "its version is another node's");
  }
  RETURN_IF_ERROR(CheckAncestry(entry));
  RETURN_IF_ERROR(CheckFence(entry));
  RETURN_IF_ERROR(CheckBirth(entry));
  const resource::Kind kind = resource::KindOf(entry.key());
  if (kind != resource::Kind::kUnknown && entry.merge_class() != resource::MergeClassOf(kind)) {
    return Malformed(entry, "its merge class is not its kind's");
  }
  if ((entry.operation() == v1::COLLECT) != (entry.key() == kCollectionKey)) {
    return Malformed(entry, "a collection of another key, or another write of its key");
  }
  if ((entry.operation() == v1::SETTLE) != (entry.key() == kClaimsKey)) {
    return Malformed(entry, "a settlement of another key, or another write of its key");
  }
  if (entry.operation() == v1::COLLECT || entry.operation() == v1::SETTLE) {
    v1::VersionVector vector;
    if (!vector.ParseFromString(entry.payload())) {
      return Malformed(entry, "its payload is not a version vector");
    }
    return nullptr;
  }
  if (entry.operation() == v1::DELETE) {
    if (!entry.payload().empty()) return Malformed(entry, "a delete with a payload");
    return nullptr;
  }
  if (entry.operation() != v1::PUT) return Malformed(entry, "neither a put nor a delete");
  auto parsed = std::make_shared<trellis::v1::Resource>();
  if (entry.payload().empty() || !parsed->ParseFromString(entry.payload())) {
    return Malformed(entry, "its payload is not a resource");
  }
  if (resource::ResourceName(*parsed) != entry.key() || resource::KindOf(*parsed) != kind) {
    return Malformed(entry, "its payload is another resource than its key says");
  }
  return parsed;
}

bool IsEviction(const v1::Entry& entry) {
  return entry.operation() == v1::DELETE && resource::KindOf(entry.key()) == resource::Kind::kAgent;
}

absl::StatusOr<std::vector<ResourcePtr>> CheckDelta(const v1::Delta& delta, absl::Time now) {
  const std::string author = resource::AgentName(delta.origin().node());
  if (delta.up_to() < delta.after() || delta.up_to() > kMaxSequence) {
    return absl::InvalidArgumentError(absl::StrCat("delta of ", author, ": after ", delta.after(),
                                                   " up to ", delta.up_to(), " is no range"));
  }
  if (delta.collections_size() > static_cast<int>(kMaxSiblings)) {
    return absl::InvalidArgumentError(
        absl::StrCat("delta of ", author, ": more than ", kMaxSiblings, " collections"));
  }
  if (delta.entries_size() > kMaxTransaction) {
    return absl::InvalidArgumentError(absl::StrCat("delta of ", author, ": ", delta.entries_size(),
                                                   " entries; at most ", kMaxTransaction));
  }
  std::vector<ResourcePtr> resources;
  resources.reserve(delta.entries_size());
  const v1::Entry* previous = nullptr;
  for (const v1::Entry& entry : delta.entries()) {
    RETURN_IF_ERROR(CheckInDelta(delta, entry, previous, now));
    previous = &entry;
    ASSIGN_OR_RETURN(ResourcePtr resource, CheckEntry(entry));
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace trellis::storage
