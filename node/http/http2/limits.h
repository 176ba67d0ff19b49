// Bounds of a session, and what is counted when they are met.
#ifndef TRELLIS_NODE_HTTP_HTTP2_LIMITS_H_
#define TRELLIS_NODE_HTTP_HTTP2_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/metrics/metrics.h"

namespace trellis::http2 {

// A token bucket: `burst` at once, `per_second` after that.
struct Rate {
  double burst = 0;
  double per_second = 0;
};

struct Limits {
  // Heads, measured as HTTP/1's are. Requests over these are not served (OnRefused), responses
  // over them reset.
  size_t head_bytes_max = 60 * 1024;
  size_t headers_max = 100;
  size_t trailer_bytes_max = 8 * 1024;

  uint32_t streams_max = 128;  // That the peer may have open.
  // Bytes of a body that the peer may send ahead of Consume: what a stream whose reader is slow may
  // hold. The window of the connection only paces, it is given back at once, so that streams that
  // wait starve no others: a session holds streams_max * stream_window_bytes at the very most.
  uint32_t stream_window_bytes = 64 * 1024;
  uint32_t connection_window_bytes = 1024 * 1024;
  // Of a body on its way out, before SendData takes no more. Not below the stream_window_bytes of
  // the sessions whose bodies are passed on, and what was not consumed there fits here.
  size_t send_buffer_bytes = 64 * 1024;

  // A block of fields in wire form, and the CONTINUATIONs it may come in.
  size_t block_bytes_max = 64 * 1024;
  int continuations_max = 8;
  // Streams that a client reset or made us reset (CVE-2023-44487, CVE-2025-8671). One that ends as
  // it should earns one more: who cancels one request in two does no harm.
  Rate resets = {1000, 100};
  // Frames that carry nothing to pass on: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, RST_STREAM,
  // empty or unknown ones. Each frame of a message, either way, earns `control_per_message_frame`
  // more, since window updates and pings go with bodies.
  Rate control = {4096, 256};
  double control_per_message_frame = 4;
  // Frames waiting to be sent, but DATA; only a peer that does not read lets them grow.
  size_t queued_frames_max = 1024;
};

// Shared by the sessions of a worker, whose thread alone writes them.
struct Counters {
  metrics::Counter requests;         // Heads passed on, either way.
  metrics::Counter refused;          // Requests that are well-formed and not served.
  metrics::Counter malformed;        // Streams reset for what the peer sent on them.
  metrics::Counter resets_received;  // Streams the peer reset.
  metrics::Counter goaways_sent;     // Sessions ended for an error of the peer, these among them:
  metrics::Counter reset_floods;
  metrics::Counter control_floods;
  metrics::Counter block_floods;  // Too many CONTINUATIONs, or too large a block.
  metrics::Counter queue_floods;
};

// Names each for /metrics. `peer`: who is at the other end, "client" or "target". `counters` outlives
// every Render of `registry`.
void Register(const Counters& counters, absl::string_view peer, metrics::Registry& registry);

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_LIMITS_H_
