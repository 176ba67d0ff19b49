// Any kind of resource over its own admin service: get, list, delete, and finding one by the name
// people use for it.
#ifndef TRELLIS_TOOLS_TRELLISCTL_RESOURCES_H_
#define TRELLIS_TOOLS_TRELLISCTL_RESOURCES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/trellis/v1/resource.pb.h"
#include "tools/trellisctl/schema.h"

namespace trellis::ctl {

class Session;

// Errors of all: the server's, with their exit codes.

// Whether `name` says by itself where it is: "services/svc-1/listeners/listener-2", an ARN.
bool IsWholeName(absl::string_view name);

// Every resource of the kind under `parent`, a resource name. Without one, of kinds that live in
// another: under every parent there is, one call for each.
absl::StatusOr<std::vector<v1::Resource>> ListResources(Session& session, const KindInfo& info,
                                                        const std::string& parent = "");

// The one resource that `name` means: a resource name, ARN, id or display name. `parents` are those
// of info.parent_keys; missing ones may begin the name ("inventory/http/stock"). Associations are
// also found by their ends ("shop/storefront"), targets by group, id and port.
//   NOT_FOUND (exit 1)          the message lists what there is
//   INVALID_ARGUMENT (exit 2)   a parent is missing
absl::StatusOr<v1::Resource> FindResource(Session& session, const KindInfo& info,
                                          const std::string& name,
                                          std::vector<std::string> parents = {});

// As FindResource, for what cannot be taken back. INVALID_ARGUMENT (exit 2) also when several have
// that display name, as after a partition; the message lists their resource names.
absl::StatusOr<v1::Resource> FindOneResource(Session& session, const KindInfo& info,
                                             const std::string& name);

// The resource name of the parent that `parents` mean.
absl::StatusOr<std::string> FindParent(Session& session, const KindInfo& info,
                                       const std::vector<std::string>& parents);

// `resource` as found. Targets are deregistered. With an `etag`: only if that is still its own.
absl::Status DeleteResource(Session& session, const v1::Resource& resource,
                            const std::string& etag = "");

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_RESOURCES_H_
