// What a text may be, in options and in the identity file alike.
#ifndef TRELLIS_NODE_AGENT_TEXT_FORMS_H_
#define TRELLIS_NODE_AGENT_TEXT_FORMS_H_

#include "absl/strings/string_view.h"

namespace trellis::agent {

bool IsAddress(absl::string_view text);      // IPv4 or IPv6, without a port.
bool IsAccount(absl::string_view text);      // 12 digits.
bool IsLabel(absl::string_view text);        // Lower-case letters, digits and hyphens.
bool IsDomain(absl::string_view text);       // Labels with dots between them.
bool IsDisplayName(absl::string_view text);  // Of an agent; may be empty.

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_TEXT_FORMS_H_
