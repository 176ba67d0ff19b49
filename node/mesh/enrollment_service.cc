#include <atomic>
#include <string>
#include <utility>

#include "node/mesh/enrollment.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::mesh {
namespace {

// Anybody who reaches the port may ask, and each question takes a moment of the control thread.
constexpr int kMaxConcurrentEnrolls = 8;

class EnrollmentService final : public peer::v1::Enrollment::CallbackService {
 public:
  EnrollmentService(Enrollment& enrollment, Scheduler& control)
      : enrollment_(enrollment), control_(control) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const peer::v1::EnrollRequest* request,
                                   peer::v1::EnrollResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    if (under_way_.fetch_add(1) >= kMaxConcurrentEnrolls) {
      under_way_.fetch_sub(1);
      reactor->Finish(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                   "too many hosts are joining at once; try again"));
      return reactor;
    }
    // The reactor, request and response live until Finish.
    control_.Post([=, this] {
      absl::StatusOr<peer::v1::EnrollResponse> result = enrollment_.Enroll(*request);
      if (result.ok()) *response = *std::move(result);
      under_way_.fetch_sub(1);
      reactor->Finish(grpc::Status(static_cast<grpc::StatusCode>(result.status().code()),
                                   std::string(result.status().message())));
    });
    return reactor;
  }

 private:
  Enrollment& enrollment_;
  Scheduler& control_;
  std::atomic<int> under_way_ = 0;
};

}  // namespace

std::unique_ptr<grpc::Service> NewEnrollmentService(Enrollment& enrollment, Scheduler& control) {
  return std::make_unique<EnrollmentService>(enrollment, control);
}

}  // namespace trellis::mesh
