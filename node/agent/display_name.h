// What people call this agent: given, or the host's name.
#ifndef TRELLIS_NODE_AGENT_DISPLAY_NAME_H_
#define TRELLIS_NODE_AGENT_DISPLAY_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace trellis::agent {

// `given`, or else `host_name` made a display name: a hyphen for each byte that may not be in one,
// cut at resource::kMaxAgentDisplayNameBytes.
//   INVALID_ARGUMENT  nothing is given, and the host has no name or one that all hosts have
//                     (localhost); the message says which option to set
absl::StatusOr<std::string> ChooseDisplayName(absl::string_view given, absl::string_view host_name);

// As the kernel has it; empty if it does not say.
std::string HostName();

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_DISPLAY_NAME_H_
