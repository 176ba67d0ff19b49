// Brings one connection from a bare socket to a verified TLS session, within a time limit.
#ifndef TRELLIS_NODE_MESH_HANDSHAKE_H_
#define TRELLIS_NODE_MESH_HANDSHAKE_H_

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "node/net/event_loop.h"
#include "node/net/fd.h"
#include "node/tls/tls_context.h"
#include "node/tls/tls_session.h"

namespace trellis::mesh {

// Thread-safety: none; the loop's thread.
class Handshake final : public net::FdHandler {
 public:
  // `done` is called once, never inside Start, and may destroy the handshake. On OK, TakeSocket and
  // TakeSession have what was made. DEADLINE_EXCEEDED: `timeout` passed; others as
  // TlsSession::failure.
  //
  // A client's `socket` may still be connecting, and its handshake is done only when the server's
  // first bytes are there: they show that it took our certificate.
  using Done = absl::AnyInvocable<void(const absl::Status& status)>;
  Handshake(net::EventLoop& loop, const tls::TlsContext& context, net::Fd socket,
            absl::Duration timeout, Done done);
  ~Handshake() override;

  absl::Status Start();  // RESOURCE_EXHAUSTED.

  net::Fd TakeSocket() { return std::move(socket_); }
  std::unique_ptr<tls::TlsSession> TakeSession() { return std::move(session_); }

 private:
  enum class State { kConnect, kHandshake, kAwaitFirstBytes, kDone };

  void OnEvents(uint32_t events) override;
  void Step();
  void Finish(const absl::Status& status);
  void StopWatching();

  net::EventLoop& loop_;
  const bool is_server_;
  net::Fd socket_;
  std::unique_ptr<tls::TlsSession> session_;
  const absl::Duration timeout_;
  Done done_;
  State state_;
  bool watching_ = false;
  Scheduler::TimerId timer_ = Scheduler::TimerId::kNone;
};

// Makes the kernel notice within 5 s that a peer has gone without a word (power, network): what was
// sent is not acknowledged, or nothing comes back when asked.
void DetectSilentLoss(int socket);

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_HANDSHAKE_H_
