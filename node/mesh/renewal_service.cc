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

class RenewalService final : public peer::v1::Renewal::Service {
 public:
  RenewalService(const Renewal& renewal, net::RunOnControl run_on_control)
      : renewal_(renewal), run_on_control_(std::move(run_on_control)) {}

  grpc::Status Renew(grpc::ServerContext* context, const peer::v1::RenewRequest* request,
                     peer::v1::RenewResponse* response) override {
    if (under_way_.fetch_add(1) >= kMaxConcurrentRenewals) {
      under_way_.fetch_sub(1);
      return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                          "too many agents renew at once; try again");
    }
    absl::StatusOr<peer::v1::RenewResponse> result = absl::InternalError("not run");
    if (const auto caller = IdentityOf(*context); caller.ok()) {
      run_on_control_([&] { result = renewal_.Renew(*caller, *request); });
    } else {
      result = caller.status();
    }
    under_way_.fetch_sub(1);
    if (result.ok()) *response = *std::move(result);
    return grpc::Status(static_cast<grpc::StatusCode>(result.status().code()),
                        std::string(result.status().message()));
  }

 private:
  const Renewal& renewal_;
  const net::RunOnControl run_on_control_;
  std::atomic<int> under_way_ = 0;
};

}  // namespace

std::unique_ptr<grpc::Service> NewRenewalService(const Renewal& renewal,
                                                 net::RunOnControl run_on_control) {
  return std::make_unique<RenewalService>(renewal, std::move(run_on_control));
}

}  // namespace trellis::mesh
