// Letting others in: join tokens, the certificates they are exchanged for, and operators'.
//
// A token is used once, strictly: the check, the mark and the new roster entry are one transaction
// of one agent, and only agents with the root's key can do it. Whoever lacks the key names one that
// has it.
//
// Decision: docs/decisions/0003-trust.md.
#ifndef TRELLIS_NODE_MESH_ENROLLMENT_H_
#define TRELLIS_NODE_MESH_ENROLLMENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth/trust/authority.h"
#include "base/runtime/runtime.h"
#include "base/runtime/scheduler.h"
#include "proto/trellis/peer/v1/enrollment.pb.h"
#include "proto/trellis/v1/agent_api.pb.h"
#include "storage/catalog/catalog.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace trellis::mesh {

// Members that a new agent is told to gossip with first; the roster brings the rest.
inline constexpr int kMaxMembersTold = 8;
// A token stays in the catalog for this long after its end, so that whoever asks why a host did not
// get in finds it; then the making of another deletes it.
inline constexpr absl::Duration kTokenKept = absl::Hours(24);
// In one transaction; the next takes more.
inline constexpr size_t kMaxTokensPruned = 100;

// Thread-safety: none; control thread.
class Enrollment {
 public:
  struct Options {
    // None: this agent issues nothing.
    std::optional<trust::MeshAuthority> authority;
    std::string mesh_address;  // Ours, host:port.
    std::string account;       // The mesh's: owner of VPCs that name none.
    std::string region;
    std::string mesh_domain;
    absl::Duration certificate_lifetime = absl::Hours(24);  // Of agents'.
    // Whether this agent may write now (Gossip::CheckWritable). Asked on the control thread.
    std::function<absl::Status()> check_writable = [] { return absl::OkStatus(); };
  };

  // Catalog and runtime are borrowed.
  Enrollment(Options options, storage::Catalog& catalog, Runtime runtime);

  // Common to all:
  //   FAILED_PRECONDITION  this agent does not hold the root's key; the message names one that does
  //   UNAVAILABLE          the catalog cannot be written

  // The request is complete: vpcs/…, a role, a time to live. Also deletes tokens that ended more
  // than kTokenKept ago, used or not.
  //   NOT_FOUND  the VPC does not exist
  absl::StatusOr<v1::CreateJoinTokenResponse> CreateJoinToken(
      const v1::CreateJoinTokenRequest& request);

  // The request is complete: an operator, a key, a time to live.
  //   INVALID_ARGUMENT  the key or the operator's name is not of its form
  absl::StatusOr<v1::CreateOperatorCertificateResponse> CreateOperatorCertificate(
      const v1::CreateOperatorCertificateRequest& request);

  // Refused, the token stays as it was:
  //   PERMISSION_DENIED    it is unknown, its secret wrong (said alike), used or expired
  //   FAILED_PRECONDITION  the host means another VPC than the token's
  //   INVALID_ARGUMENT     a field is not of its form
  //   ALREADY_EXISTS       the node id or the display name is taken
  //   NOT_FOUND            the token's VPC was deleted
  absl::StatusOr<peer::v1::EnrollResponse> Enroll(const peer::v1::EnrollRequest& request);

 private:
  absl::Status CheckIssuing() const;
  absl::Status CheckToken(const peer::v1::EnrollRequest& request,
                          const std::optional<storage::Catalog::Record>& record) const;
  absl::Status CheckNewcomer(const peer::v1::EnrollRequest& request) const;
  absl::StatusOr<v1::Vpc> FindVpc(const std::string& name) const;
  std::vector<storage::Change> PruneTokens() const;
  // For a newcomer whose request is granted.
  absl::StatusOr<peer::v1::EnrollResponse> Certify(const peer::v1::EnrollRequest& request,
                                                   const v1::JoinToken& token,
                                                   const v1::Vpc& vpc) const;

  const Options options_;
  storage::Catalog& catalog_;
  const Runtime runtime_;
};

// trellis.peer.v1.Enrollment for MeshServer's enrollment_services. `enrollment` is asked on the
// thread of `control`; both are borrowed.
//   RESOURCE_EXHAUSTED  too many hosts ask at once
std::unique_ptr<grpc::Service> NewEnrollmentService(Enrollment& enrollment, Scheduler& control);

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_ENROLLMENT_H_
