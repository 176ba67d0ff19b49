#include "node/mesh/tunnel_set.h"

#include <errno.h>
#include <sys/socket.h>

#include <utility>

#include "base/log/log.h"
#include "base/status_macros.h"
#include "node/net/sockets.h"

namespace trellis::mesh {

absl::StatusOr<net::Fd> TunnelSet::Open(net::Fd socket, std::unique_ptr<tls::TlsSession> session,
                                        std::string name) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return net::ErrnoStatus(errno, "socketpair");
  }
  net::Fd ours(ends[0]);
  net::Fd theirs(ends[1]);
  // Known only after the tunnel is made, and read only after it has started.
  auto key = std::make_shared<const Tunnel*>();
  auto tunnel = std::make_unique<Tunnel>(
      loop_, std::move(socket), std::move(session), std::move(ours),
      [this, key, name = std::move(name)](const absl::Status& why) {
        LOG(DEBUG) << "mesh: connection with " << name << " ended: " << why.message();
        tunnels_.erase(*key);
        Count();
      });
  *key = tunnel.get();
  RETURN_IF_ERROR(tunnel->Start());
  tunnels_.emplace(tunnel.get(), std::move(tunnel));
  Count();
  return theirs;
}

void TunnelSet::CloseIf(absl::FunctionRef<bool(const tls::TlsSession& session)> condition) {
  for (auto at = tunnels_.begin(); at != tunnels_.end();) {
    at = condition(at->second->session()) ? tunnels_.erase(at) : std::next(at);
  }
  Count();
}

void TunnelSet::CloseAll() {
  tunnels_.clear();
  Count();
}

}  // namespace trellis::mesh
