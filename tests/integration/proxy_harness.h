// A WorkerPool in the test's process, with clients and targets that do on their sockets exactly
// what the test says, when it says so. Nothing sleeps: every wait is for bytes, an end or a
// condition.
#ifndef TRELLIS_TESTS_INTEGRATION_PROXY_HARNESS_H_
#define TRELLIS_TESTS_INTEGRATION_PROXY_HARNESS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/net/endpoint.h"
#include "gtest/gtest.h"
#include "node/net/fd.h"
#include "node/proxy/worker_pool.h"
#include "node/snapshot/snapshot.h"
#include "node/telemetry/access_log.h"

namespace trellis::proxy {

// One end of a connection, with blocking calls that fail the test rather than wait forever.
class Peer {
 public:
  Peer() = default;
  explicit Peer(net::Fd fd) : fd_(std::move(fd)) {}

  bool valid() const { return fd_.valid(); }
  void Write(absl::string_view bytes);
  // As much as the socket takes now.
  size_t WriteSome(absl::string_view bytes);
  // Up to and including `end`; everything read so far if the connection ends before.
  std::string ReadUntil(absl::string_view end);
  std::string ReadExactly(size_t size);
  std::string ReadToEnd();
  // What has come, waiting for it; empty at the end.
  std::string ReadSome();
  // One response with a Content-Length, or none for `to_head` and statuses without a body.
  std::string ReadResponse(bool to_head = false);
  // True if the other side closed; fails the test if it sends something.
  bool AtEnd();
  void FinishSending();
  // Sends a reset instead of an orderly end.
  void Reset();
  void Close() { fd_.Reset(); }
  int fd() const { return fd_.get(); }

 private:
  bool ReadMore();

  net::Fd fd_;
  std::string unread_;
};

// A server whose connections the test accepts and plays one by one.
class FakeTarget {
 public:
  FakeTarget();
  const net::Endpoint& endpoint() const { return endpoint_; }
  Peer Accept();
  bool SomeoneWaits();
  // From now on connections are refused.
  void StopListening() { listener_.Reset(); }

 private:
  net::Fd listener_;
  net::Endpoint endpoint_;
};

class ProxyTest : public testing::Test {
 protected:
  ProxyTest();
  ~ProxyTest() override;

  // Starts one worker on 127.0.0.1 with an access log. Called by Serve if the test did not.
  void Start(Options options = {});
  // Publishes and waits until the worker serves from it. The service is "svc.test".
  void Serve(CompiledAction default_action);
  void Serve(CompiledService service);
  void ServeTargets(const std::vector<const FakeTarget*>& targets);
  Peer Connect();

  CompiledAction Forward(const std::vector<const FakeTarget*>& targets);
  static CompiledAction Fixed(int status);
  std::shared_ptr<const CompiledTargetGroup> Group(const std::vector<const FakeTarget*>& targets);
  CompiledService Service(CompiledAction default_action);

  CounterValues Counters() { return pool_->Counters(); }
  // Waits until `condition` holds, asking it again and again.
  static void WaitUntil(const std::function<bool()>& condition);
  // Stops the pool and returns the access log's lines.
  std::vector<std::string> LogLines();
  uint16_t port() const { return port_; }

  // Between client and target with one exchange behind them, so that the next request reuses the
  // target's connection.
  struct Pair {
    Peer client;
    Peer target;
  };
  Pair Warm(FakeTarget& target);

  std::string log_path_;
  std::unique_ptr<telemetry::AccessLog> log_;
  std::unique_ptr<WorkerPool> pool_;

 private:
  net::Fd reserved_;  // Bound, never listening: keeps the port ours.
  uint16_t port_ = 0;
};

inline constexpr absl::string_view kGet = "GET / HTTP/1.1\r\nHost: svc.test\r\n\r\n";
inline constexpr absl::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// The value of the first header of that name in a message, or nullopt.
absl::optional<std::string> HeaderOf(absl::string_view message, absl::string_view name);
int StatusOf(absl::string_view response);
absl::string_view BodyOf(absl::string_view message);

}  // namespace trellis::proxy

#endif  // TRELLIS_TESTS_INTEGRATION_PROXY_HARNESS_H_
