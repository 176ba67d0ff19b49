// Renewing agents' certificates, on agents that hold the root's key: renewer.h is the other side.
//
// The later certificate says what the earlier said (node, VPC, role, keys, addresses) and only ends
// later, so what an agent wrote stays its own. One that ended less than trust::kRenewalGrace ago is
// renewed too: a mesh whose issuing agents were away heals when one returns.
//
// Decision: docs/decisions/0003-trust.md.
#ifndef TRELLIS_NODE_MESH_RENEWAL_H_
#define TRELLIS_NODE_MESH_RENEWAL_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth/trust/authority.h"
#include "auth/trust/identity.h"
#include "base/runtime/runtime.h"
#include "base/runtime/scheduler.h"
#include "proto/trellis/peer/v1/enrollment.pb.h"
#include "storage/catalog/catalog.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace trellis::mesh {

// Thread-safety: none; control thread.
class Renewal {
 public:
  // Catalog and runtime are borrowed. No authority: this agent issues nothing.
  Renewal(std::optional<trust::MeshAuthority> authority, absl::Duration lifetime,
          storage::Catalog& catalog, Runtime runtime)
      : authority_(std::move(authority)),
        lifetime_(lifetime),
        catalog_(catalog),
        runtime_(runtime) {}

  bool issues() const { return authority_.has_value(); }

  // `caller` is who the connection proved to be.
  //   FAILED_PRECONDITION  this agent does not hold the root's key; the message names one that does
  //   INVALID_ARGUMENT     the certificate in the request is not the caller's
  //   PERMISSION_DENIED    the caller was evicted
  //   UNAVAILABLE          the caller is not in the roster yet, as this agent holds it
  absl::StatusOr<peer::v1::RenewResponse> Renew(const trust::PeerIdentity& caller,
                                                const peer::v1::RenewRequest& request) const;

 private:
  const std::optional<trust::MeshAuthority> authority_;
  const absl::Duration lifetime_;
  storage::Catalog& catalog_;
  const Runtime runtime_;
};

// trellis.peer.v1.Renewal for MeshServer's renewal_services. `renewal` is asked on the thread of
// `control`; both are borrowed.
//   RESOURCE_EXHAUSTED  too many agents ask at once
std::unique_ptr<grpc::Service> NewRenewalService(const Renewal& renewal, Scheduler& control);

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_RENEWAL_H_
