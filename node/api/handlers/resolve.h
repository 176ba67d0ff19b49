// From what people write to resource names.
//
// A reference is a resource name, a bare id, an ARN, or a display name unique in the account. A
// resource inside another may also be given as its path of any of these: "cart/http/stock".
//
// Spec: VPC Lattice reference 1.1 (identifiers), 1.2 (what names are unique within).
#ifndef TRELLIS_NODE_API_HANDLERS_RESOLVE_H_
#define TRELLIS_NODE_API_HANDLERS_RESOLVE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/runtime/random.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/names.h"
#include "storage/resource/references.h"

namespace trellis::api {

// The name of the resource of `kind` that `text` refers to. Display names are looked up among those
// of `account`; `field` is what messages call the reference.
//   INVALID_ARGUMENT  empty, or a name of another kind
//   NOT_FOUND         nothing of that kind is called so
// O(1) for resource names and ARNs, else O(resources of the kind).
absl::StatusOr<std::string> ResolveReference(const resource::View& view, resource::Kind kind,
                                             absl::string_view text, absl::string_view account,
                                             absl::string_view field);

// The resource of `kind` inside `parent` (empty for kinds without one) with that display name; in
// `account`, for kinds that have an owner. Empty: none.
std::string FindByDisplayName(const resource::View& view, resource::Kind kind,
                              absl::string_view parent, absl::string_view display_name,
                              absl::string_view account);

// Replaces every reference inside `resource` by the name of what it refers to; display names are
// looked up among those of the resource's owner, or of `account` when it names none. Errors as
// above.
absl::Status ResolveReferences(const resource::View& view, absl::string_view account,
                               v1::Resource* resource);

// Fills what a resource inherits where it says nothing: its owner from `account`, a target's port
// from its group. `parent` is a resource name.
void Inherit(const resource::View& view, absl::string_view account, absl::string_view parent,
             v1::Resource* resource);

// The resource that `given`, with its references resolved, is about: by its name if it brings one,
// else by display name in `parent`, targets by id and port, associations by their two ends. Empty:
// it is new.
//   NOT_FOUND  it brings a name that no resource has
absl::StatusOr<std::string> FindExisting(const resource::View& view, const v1::Resource& given,
                                         absl::string_view parent);

// The name of a resource that is not there yet: from what it brings (accounts, VPCs that choose
// their id, targets) or with a new id. `parent` is a resource name, empty for kinds without one.
//   INVALID_ARGUMENT  the name it brings is malformed
absl::StatusOr<std::string> NewName(const v1::Resource& resource, absl::string_view parent,
                                    Random& random);

// What messages call a kind's fields by: "target_group" of "target_group.port".
std::string FieldPrefix(resource::Kind kind);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_RESOLVE_H_
