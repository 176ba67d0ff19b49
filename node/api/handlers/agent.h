// The roster, and leave to join it.
#ifndef TRELLIS_NODE_API_HANDLERS_AGENT_H_
#define TRELLIS_NODE_API_HANDLERS_AGENT_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/agent_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::Agent> GetAgent(CallContext& call, const v1::GetAgentRequest& request);
absl::StatusOr<v1::ListAgentsResponse> ListAgents(CallContext& call,
                                                  const v1::ListAgentsRequest& request);
// Evicts it, for good. FAILED_PRECONDITION: it is the answering agent itself.
absl::StatusOr<google::protobuf::Empty> DeleteAgent(CallContext& call,
                                                    const v1::DeleteAgentRequest& request);

// These check the request and leave the issuing to CallContext's Issuer.
//   FAILED_PRECONDITION  this agent issues nothing
absl::StatusOr<v1::CreateJoinTokenResponse> CreateJoinToken(
    CallContext& call, const v1::CreateJoinTokenRequest& request);
absl::StatusOr<v1::CreateOperatorCertificateResponse> CreateOperatorCertificate(
    CallContext& call, const v1::CreateOperatorCertificateRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_AGENT_H_
