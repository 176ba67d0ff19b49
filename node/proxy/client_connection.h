// A connection from a client, as its worker knows it.
#ifndef TRELLIS_NODE_PROXY_CLIENT_CONNECTION_H_
#define TRELLIS_NODE_PROXY_CLIENT_CONNECTION_H_

#include <cstddef>

#include "node/net/event_loop.h"

namespace trellis::proxy {

// Threads: its worker's only.
class ClientConnection : public net::FdHandler {
 public:
  // Ends when no request is under way, and takes none after that.
  virtual void Drain() = 0;
  // Closes it now, whatever is under way.
  virtual void Abort() = 0;
  // Takes all steps that are possible now; none once it is closed.
  virtual void Pump() = 0;

  // The worker's.
  size_t index = 0;      // In its list.
  bool yielded = false;  // It will pump this soon.
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_CLIENT_CONNECTION_H_
