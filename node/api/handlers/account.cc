#include "node/api/handlers/account.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "node/api/handlers/standard.h"

namespace trellis::api {

absl::StatusOr<v1::Account> CreateAccount(CallContext& call,
                                          const v1::CreateAccountRequest& request) {
  return Create(call, request, request.account());
}

absl::StatusOr<v1::Account> GetAccount(CallContext& call, const v1::GetAccountRequest& request) {
  return Get<v1::Account>(call, request.name());
}

absl::StatusOr<v1::ListAccountsResponse> ListAccounts(CallContext& call,
                                                      const v1::ListAccountsRequest& request) {
  v1::ListAccountsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                   List<v1::Account>(call, request, "", [&](v1::Account item) {
                     *response.add_accounts() = std::move(item);
                   }));
  return response;
}

absl::StatusOr<v1::Account> UpdateAccount(CallContext& call,
                                          const v1::UpdateAccountRequest& request) {
  return Update(call, request, request.account());
}

absl::StatusOr<google::protobuf::Empty> DeleteAccount(CallContext& call,
                                                      const v1::DeleteAccountRequest& request) {
  return Delete<v1::Account>(call, request);
}

}  // namespace trellis::api
