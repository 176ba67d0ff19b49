#include "storage/catalog/stored.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "storage/resource/fields.h"

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

Stored MakeStored(const v1::Entry& entry, ResourcePtr resource, const EntryHash& hash) {
  Stored stored;
  stored.version = Version::FromProto(entry.version());
  stored.origin = Origin::FromProto(entry.origin());
  stored.sequence = entry.sequence();
  stored.create_time = stored.version.time();
  if (resource != nullptr) {
    const absl::Time created = resource::CreateTime(*resource);
    if (created != absl::InfinitePast()) stored.create_time = created;
  }
  stored.resource = std::move(resource);
  stored.index = entry.index();
  stored.entry_bytes = static_cast<uint32_t>(entry.ByteSizeLong());
  stored.final_delete = entry.operation() == v1::DELETE && entry.merge_class() == v1::GUARD;
  stored.digest = RootShare(hash);
  stored.ancestry = MakeAncestry(entry);
  if (entry.has_birth())
    stored.elder = std::make_shared<const Birth>(Birth::FromProto(entry.birth()));
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
