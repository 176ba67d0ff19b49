// How the proxy listens, waits and bounds what it holds.
#ifndef TRELLIS_NODE_PROXY_OPTIONS_H_
#define TRELLIS_NODE_PROXY_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "node/telemetry/access_log.h"
#include "node/upstream/pool.h"

namespace trellis::proxy {

struct Options {
  int workers = 0;  // 0: one for each core.

  // IP addresses to accept on. A socket's port is the listener's port plus `port_offset`, so that
  // an agent without privileges serves port 80 on, say, 8080.
  std::vector<std::string> listen_addresses = {"0.0.0.0", "::"};
  int port_offset = 0;
  // An address that cannot be bound (in use, not yet on an interface) is tried again this often.
  absl::Duration bind_retry = absl::Seconds(5);

  // Client connections a worker holds; more are accepted and closed at once, and counted. Each
  // costs a descriptor and, idle, about half a KiB.
  int connections_per_worker_max = 10'000;

  // For clients: to send a whole head, and between requests. Once the service is known its own idle
  // timeout holds for both sides.
  absl::Duration idle_timeout = absl::Seconds(60);
  absl::Duration handshake_timeout = absl::Seconds(10);  // Of TLS.
  // No request begins on a connection older than this (reference 6.5): the response to the one
  // under way says "connection: close".
  absl::Duration connection_lifetime = absl::Minutes(10);
  absl::Duration connect_timeout = absl::Seconds(5);
  // Targets of a group that one request tries to connect to; at most routing::TriedTargets::kMax.
  int connect_attempts_max = 3;
  upstream::Pool::Options pool;

  // Answers of the proxy's own carry x-trellis-reason.
  bool reason_header = true;
  // Borrowed; null: no access log.
  telemetry::AccessLog* access_log = nullptr;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_OPTIONS_H_
