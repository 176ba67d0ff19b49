// Keep-alive connections of one worker to targets.
//
// A connection is dropped as soon as it speaks or closes while idle. Between a target's closing and
// our hearing of it a request may still go out on it and fail; when such a request may be sent
// again is decided by who sends it: MayRetry.
#ifndef TRELLIS_NODE_UPSTREAM_POOL_H_
#define TRELLIS_NODE_UPSTREAM_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/net/endpoint.h"
#include "node/net/event_loop.h"
#include "node/net/lazy_timer.h"
#include "node/net/stream_socket.h"

namespace trellis::upstream {

class Pool;

// One TCP connection to a target: lent to one user at a time, or idle in its pool.
class Connection final : public net::FdHandler {
 public:
  // Hears the events of a lent connection, after socket().Note took them.
  class User {
   public:
    virtual ~User() = default;
    virtual void OnUpstream() = 0;
  };

  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  net::StreamSocket& socket() { return socket_; }
  const net::Endpoint& endpoint() const { return endpoint_; }
  // "10.1.0.9:8080", for the access log.
  absl::string_view endpoint_text() const { return endpoint_text_; }
  // It has carried a request before.
  bool reused() const { return reused_; }
  // Its connect is undecided: wait for an event, then ask FinishConnect.
  bool connecting() const { return connecting_; }
  // OK: connected, or still undecided (see connecting()). UNAVAILABLE: it failed.
  absl::Status FinishConnect();

  void OnEvents(uint32_t events) override;

 private:
  friend class Pool;
  Connection(Pool& pool, net::Fd fd, const net::Endpoint& endpoint);

  Pool& pool_;
  net::StreamSocket socket_;
  const net::Endpoint endpoint_;
  const std::string endpoint_text_;
  User* user_ = nullptr;  // Null while idle.
  bool watched_ = false;
  bool connecting_ = true;
  bool reused_ = false;
  size_t idle_index_ = 0;  // In its endpoint's list.
  absl::Duration idle_since_;
};

// On the loop's thread only. Outlives the connections it lends.
class Pool {
 public:
  struct Options {
    // Kept for each endpoint, and in all: more are closed when they come back. Too few and a burst
    // pays connects again; each costs a descriptor and about 1 KiB here, more in the kernel.
    size_t idle_per_endpoint_max = 512;
    size_t idle_max = 4096;
    // Shorter than common servers' own (Node.js closes after 5 s), so that we close first and no
    // request meets a connection that is just being closed.
    absl::Duration idle_timeout = absl::Seconds(4);
  };

  Pool(net::EventLoop& loop, const Options& options);
  ~Pool();

  // The idle connection used last, or null.
  std::unique_ptr<Connection> TakeIdle(const net::Endpoint& endpoint, Connection::User* user);
  // A new one, connecting. UNAVAILABLE: refused at once. RESOURCE_EXHAUSTED: no descriptors, no
  // ports.
  absl::StatusOr<std::unique_ptr<Connection>> Connect(const net::Endpoint& endpoint,
                                                      Connection::User* user);
  // Takes back a connection whose exchange is complete on both sides. Closes it when the target has
  // finished sending or the bounds are met.
  void Release(std::unique_ptr<Connection> connection);

  size_t idle() const { return idle_; }

 private:
  friend class Connection;
  using IdleList = std::vector<std::unique_ptr<Connection>>;

  void OnIdleEvent(Connection* connection);
  std::unique_ptr<Connection> Remove(IdleList& list, size_t index);
  void Sweep();

  net::EventLoop& loop_;
  const Options options_;
  absl::flat_hash_map<net::Endpoint, IdleList> idle_by_endpoint_;
  size_t idle_ = 0;
  net::LazyTimer sweep_;
};

// How far a request got before its connection failed.
struct Attempt {
  bool connection_was_reused = false;
  bool any_byte_accepted = true;    // By the kernel: otherwise the target saw nothing.
  bool any_body_byte_sent = false;  // Bodies are streamed, so what was sent is gone.
  bool any_response_byte = false;
  bool refused = false;  // The target says that it did nothing with it (HTTP/2's REFUSED_STREAM).
  bool retried = false;
};

// May the request be sent once more, on a fresh connection? RFC 9110 9.2.2: a proxy repeats a
// request by itself only if its method is idempotent, or if it knows that the first one was never
// applied. Only for reused connections: there the likely cause is a target that closed while we
// sent, and a fresh connection that fails is a failing target, which the client should hear of.
bool MayRetry(absl::string_view method, const Attempt& attempt);

// GET, HEAD, OPTIONS, TRACE, PUT, DELETE (RFC 9110 9.2.2). Methods are case-sensitive.
bool IsIdempotent(absl::string_view method);

}  // namespace trellis::upstream

#endif  // TRELLIS_NODE_UPSTREAM_POOL_H_
