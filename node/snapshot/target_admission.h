// Whether who wrote a target may register it: decides what is enforced, not what is stored, since
// agents learn of a grant at different moments (decision 0009).
#ifndef TRELLIS_NODE_SNAPSHOT_TARGET_ADMISSION_H_
#define TRELLIS_NODE_SNAPSHOT_TARGET_ADMISSION_H_

#include "absl/status/status.h"
#include "proto/trellis/v1/target_group.pb.h"
#include "storage/catalog/authorship.h"
#include "storage/catalog/catalog.h"

namespace trellis {

// Admins may register anything. A worker only in groups of its own VPC that admit workers, and only
// by an IP address that its certificate names.
//   PERMISSION_DENIED  the message says which of it fails, and what to do
absl::Status CheckMayRegister(const storage::Author& author, const v1::TargetGroup& group,
                              const v1::Target& target);

// The same of a target that is stored, for its writer as the catalog knows it. A worker's counts
// only while that is a member.
//   PERMISSION_DENIED, and as Catalog::AuthorOf
absl::Status CheckAdmitted(const storage::Catalog& catalog, const v1::TargetGroup& group,
                           const storage::Catalog::Record& target);

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_TARGET_ADMISSION_H_
