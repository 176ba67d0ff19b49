// Keeps this agent's certificate valid: at half its life it asks an agent that issues (renewal.h)
// for a later one, itself if it can, and tries the others with growing pauses until one answers.
//
//   Renewer renewer({...}, runtime);
//   renewer.Start();
//
// Decision: docs/decisions/0003-trust.md.
#ifndef TRELLIS_NODE_MESH_RENEWER_H_
#define TRELLIS_NODE_MESH_RENEWER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth/trust/certificate.h"
#include "auth/trust/identity.h"
#include "base/runtime/runtime.h"
#include "node/mesh/issuers.h"
#include "node/tls/tls_context.h"
#include "proto/trellis/peer/v1/enrollment.pb.h"

namespace trellis::mesh {

using RenewDone = absl::AnyInvocable<void(absl::StatusOr<peer::v1::RenewResponse>)>;

// Thread-safety: none; control thread. Destroyed before what its options borrow.
class Renewer {
 public:
  struct Options {
    tls::Credentials credentials;  // What this agent shows now.
    // Whom to ask, in an order of its own; empty while the roster is.
    std::function<std::vector<IssuingAgent>()> issuers;
    // Asks one and calls `done` on the control thread, once; it may do so at once. None is asked
    // while another is.
    std::function<void(const IssuingAgent&, peer::v1::RenewRequest, RenewDone done)> ask;
    // Takes the renewed certificate: shows it from now on, and keeps it over a restart.
    std::function<absl::Status(const tls::Credentials&)> take;
  };

  // INVALID_ARGUMENT, UNAUTHENTICATED: the certificate is not this mesh's.
  static absl::StatusOr<std::unique_ptr<Renewer>> Create(Options options, Runtime runtime);
  ~Renewer();

  // Renews at once if half of the certificate's life is over.
  void Start();

  absl::Time expire_time() const { return end_; }
  // A sentence for people once three quarters of the certificate's life are over; else empty.
  std::string Warning() const;

 private:
  Renewer(Options options, Runtime runtime, trust::MeshRoot root)
      : options_(std::move(options)), runtime_(runtime), root_(std::move(root)) {}

  // Reads `pem`, which must be of whom we are: the first one decides that.
  absl::Status Read(const std::string& pem);
  absl::Time now() const { return runtime_.scheduler.WallNow(); }
  // From `low` to `high`, by chance: agents that joined together do not renew together.
  absl::Duration Between(absl::Duration low, absl::Duration high);
  void RunAt(absl::Time when);
  void Ask();
  void OnAnswer(const absl::StatusOr<peer::v1::RenewResponse>& answer);
  absl::Status Take(const peer::v1::RenewResponse& response);

  Options options_;
  const Runtime runtime_;
  const trust::MeshRoot root_;

  std::string certificate_;  // DER; with its identity, key and dates.
  trust::PeerIdentity identity_;
  std::string public_key_;
  absl::Time end_;
  absl::Duration life_;

  absl::Time due_;
  size_t next_issuer_ = 0;
  int failures_ = 0;  // Since the last success.
  absl::Status last_failure_;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
  // Answers hold it weakly: they may come when the renewer is gone.
  const std::shared_ptr<Renewer*> self_ = std::make_shared<Renewer*>(this);
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_RENEWER_H_
