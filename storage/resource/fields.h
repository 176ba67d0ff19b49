// The fields every resource shares, whatever its kind.
//
// A resource of a newer release has a kind this one does not know: its name is still found (every
// resource keeps it in field 1), its other fields read as absent and cannot be set.
#ifndef TRELLIS_STORAGE_RESOURCE_FIELDS_H_
#define TRELLIS_STORAGE_RESOURCE_FIELDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/trellis/storage/v1/entry.pb.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/names.h"

// All functions are pure; setters change their argument only.
namespace trellis::resource {

Kind KindOf(const v1::Resource& resource);  // By its oneof; kUnknown when unset or newer.

std::string ResourceName(const v1::Resource& resource);  // Empty when it has none.
void SetResourceName(v1::Resource& resource, absl::string_view name);

std::string DisplayName(const v1::Resource& resource);  // Empty for kinds without one.
std::string AccountOf(const v1::Resource& resource);    // 12 digits; empty for kinds without one.
void SetArn(v1::Resource& resource, absl::string_view arn);  // Nothing for kinds without one.

std::string EtagOf(const v1::Resource& resource);
void SetEtag(v1::Resource& resource, absl::string_view etag);

absl::Time CreateTime(const v1::Resource& resource);  // InfinitePast when unset.
void SetTimes(v1::Resource& resource, absl::Time create_time, absl::Time update_time);

// Targets and sealing shares MEMBER; agents, join tokens and sealing keys GUARD (a delete is
// final); the rest LWW.
storage::v1::MergeClass MergeClassOf(Kind kind);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_FIELDS_H_
