// Non-blocking TCP sockets: listen, accept, connect. All descriptors are close-on-exec.
#ifndef TRELLIS_NODE_NET_SOCKETS_H_
#define TRELLIS_NODE_NET_SOCKETS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/net/endpoint.h"
#include "node/net/fd.h"

namespace trellis::net {

struct ListenOptions {
  // Several sockets may bind the same address, and the kernel spreads connections over them: one
  // for each worker. Off, a second bind fails, which is how a stranger's port is noticed.
  bool reuse_port = false;
  int backlog = 4096;  // Capped by net.core.somaxconn.
};

// A listening socket; an IPv6 one takes no IPv4 connections. Port 0: the kernel chooses, see
// LocalEndpoint.
//   ALREADY_EXISTS      the address is in use
//   PERMISSION_DENIED   the port is privileged
//   NOT_FOUND           no interface has the address, or the host lacks the family
//   RESOURCE_EXHAUSTED  no more descriptors
absl::StatusOr<Fd> Listen(const Endpoint& endpoint, const ListenOptions& options = {});

// One connection from `listener`, with TCP_NODELAY. Invalid Fd: none waits (errno EAGAIN), or
// accept failed and errno says how; ECONNABORTED and EINTR are retried here.
Fd Accept(int listener, Endpoint* peer);

// Starts connecting, with TCP_NODELAY; the socket becomes writable when it is decided, and
// ConnectResult tells. UNAVAILABLE: refused at once. RESOURCE_EXHAUSTED: no descriptors or ports.
absl::StatusOr<Fd> StartConnect(const Endpoint& endpoint);
// OK once connected; UNAVAILABLE with the reason. Call when the socket is writable or in error.
absl::Status ConnectResult(int fd);

// Whether a failure to connect says that the host is there and nobody listens.
bool IsRefused(const absl::Status& status);

absl::StatusOr<Endpoint> LocalEndpoint(int fd);

// "bind 127.0.0.1:80: Permission denied", with the canonical code that fits `error` (an errno).
absl::Status ErrnoStatus(int error, absl::string_view what);

}  // namespace trellis::net

#endif  // TRELLIS_NODE_NET_SOCKETS_H_
