// What the resources can express and this release does not serve yet. Refused when written, so that
// nobody believes something to be encrypted, denied or checked that is not.
#ifndef TRELLIS_NODE_API_HANDLERS_RELEASE_H_
#define TRELLIS_NODE_API_HANDLERS_RELEASE_H_

#include "absl/status/status.h"
#include "proto/trellis/v1/resource.pb.h"

namespace trellis::api {

// INVALID_ARGUMENT, such as "service.auth_type: AWS_IAM is not served by this release; use NONE".
absl::Status CheckServedByRelease(const v1::Resource& resource);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_RELEASE_H_
