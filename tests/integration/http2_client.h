// An HTTP/2 client with blocking calls over one of the harness's sockets.
#ifndef TRELLIS_TESTS_INTEGRATION_HTTP2_CLIENT_H_
#define TRELLIS_TESTS_INTEGRATION_HTTP2_CLIENT_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/http/header_map.h"
#include "gtest/gtest.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"
#include "tests/integration/proxy_harness.h"

namespace trellis::proxy {

// A client on one connection. Consumes what comes unless told otherwise.
class Http2Client {
 public:
  explicit Http2Client(Peer peer) : peer_(std::move(peer)), session_(&context_, &heard_) {
    heard_.session = &session_;
  }

  http2::StreamId Ask(absl::string_view method, absl::string_view target, bool end = true,
                      const http::HeaderMap& headers = {}) {
    return session_.SubmitRequest(
        {.method = method, .scheme = "http", .authority = "svc.test", .target = target}, headers,
        end);
  }
  void Flush() {
    std::string bytes;
    session_.Produce(1 << 20, &bytes);
    peer_.Write(bytes);
  }
  // Sends what there is and takes what comes until `condition` holds.
  void Until(const std::function<bool()>& condition) {
    while (true) {
      Flush();
      if (condition()) return;
      const std::string bytes = peer_.ReadSome();
      if (bytes.empty()) {
        ADD_FAILURE() << "the connection ended";
        return;
      }
      ASSERT_TRUE(session_.Receive(bytes, absl::ZeroDuration()).ok());
    }
  }
  const http2::Seen& Answer(http2::StreamId id) {
    Until([&] { return heard_.seen[id].closed; });
    return heard_.seen[id];
  }
  http2::Seen& seen(http2::StreamId id) { return heard_.seen[id]; }

  Peer& peer() { return peer_; }
  http2::ClientSession& session() { return session_; }
  http2::ClientRecorder& heard() { return heard_; }

 private:
  Peer peer_;
  http2::SessionContext context_{http2::Limits{}};
  http2::ClientRecorder heard_;
  http2::ClientSession session_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_TESTS_INTEGRATION_HTTP2_CLIENT_H_
