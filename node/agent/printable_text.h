// Text that may quote what a broken file holds, for a terminal.
#ifndef TRELLIS_NODE_AGENT_PRINTABLE_TEXT_H_
#define TRELLIS_NODE_AGENT_PRINTABLE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace trellis::agent {

// Newlines stay; any other byte that is not printable ASCII becomes an escape: "\\x1b".
std::string PrintableText(absl::string_view text);

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_PRINTABLE_TEXT_H_
