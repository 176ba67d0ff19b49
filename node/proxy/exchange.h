// One request and its response: what a connection needs only while they are under way.
#ifndef TRELLIS_NODE_PROXY_EXCHANGE_H_
#define TRELLIS_NODE_PROXY_EXCHANGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "node/http/http1/codec.h"
#include "node/net/stream_socket.h"
#include "node/proxy/answers.h"
#include "node/proxy/input_buffer.h"
#include "node/snapshot/snapshot.h"
#include "node/upstream/pool.h"
#include "routing/balance/picker.h"

namespace trellis::proxy {

// A piece of Exchange::text.
struct TextSpan {
  uint32_t begin = 0;
  uint32_t size = 0;
};

// Plain data, worked on by Connection. Used again for request after request of a worker, so that
// its strings keep their memory and an idle connection has none: see ExchangePool.
struct Exchange {
  enum class RequestPhase : uint8_t {
    kHead,        // Being read.
    kConnecting,  // To a target.
    kStreaming,   // Head and body go to the target.
    kSent,        // All of it went.
    kAborted,     // The target takes no more, or is out of it: the rest is not forwarded.
  };
  enum class ResponsePhase : uint8_t {
    kAwaiting,   // Of a final head.
    kStreaming,  // Its body.
    kDone,       // All was given to the client's socket or queue.
  };

  explicit Exchange(net::BufferGauge* gauge)
      : request_parser(http1::Limits{}),
        to_target(gauge),
        response_parser(http1::Limits{}),
        from_target(gauge) {}
  bool request_body_read() const { return !has_request_body || request_body.done(); }
  // Makes it as new, but for the memory of strings.
  void Reset();

  absl::string_view Text(TextSpan span) const {
    return absl::string_view(text.data() + span.begin, span.size);
  }

  // The request.
  RequestPhase request_phase = RequestPhase::kHead;
  http1::RequestParser request_parser;
  http1::BodyDecoder request_body;
  bool head_timed = false;  // The time for the head runs.
  bool has_request_body = false;
  bool chunked_request = false;
  bool to_head = false;
  bool client_is_http10 = false;
  bool client_keep_alive = false;
  bool expects_continue = false;  // And was not told to yet.
  // What the log needs after the head's bytes are gone, one after another.
  std::string text;
  TextSpan method, path, host, user_agent, request_id;

  // Where it goes. The pointers lead into the snapshot.
  std::shared_ptr<const Snapshot> snapshot;
  const CompiledService* service = nullptr;
  const CompiledTargetGroup* group = nullptr;
  absl::Duration idle_timeout;
  routing::TriedTargets tried;
  int target_index = -1;
  std::string target_head;  // As sent to the target; kept whole for another attempt.
  std::unique_ptr<upstream::Connection> target;
  std::string target_text;  // Its address, for the log; stays when the connection goes.
  upstream::Attempt attempt;
  bool target_head_sent = false;
  net::SendQueue to_target;

  // The response.
  ResponsePhase response_phase = ResponsePhase::kAwaiting;
  http1::ResponseParser response_parser;
  http1::BodyDecoder response_body;
  InputBuffer from_target;
  bool has_response_body = false;
  bool chunked_response = false;  // To the client.
  bool close_after = false;       // The client was told so, or cannot tell the end otherwise.
  bool target_keep_alive = false;
  int status = 0;
  Reason reason = Reason::kNone;
  absl::string_view failure;  // Of the access log; static.

  // For the log. Times are monotonic.
  int64_t start_unix_seconds = 0;
  absl::Duration start;
  absl::Duration request_sent;
  absl::Duration first_response_byte;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
};

// Exchanges that rest between requests. Of one worker.
class ExchangePool {
 public:
  explicit ExchangePool(net::BufferGauge* gauge) : gauge_(gauge) {}

  std::unique_ptr<Exchange> Take();
  void Return(std::unique_ptr<Exchange> exchange);

 private:
  net::BufferGauge* const gauge_;
  std::vector<std::unique_ptr<Exchange>> resting_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_EXCHANGE_H_
