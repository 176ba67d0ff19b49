// The agent at run time: every part built, connected and, in the end, taken down in order.
#ifndef TRELLIS_NODE_AGENT_AGENT_H_
#define TRELLIS_NODE_AGENT_AGENT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "node/agent/identity.h"
#include "node/agent/options.h"

namespace trellis::agent {

// Thread-safety: one thread, which is none of the agent's own.
class Agent {
 public:
  // Serves when it returns: proxy, mesh port, admin socket.
  //   DATA_LOSS, FAILED_PRECONDITION   the data folder; the message says what to do
  //   others                           what could not be had, by its option's name
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentOptions& options,
                                                      const Identity& identity);
  // Cuts what is under way. Administration ends before the catalog does.
  virtual ~Agent() = default;

  // Stops accepting callers and waits for their requests, at most `drain_timeout`.
  virtual void Drain() = 0;
  // At SIGHUP: logs are opened anew, certificates read again.
  virtual void Reload() = 0;
};

}  // namespace trellis::agent

#endif  // TRELLIS_NODE_AGENT_AGENT_H_
