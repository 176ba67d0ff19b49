// The open tunnels of a mesh port or a dialer.
#ifndef TRELLIS_NODE_MESH_TUNNEL_SET_H_
#define TRELLIS_NODE_MESH_TUNNEL_SET_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "node/mesh/tunnel.h"
#include "node/net/event_loop.h"
#include "node/net/fd.h"
#include "node/tls/tls_session.h"

namespace trellis::mesh {

// Thread-safety: none; the loop's thread, but size(): any. Destroying it ends all connections.
class TunnelSet {
 public:
  explicit TunnelSet(net::EventLoop& loop) : loop_(loop) {}

  // Begins to pump; the answer is the end for gRPC, non-blocking. `name` is for the log.
  // RESOURCE_EXHAUSTED.
  absl::StatusOr<net::Fd> Open(net::Fd socket, std::unique_ptr<tls::TlsSession> session,
                               std::string name);
  // Ends those whose peer is such.
  void CloseIf(absl::FunctionRef<bool(const tls::TlsSession& session)> condition);
  void CloseAll();
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  void Count() { size_.store(tunnels_.size(), std::memory_order_relaxed); }

  net::EventLoop& loop_;
  std::unordered_map<const Tunnel*, std::unique_ptr<Tunnel>> tunnels_;
  std::atomic<size_t> size_ = 0;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_TUNNEL_SET_H_
