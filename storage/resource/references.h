// What resources demand of one another: that references lead somewhere, that names and ports are
// taken once, and that nothing in use is deleted.
//
//   RETURN_IF_ERROR(CheckReferences(view_with_my_changes, changed_resource));
//   RETURN_IF_ERROR(CheckUnused(view_with_my_changes, deleted_name));
//
// Spec: VPC Lattice reference 1.2 (names), 1.4, 1.5, 1.7 (deletes), 1.8 (associations), 3.1, 3.3,
// 4.1 (targets).
#ifndef TRELLIS_STORAGE_RESOURCE_REFERENCES_H_
#define TRELLIS_STORAGE_RESOURCE_REFERENCES_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/names.h"
#include "storage/resource/relations.h"

namespace trellis::resource {

// The live resources at one moment: the catalog's, or those with a transaction's changes over them.
class View {
 public:
  virtual ~View() = default;
  virtual std::shared_ptr<const v1::Resource> Find(absl::string_view name) const = 0;  // Or null.
  // In name order: names that start with `prefix` and are greater than `after`, until `visit`
  // returns false.
  virtual void Visit(absl::string_view prefix, absl::string_view after,
                     absl::FunctionRef<bool(const std::string& name, const v1::Resource& resource)>
                         visit) const = 0;
  // Whom `relation` leads to from `key`, in name order.
  virtual std::vector<std::string> Related(Relation relation, absl::string_view key) const = 0;
  // Of several that are called alike, the one that holds the name; empty: this view cannot tell.
  virtual std::string HolderOf(const std::vector<std::string>& /*called_alike*/) const {
    return "";
  }
};

// Both judge the state `view` shows, as a transaction would leave it; a changed resource is already
// in it, a deleted one may or may not be. Resources have passed Validate and have their defaults.

// `before` is what the resource says so far; null: it is new. What it has taken already is not held
// against it, though another may have it too since a partition: it can be changed all the same.
//   NOT_FOUND            a reference to nothing; the message names the field
//   ALREADY_EXISTS       a name, port, priority, domain or association taken by another
//   FAILED_PRECONDITION  a target group of another service, a second target where one may be
//   INVALID_ARGUMENT     a target that does not fit its group
absl::Status CheckReferences(const View& view, const v1::Resource& resource,
                             const v1::Resource* before = nullptr);

// Whether `name` may go; what CascadeOf lists goes with it and does not count.
//   FAILED_PRECONDITION  in use; the message says by what and, where the reference has one, in its
//                        words
absl::Status CheckUnused(const View& view, absl::string_view name);

// What is deleted together with `name`, itself not among it, parents after their children: the
// listeners and rules of a service, the rules of a listener.
std::vector<std::string> CascadeOf(absl::string_view name, const View& view);

// The services whose listeners or rules forward to a target group.
std::set<std::string> ServicesUsing(const View& view, absl::string_view target_group);

// The target groups an action forwards to, in order.
std::vector<std::string> TargetGroupsOf(const v1::RuleAction& action);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_REFERENCES_H_
