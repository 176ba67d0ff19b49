// An operator's identity, one PEM file: private key, certificate, root certificate.
#ifndef TRELLIS_TOOLS_TRELLISCTL_IDENTITY_FILE_H_
#define TRELLIS_TOOLS_TRELLISCTL_IDENTITY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "node/tls/tls_context.h"

namespace trellis::ctl {

// The file's order is that of the first line above.
std::string IdentityFileText(const tls::Credentials& credentials);

// The parts of such a text, whatever stands around them. INVALID_ARGUMENT: one is missing. What the
// parts say is for the handshake to judge.
absl::StatusOr<tls::Credentials> ParseIdentity(absl::string_view text);

// INVALID_ARGUMENT: the file cannot be read, others than its owner may read it, or
// ParseIdentity's.
absl::StatusOr<tls::Credentials> ReadIdentityFile(const std::string& path);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_IDENTITY_FILE_H_
