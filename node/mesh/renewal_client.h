// Asks another agent to renew our certificate, over its mesh port: what Renewer's `ask` is.
#ifndef TRELLIS_NODE_MESH_RENEWAL_CLIENT_H_
#define TRELLIS_NODE_MESH_RENEWAL_CLIENT_H_

#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "base/runtime/scheduler.h"
#include "node/mesh/issuers.h"
#include "node/mesh/mesh_dialer.h"
#include "node/mesh/renewer.h"
#include "proto/trellis/peer/v1/enrollment.pb.h"

namespace grpc {
class ClientContext;
}  // namespace grpc

namespace trellis::mesh {

// Each question is a thread of its own for its few milliseconds, twice a day.
//
// Thread-safety: none; the control thread.
class RenewalClient {
 public:
  // Both are borrowed. `timeout`: for the answer, once connected.
  RenewalClient(MeshDialer& dialer, Scheduler& control, absl::Duration timeout = absl::Seconds(10));
  // Cancels what is under way: its `done` may still be called.
  ~RenewalClient();

  // One at a time: only when `done` of the one before was called.
  void Ask(const IssuingAgent& issuer, peer::v1::RenewRequest request, RenewDone done);

 private:
  void End();

  MeshDialer& dialer_;
  Scheduler& control_;
  const absl::Duration timeout_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::thread thread_;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_RENEWAL_CLIENT_H_
