#include "node/snapshot/target_endpoint.h"

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "node/snapshot/names.h"

namespace trellis {
namespace {

constexpr int kDefaultPort = 80;

}  // namespace

absl::StatusOr<net::Endpoint> EndpointOf(const v1::TargetGroup& group, const v1::Target& target) {
  int port = target.port() != 0 ? target.port() : group.port();
  if (port == 0) port = kDefaultPort;
  if (port < 1 || port > UINT16_MAX) {
    return absl::InvalidArgumentError(absl::StrCat("port ", port, " is not in 1-65535"));
  }
  const std::string& address = group.type() == v1::INSTANCE ? target.address() : target.id();
  return net::Endpoint::FromAddress(address, static_cast<uint16_t>(port));
}

std::optional<LocatedTarget> LocateTarget(const storage::Catalog& catalog,
                                          absl::string_view target_name) {
  LocatedTarget located;
  located.target_group = std::string(TopLevelOf(target_name));
  const std::shared_ptr<const v1::Resource> target = catalog.Find(target_name);
  const std::shared_ptr<const v1::Resource> group = catalog.Find(located.target_group);
  if (target == nullptr || !target->has_target() || group == nullptr ||
      !group->has_target_group()) {
    return std::nullopt;
  }
  const absl::StatusOr<net::Endpoint> endpoint =
      EndpointOf(group->target_group(), target->target());
  if (!endpoint.ok()) return std::nullopt;
  located.endpoint = *endpoint;
  return located;
}

}  // namespace trellis
