// What a person should know when the proxy does not accept callers where it should.
#ifndef TRELLIS_NODE_AGENT_LISTEN_ALARMS_H_
#define TRELLIS_NODE_AGENT_LISTEN_ALARMS_H_

#include <string>
#include <vector>

#include "node/proxy/acceptor.h"

namespace trellis::agent {

// One for each address and cause: address, ports (the sockets', with `port_offset`) and what to do.
std::vector<std::string> ListenAlarms(const std::vector<proxy::ListenStatus>& statuses,
                                      int port_offset);

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_LISTEN_ALARMS_H_
