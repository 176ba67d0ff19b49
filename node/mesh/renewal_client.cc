#include "node/mesh/renewal_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::mesh {
namespace {

absl::StatusOr<peer::v1::RenewResponse> AskAndWait(MeshDialer& dialer, const IssuingAgent& issuer,
                                                   const peer::v1::RenewRequest& request,
                                                   absl::Duration timeout,
                                                   grpc::ClientContext& context) {
  ASSIGN_OR_RETURN(const MeshConnection connection,
                   dialer.DialToRenewAndWait(issuer.address, issuer.node));
  const auto stub = peer::v1::Renewal::NewStub(connection.channel);
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  peer::v1::RenewResponse response;
  const grpc::Status status = stub->Renew(&context, request, &response);
  if (status.ok()) return response;
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      absl::StrCat(issuer.address, ": ", status.error_message()));
}

}  // namespace

RenewalClient::RenewalClient(MeshDialer& dialer, Scheduler& control, absl::Duration timeout)
    : dialer_(dialer), control_(control), timeout_(timeout) {}

RenewalClient::~RenewalClient() {
  if (context_ != nullptr) context_->TryCancel();
  End();
}

void RenewalClient::End() {
  if (thread_.joinable()) thread_.join();
  context_ = nullptr;
}

void RenewalClient::Ask(const IssuingAgent& issuer, peer::v1::RenewRequest request,
                        RenewDone done) {
  End();
  context_ = std::make_unique<grpc::ClientContext>();
  thread_ =
      std::thread([this, issuer, request = std::move(request), done = std::move(done)]() mutable {
        auto answer = AskAndWait(dialer_, issuer, request, timeout_, *context_);
        control_.Post([done = std::move(done), answer = std::move(answer)]() mutable {
          done(std::move(answer));
        });
      });
}

}  // namespace trellis::mesh
