// Rules of listeners.
//
// The default rule is the listener's default_action, not one of these.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_RULE_H_
#define TRELLIS_NODE_API_HANDLERS_RULE_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/rule_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::Rule> CreateRule(CallContext& call, const v1::CreateRuleRequest& request);
absl::StatusOr<v1::Rule> GetRule(CallContext& call, const v1::GetRuleRequest& request);
absl::StatusOr<v1::ListRulesResponse> ListRules(CallContext& call,
                                                const v1::ListRulesRequest& request);
absl::StatusOr<v1::Rule> UpdateRule(CallContext& call, const v1::UpdateRuleRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteRule(CallContext& call,
                                                   const v1::DeleteRuleRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_RULE_H_
