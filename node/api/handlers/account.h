// Accounts: who owns resources.
//
// Delete: FAILED_PRECONDITION while it owns any.
// Errors and what references may look like: proto/trellis/v1/admin.proto.
#ifndef TRELLIS_NODE_API_HANDLERS_ACCOUNT_H_
#define TRELLIS_NODE_API_HANDLERS_ACCOUNT_H_

#include "absl/status/statusor.h"
#include "google/protobuf/empty.pb.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/account_api.pb.h"

namespace trellis::api {

absl::StatusOr<v1::Account> CreateAccount(CallContext& call,
                                          const v1::CreateAccountRequest& request);
absl::StatusOr<v1::Account> GetAccount(CallContext& call, const v1::GetAccountRequest& request);
absl::StatusOr<v1::ListAccountsResponse> ListAccounts(CallContext& call,
                                                      const v1::ListAccountsRequest& request);
absl::StatusOr<v1::Account> UpdateAccount(CallContext& call,
                                          const v1::UpdateAccountRequest& request);
absl::StatusOr<google::protobuf::Empty> DeleteAccount(CallContext& call,
                                                      const v1::DeleteAccountRequest& request);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_ACCOUNT_H_
