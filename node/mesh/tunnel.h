// Carries one connection's bytes between its TLS session and the socketpair whose other end gRPC
// has.
//
// Each direction has one buffer; it is read into only when empty, so a side that does not read
// stops the other (backpressure), and a tunnel costs 64 KiB at most. Edge-triggered: a tunnel that
// can do nothing costs nothing.
//
// gRPC answers each message it reads with a window update, in a packet of its own. Those wait here
// for something that has to be sent anyway, up to kMostWithheld bytes of what they grant: a quarter
// of a window, so nobody ever waits for them. (Of an idle link's bytes they were a fifth.)
//
// When one side ends, what it sent is delivered and the end passed on; the other side then has
// kHalfCloseTimeout to finish.
#ifndef TRELLIS_NODE_MESH_TUNNEL_H_
#define TRELLIS_NODE_MESH_TUNNEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "node/mesh/frame_cursor.h"
#include "node/net/event_loop.h"
#include "node/net/fd.h"
#include "node/tls/tls_session.h"

namespace trellis::mesh {

inline constexpr size_t kTunnelBufferBytes = 32 << 10;
inline constexpr size_t kMostWithheld = 16 << 10;  // gRPC's windows are 64 KiB at first.
inline constexpr absl::Duration kHalfCloseTimeout = absl::Seconds(1);

// Thread-safety: none; the loop's thread.
class Tunnel final : public net::FdHandler {
 public:
  // `done` is called once, with why it ended, and may destroy the tunnel. Not called by the
  // destructor, which ends both connections at once. `socket` is the session's.
  using Done = absl::AnyInvocable<void(const absl::Status& why)>;
  Tunnel(net::EventLoop& loop, net::Fd socket, std::unique_ptr<tls::TlsSession> session,
         net::Fd local, Done done);
  ~Tunnel() override;

  // Begins. RESOURCE_EXHAUSTED: the kernel would not watch the descriptors.
  absl::Status Start();

  const tls::TlsSession& session() const { return *session_; }

 private:
  struct Buffer {
    bool empty() const { return begin == end; }
    absl::string_view bytes() const { return absl::string_view(data.get() + begin, end - begin); }

    std::unique_ptr<char[]> data = std::make_unique<char[]>(kTunnelBufferBytes);
    size_t begin = 0;
    size_t end = 0;
  };

  void OnEvents(uint32_t events) override;
  // Moves bytes both ways until nothing moves, or hands the thread back after a fair share.
  void Pump();
  void PumpLater();
  bool MoveInward();   // TLS -> gRPC. True if something moved.
  bool MoveOutward();  // gRPC -> TLS.
  bool ReadSession();
  void AcknowledgeWithData();
  bool WriteLocal();
  bool ReadLocal();
  // Whether all of `outward_` are window updates that nobody waits for.
  bool Withholds() const;
  bool WriteSession();
  void PassEndsOn();
  void Fail(const absl::Status& why);

  net::EventLoop& loop_;
  const net::Fd socket_;
  const std::unique_ptr<tls::TlsSession> session_;
  const net::Fd local_;
  Done done_;
  // Tasks posted to the loop hold it weakly: they may outlive the tunnel.
  const std::shared_ptr<Tunnel*> self_ = std::make_shared<Tunnel*>(this);

  Buffer inward_;
  Buffer outward_;
  FrameCursor cursor_;     // Of what gRPC sends.
  uint64_t withheld_ = 0;  // What `outward_` grants, while it is window updates alone.
  bool session_ended_ = false;  // The peer sends no more.
  bool local_ended_ = false;    // gRPC sends no more.
  bool inward_closed_ = false;  // ... and the other side was told.
  bool outward_closed_ = false;
  bool watching_ = false;
  bool pump_posted_ = false;
  absl::Status failure_;
  Scheduler::TimerId half_close_timer_ = Scheduler::TimerId::kNone;
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_TUNNEL_H_
