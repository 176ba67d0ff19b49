// HTTP/2 with blocking calls over one of the harness's sockets.
#ifndef TRELLIS_TESTS_INTEGRATION_HTTP2_PEER_H_
#define TRELLIS_TESTS_INTEGRATION_HTTP2_PEER_H_

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

// One end of a connection: what it hears, and the session it speaks with.
template <typename Session, typename Recorder>
class Http2Peer {
 public:
  explicit Http2Peer(Peer peer) : peer_(std::move(peer)), session_(&context_, &heard_) {
    heard_.session = &session_;
  }

  void Flush() {
    std::string bytes;
    session_.Produce(4 << 20, &bytes);
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
  // Sends all of `body` on the stream, as there is room, until it has closed.
  void SendAll(http2::StreamId id, absl::string_view body) {
    size_t sent = 0;
    Until([&] {
      sent += session_.SendData(id, body.substr(sent), true);
      Flush();
      return seen(id).closed;
    });
  }

  http2::Seen& seen(http2::StreamId id) { return heard_.seen[id]; }
  Peer& peer() { return peer_; }
  Session& session() { return session_; }
  Recorder& heard() { return heard_; }

 private:
  Peer peer_;
  http2::SessionContext context_{http2::Limits{}};
  Recorder heard_;
  Session session_;
};

// Consumes what comes unless told otherwise.
class Http2Client : public Http2Peer<http2::ClientSession, http2::ClientRecorder> {
 public:
  using Http2Peer::Http2Peer;

  http2::StreamId Ask(absl::string_view method, absl::string_view target, bool end = true,
                      const http::HeaderMap& headers = {}) {
    return session().SubmitRequest(
        {.method = method, .scheme = "http", .authority = "svc.test", .target = target}, headers,
        end);
  }
  const http2::Seen& Answer(http2::StreamId id) {
    Until([&] { return seen(id).closed; });
    return seen(id);
  }
};

}  // namespace trellis::proxy

#endif  // TRELLIS_TESTS_INTEGRATION_HTTP2_PEER_H_
