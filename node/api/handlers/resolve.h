// From what people write to resource names.
//
// A reference is a resource name, a bare id, an ARN, or a display name unique in the account. A
// resource inside another may also be given as its path of any of these: "cart/http/stock".
//
// Spec: VPC Lattice reference 1.1 (identifiers), 1.2 (what names are unique within).
#ifndef TRELLIS_NODE_API_HANDLERS_RESOLVE_H_
#define TRELLIS_NODE_API_HANDLERS_RESOLVE_H_

#include <string>
#include <vector>

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
//   INVALID_ARGUMENT  empty, a name of another kind, or a display name that several have
//   NOT_FOUND         nothing of that kind is called so
absl::StatusOr<std::string> ResolveReference(const resource::View& view, resource::Kind kind,
                                             absl::string_view text, absl::string_view account,
                                             absl::string_view field);

// The account that owns the resource of that name, or the one it is in. Empty: nobody does.
std::string OwnerOf(const resource::View& view, absl::string_view name);

// Replaces every reference inside `resource` by the name of what it refers to; display names are
// looked up among those of the resource's owner, or of `account` when it names none. Errors as
// above.
absl::Status ResolveReferences(const resource::View& view, absl::string_view account,
                               v1::Resource* resource);

// Fills what a resource inherits where it says nothing: its owner from `account`, a target's port
// from its group. `parent` is a resource name.
void Inherit(const resource::View& view, absl::string_view account, absl::string_view parent,
             v1::Resource* resource);

// The resource that `given`, with its references resolved, is about: accounts, and VPCs that bring
// one, by name; targets by id and port; the rest by their identity in `parent`. Empty: it is new.
//   INVALID_ARGUMENT  the name it brings is malformed, or several have that identity
absl::StatusOr<std::string> FindExisting(const resource::View& view, const v1::Resource& given,
                                         absl::string_view parent);

// The name of a resource that is not there yet: from what it brings (accounts, VPCs that choose
// their id, targets) or with a new id. `parent` is a resource name, empty for kinds without one.
//   INVALID_ARGUMENT  the name it brings is malformed
absl::StatusOr<std::string> NewName(const v1::Resource& resource, absl::string_view parent,
                                    Random& random);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_RESOLVE_H_
