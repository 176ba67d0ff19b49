// The IP addresses of this host in its VPC, which its certificate will name.
#ifndef TRELLIS_NODE_AGENT_ADDRESSES_H_
#define TRELLIS_NODE_AGENT_ADDRESSES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace trellis::agent {

// Those `given` by a person; none given: those `found` on the host's interfaces that reach beyond
// their link; none there either: 127.0.0.1, of a host that only talks to itself. Canonical.
//   INVALID_ARGUMENT  one is not a host's, or there are too many; the message says what to do
absl::StatusOr<std::vector<std::string>> ChooseAddresses(const std::vector<std::string>& given,
                                                         const std::vector<std::string>& found);

// Of the interfaces that are up, but loopback; as text, as the system has them.
std::vector<std::string> InterfaceAddresses();

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_ADDRESSES_H_
