#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include "node/mesh/enrollment.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::mesh {
namespace {

// Anybody who reaches the port may ask, and each question takes a moment of the control thread.
constexpr int kMaxConcurrentEnrolls = 8;

class EnrollmentService final : public peer::v1::Enrollment::Service {
 public:
  EnrollmentService(Enrollment& enrollment, net::RunOnControl run_on_control)
      : enrollment_(enrollment), run_on_control_(std::move(run_on_control)) {}

  grpc::Status Enroll(grpc::ServerContext*, const peer::v1::EnrollRequest* request,
                      peer::v1::EnrollResponse* response) override {
    if (under_way_.fetch_add(1) >= kMaxConcurrentEnrolls) {
      under_way_.fetch_sub(1);
      return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                          "too many hosts are joining at once; try again");
    }
    absl::Status status;
    run_on_control_([&] {
      absl::StatusOr<peer::v1::EnrollResponse> result = enrollment_.Enroll(*request);
      status = result.status();
      if (result.ok()) *response = *std::move(result);
    });
    under_way_.fetch_sub(1);
    return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                        std::string(status.message()));
  }

 private:
  Enrollment& enrollment_;
  const net::RunOnControl run_on_control_;
  std::atomic<int> under_way_ = 0;
};

}  // namespace

std::unique_ptr<grpc::Service> NewEnrollmentService(Enrollment& enrollment,
                                                    net::RunOnControl run_on_control) {
  return std::make_unique<EnrollmentService>(enrollment, std::move(run_on_control));
}

}  // namespace trellis::mesh
