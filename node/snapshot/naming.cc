#include "node/snapshot/naming.h"

#include "storage/resource/arn.h"
#include "storage/resource/names.h"

namespace trellis {

std::string Naming::ArnOf(absl::string_view name, absl::string_view stored_arn,
                          absl::string_view owner) const {
  if (!stored_arn.empty()) return std::string(stored_arn);
  return resource::MakeArn(name, region, owner.empty() ? absl::string_view(account) : owner);
}

std::string Naming::DomainOf(absl::string_view name, const v1::Service& service) const {
  if (!service.domain().empty()) return service.domain();
  const std::string id = resource::IdOf(name);
  // Without an id or a mesh there is no such name: what a malformed entry of a peer has.
  if (id.empty() || service.display_name().empty() || mesh_id.empty()) return "";
  return resource::GeneratedDomain(service.display_name(), id, mesh_id, region, mesh_domain);
}

}  // namespace trellis
