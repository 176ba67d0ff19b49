// The program's version, as --version, the mesh's state and the logs say it.
#ifndef TRELLIS_NODE_AGENT_VERSION_H_
#define TRELLIS_NODE_AGENT_VERSION_H_

namespace trellis::agent {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_VERSION_H_
