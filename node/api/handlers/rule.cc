#include "node/api/handlers/rule.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::Rule> CreateRule(CallContext& call, const v1::CreateRuleRequest& request) {
  return Create(call, request, request.rule(), request.parent());
}

absl::StatusOr<v1::Rule> GetRule(CallContext& call, const v1::GetRuleRequest& request) {
  return Get<v1::Rule>(call, request.name());
}

absl::StatusOr<v1::ListRulesResponse> ListRules(CallContext& call,
                                                const v1::ListRulesRequest& request) {
  v1::ListRulesResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Rule>(call, request, request.parent(),
                                  [&](v1::Rule item) { *response.add_rules() = std::move(item); }));
  return response;
}

absl::StatusOr<v1::Rule> UpdateRule(CallContext& call, const v1::UpdateRuleRequest& request) {
  return Update(call, request, request.rule());
}

absl::StatusOr<google::protobuf::Empty> DeleteRule(CallContext& call,
                                                   const v1::DeleteRuleRequest& request) {
  return Delete<v1::Rule>(call, request);
}

}  // namespace trellis::api
