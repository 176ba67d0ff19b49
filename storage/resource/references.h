// What resources demand of one another: that references lead somewhere, that names and ports are
// taken once, and that nothing in use is deleted.
//
//   ReferenceChecker checker(view_with_my_changes);
//   RETURN_IF_ERROR(checker.Check(changed_resource));
//   RETURN_IF_ERROR(checker.CheckDelete(deleted_name));
//
// Spec: VPC Lattice reference 1.2 (names), 1.4, 1.5, 1.7 (deletes), 1.8 (associations), 3.1, 3.3,
// 4.1 (targets).
#ifndef TRELLIS_STORAGE_RESOURCE_REFERENCES_H_
#define TRELLIS_STORAGE_RESOURCE_REFERENCES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/names.h"

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
};

// Judges the state `view` shows, as a transaction would leave it; changed resources are already in
// it, deleted ones may or may not be. The state must not change while the checker lives: it reads
// whole collections once, when first asked, so that checking a thousand resources reads no more
// than checking one. Resources have passed Validate and have their defaults.
class ReferenceChecker {
 public:
  explicit ReferenceChecker(const View& view);
  ~ReferenceChecker();

  //   NOT_FOUND            a reference to nothing; the message names the field
  //   ALREADY_EXISTS       a name, port, priority, domain or association taken by another
  //   FAILED_PRECONDITION  a target group of another service, a second target where one may be
  //   INVALID_ARGUMENT     a target that does not fit its group
  absl::Status Check(const v1::Resource& resource);

  // Whether `name` may go; what CascadeOf lists goes with it and does not count.
  //   FAILED_PRECONDITION  in use; the message says by what and, where the reference has one, in
  //                        its words
  absl::Status CheckDelete(absl::string_view name);

 private:
  class Index;
  const View& view_;
  const std::unique_ptr<Index> index_;
};

// What is deleted together with `name`, itself not among it, parents after their children: the
// listeners and rules of a service, the rules of a listener.
std::vector<std::string> CascadeOf(absl::string_view name, const View& view);

// The target groups an action forwards to, in order.
std::vector<std::string> TargetGroupsOf(const v1::RuleAction& action);

}  // namespace trellis::resource

#endif  // TRELLIS_STORAGE_RESOURCE_REFERENCES_H_
