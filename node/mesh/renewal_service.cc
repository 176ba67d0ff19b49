#include <atomic>
#include <string>
#include <utility>

#include "node/mesh/descriptors.h"
#include "node/mesh/renewal.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::mesh {
namespace {

// Each takes a moment of the control thread; who is turned away tries again by itself.
constexpr int kMaxConcurrentRenewals = 8;

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

class RenewalService final : public peer::v1::Renewal::CallbackService {
 public:
  RenewalService(const Renewal& renewal, Scheduler& control)
      : renewal_(renewal), control_(control) {}

  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const peer::v1::RenewRequest* request,
                                  peer::v1::RenewResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    absl::StatusOr<trust::PeerIdentity> caller = IdentityOf(*context);
    if (!caller.ok()) {
      reactor->Finish(ToGrpc(caller.status()));
      return reactor;
    }
    if (under_way_.fetch_add(1) >= kMaxConcurrentRenewals) {
      under_way_.fetch_sub(1);
      reactor->Finish(
          ToGrpc(absl::ResourceExhaustedError("too many agents renew at once; try again")));
      return reactor;
    }
    // The reactor, request and response live until Finish.
    control_.Post([=, this, caller = *std::move(caller)] {
      absl::StatusOr<peer::v1::RenewResponse> result = renewal_.Renew(caller, *request);
      if (result.ok()) *response = *std::move(result);
      under_way_.fetch_sub(1);
      reactor->Finish(ToGrpc(result.status()));
    });
    return reactor;
  }

 private:
  const Renewal& renewal_;
  Scheduler& control_;
  std::atomic<int> under_way_ = 0;
};

}  // namespace

std::unique_ptr<grpc::Service> NewRenewalService(const Renewal& renewal, Scheduler& control) {
  return std::make_unique<RenewalService>(renewal, control);
}

}  // namespace trellis::mesh
