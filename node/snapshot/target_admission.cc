#include "node/snapshot/target_admission.h"

#include <memory>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "node/snapshot/target_endpoint.h"
#include "storage/resource/names.h"

namespace trellis {
namespace {

absl::Status Denied(const storage::Author& author, absl::string_view reason) {
  return absl::PermissionDeniedError(
      absl::StrCat(resource::AgentName(author.node), " is a worker: ", reason));
}

}  // namespace

absl::Status CheckMayRegister(const storage::Author& author, const v1::TargetGroup& group,
                              const v1::Target& target) {
  if (author.admin) return absl::OkStatus();
  if (group.vpc() != author.vpc) {
    return Denied(author, absl::StrCat("it registers targets in groups of ", author.vpc,
                                       " only, not of ", group.vpc().empty() ? "none" : group.vpc(),
                                       "; register through an admin agent"));
  }
  if (!group.admits_workers()) {
    return Denied(author,
                  "the target group does not admit workers; set admitsWorkers: true there, or "
                  "register through an admin agent");
  }
  const absl::StatusOr<net::Endpoint> endpoint = EndpointOf(group, target);
  const auto is_own = [&](const std::string& address) {
    return absl::c_linear_search(author.addresses, address);
  };
  // By its id too: who may write or delete a target is told by its name.
  if (endpoint.ok() && is_own(endpoint->AddressString()) && is_own(target.id())) {
    return absl::OkStatus();
  }
  return Denied(author, absl::StrCat("it registers its own addresses only, which are ",
                                     absl::StrJoin(author.addresses, ", "), ", and not ",
                                     target.id(), "; register through an admin agent"));
}

absl::Status CheckAdmitted(const storage::Catalog& catalog, const v1::TargetGroup& group,
                           const storage::Catalog::Record& target) {
  const absl::StatusOr<std::shared_ptr<const storage::Author>> author =
      catalog.AuthorOf(target.origin);
  if (!author.ok()) return author.status();
  if ((*author)->admin) return absl::OkStatus();
  if (catalog.Find(resource::AgentName((*author)->node)) == nullptr) {
    return Denied(**author, "it is no member of the mesh");
  }
  return CheckMayRegister(**author, group, target.resource->target());
}

}  // namespace trellis
