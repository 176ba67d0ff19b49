#include "storage/catalog/stored.h"

#include <string>

#include "absl/algorithm/container.h"
#include "absl/types/optional.h"
#include "base/log/log.h"
#include "storage/resource/fields.h"
#include "storage/resource/names.h"

namespace trellis::storage {
namespace {

std::shared_ptr<const Ancestry> MakeAncestry(const v1::Entry& entry) {
  if (entry.context().empty()) return nullptr;
  auto ancestry = std::make_shared<Ancestry>();
  ancestry->context.reserve(entry.context_size());
  absl::c_transform(entry.context(), std::back_inserter(ancestry->context), Version::FromProto);
  ancestry->open.reserve(entry.open_size());
  absl::c_transform(entry.open(), std::back_inserter(ancestry->open), Version::FromProto);
  return ancestry;
}

VersionVector FenceOf(const v1::Entry& eviction) {
  VersionVector fence;
  for (const v1::OriginHead& head : eviction.fence()) {
    fence.Advance(Origin::FromProto(head.origin()), head.head());
  }
  return fence;
}

}  // namespace

VersionVector VectorIn(const v1::Entry& entry) {
  v1::VersionVector vector;
  return vector.ParseFromString(entry.payload()) ? VersionVector::FromProto(vector)
                                                 : VersionVector();
}

bool Ancestry::Covers(const Version& version) const {
  const auto newest = absl::c_lower_bound(
      context, version, [](const Version& a, const Version& b) { return a.node < b.node; });
  return newest != context.end() && newest->node == version.node && version.hlc <= newest->hlc &&
         !absl::c_binary_search(open, version);
}

bool Stored::ParseInto(trellis::v1::Resource& resource) const {
  // Larger ones are in several pieces.
  const absl::optional<absl::string_view> whole = payload.TryFlat();
  const std::string copied = whole.has_value() ? std::string() : std::string(payload);
  const absl::string_view bytes = whole.has_value() ? *whole : copied;
  return resource.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

ResourcePtr Stored::ParseResource() const {
  if (!live()) return nullptr;
  auto resource = std::make_shared<trellis::v1::Resource>();
  // INVARIANT: the same bytes were parsed by CheckEntry, or by CheckSum where there is no sum.
  CHECK(ParseInto(*resource));
  return resource;
}

Catalog::Record Stored::ToRecord() const {
  Catalog::Record record{ParseResource(), version, origin, sequence, version.time(), elder};
  if (record.resource != nullptr) {
    const absl::Time created = resource::CreateTime(*record.resource);
    if (created != absl::InfinitePast()) record.create_time = created;
  }
  return record;
}

std::optional<v1::Entry> Stored::ToEntry(absl::string_view name) const {
  v1::Entry entry;
  entry.set_key(name.data(), name.size());
  entry.set_merge_class(resource::MergeClassOf(resource::KindOf(name)));
  entry.set_operation(live() ? v1::PUT : v1::DELETE);
  version.ToProto(entry.mutable_version());
  origin.ToProto(entry.mutable_origin());
  entry.set_sequence(sequence);
  absl::CopyCordToString(payload, entry.mutable_payload());
  entry.set_index(index);
  if (elder != nullptr) elder->ToProto(entry.mutable_birth());
  if (ancestry != nullptr) {
    for (const Version& elder : ancestry->context) elder.ToProto(entry.add_context());
    for (const Version& left : ancestry->open) left.ToProto(entry.add_open());
  }
  // Fences, floors, and the fields of newer releases are not kept: then it is another one.
  if (RootShare(HashEntry(entry)) != digest) return std::nullopt;
  return entry;
}

Stored MakeStored(const v1::Entry& entry, const EntryHash& hash) {
  Stored stored;
  stored.version = Version::FromProto(entry.version());
  stored.origin = Origin::FromProto(entry.origin());
  stored.sequence = entry.sequence();
  stored.index = entry.index();
  stored.entry_bytes = static_cast<uint32_t>(entry.ByteSizeLong());
  stored.final_delete = entry.operation() == v1::DELETE && entry.merge_class() == v1::GUARD;
  stored.digest = RootShare(hash);
  stored.ancestry = MakeAncestry(entry);
  if (entry.has_birth()) {
    stored.elder = std::make_shared<const Birth>(Birth::FromProto(entry.birth()));
  }
  if (entry.operation() == v1::PUT) stored.payload = absl::Cord(entry.payload());
  stored.collects = entry.operation() == v1::COLLECT;
  stored.settles = entry.operation() == v1::SETTLE;
  if (stored.collects || stored.settles) {
    stored.bound = std::make_shared<const VersionVector>(VectorIn(entry));
  } else if (IsEviction(entry)) {
    stored.bound = std::make_shared<const VersionVector>(FenceOf(entry));
  }
  return stored;
}

}  // namespace trellis::storage
