#include "node/api/handlers/mesh.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace trellis::api {
namespace {

constexpr int kMaxExplainHeaders = 100;
constexpr size_t kMaxExplainBytes = 60 << 10;  // VPC Lattice reference 6.5: header block.

}  // namespace

absl::StatusOr<v1::ExplainRequestResponse> ExplainRequest(
    CallContext& call, const v1::ExplainRequestRequest& request) {
  RETURN_IF_ERROR(Authorize(call, Action::kRead, "mesh"));
  if (request.authority().empty()) {
    return absl::InvalidArgumentError("authority: required; give the host name a caller would use");
  }
  if (request.port() < 0 || request.port() > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("port: ", request.port(), " is not 1 to 65535, or 0 for the authority's"));
  }
  if (request.headers_size() > kMaxExplainHeaders || request.ByteSizeLong() > kMaxExplainBytes) {
    return absl::InvalidArgumentError(absl::StrCat("headers: more than the proxy takes, ",
                                                   kMaxExplainHeaders, " headers and ",
                                                   kMaxExplainBytes, " bytes"));
  }
  return call.agent.explain(request);
}

}  // namespace trellis::api
